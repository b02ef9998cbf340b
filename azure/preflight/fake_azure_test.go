package preflight_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/preflight"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
)

const (
	origin     = "https://azure.test"
	tenant     = "00000000-0000-0000-0000-0000000000f0"
	sub        = "/subscriptions/00000000-0000-0000-0000-0000000000a1"
	spID       = "11111111-1111-1111-1111-111111111111"
	vnet       = sub + "/resourceGroups/customer/providers/Microsoft.Network/virtualNetworks/vnet"
	managed    = sub + "/resourceGroups/managed"
	ourNSG     = managed + "/providers/Microsoft.Network/networkSecurityGroups/c-abcde-nsg"
	theirs     = sub + "/resourceGroups/customer/providers/Microsoft.Network/networkSecurityGroups/nsg"
	desID      = sub + "/resourceGroups/customer/providers/Microsoft.Compute/diskEncryptionSets/des"
	routeID    = sub + "/resourceGroups/customer/providers/Microsoft.Network/routeTables/rt"
	natID      = sub + "/resourceGroups/customer/providers/Microsoft.Network/natGateways/nat"
	opID       = sub + "/resourceGroups/customer/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	balancerID = managed + "/providers/Microsoft.Network/loadBalancers/c-abcde"
	locate     = sub + "/providers/Microsoft.Compute/locations/eastus/usages"
)

// subnet of the fakeAzure's network.
type subnet map[string]any

// fakeAzure is an Azure in which all is well, until a test spoils it. It answers
// beneath the SDK.
type fakeAzure struct {
	t  *testing.T
	mu sync.Mutex

	mode            environment.Mode
	location        string
	master, workers subnet
	gateways        bool // in the network
	// bodies answer GET by lower-case path; absent ones are 404.
	bodies map[string]any
	// statuses spoil a path.
	statuses map[string]int
	// denied lists "object id action"; after healAfter questions nothing is denied.
	denied    map[string]bool
	healAfter int
	asked     []question
	reads     map[string]int
	// claims of tokens by client id and resource; refusals are the errors of Entra
	// ID.
	claims   map[string]map[string]any
	refusals map[string]string
}

type question struct {
	subject, resource string
	actions           []string
	groups            string
}

func ids(names ...string) []any {
	var all []any
	for _, n := range names {
		all = append(all, n)
	}
	return all
}

func sku(name string, more map[string]any) map[string]any {
	s := map[string]any{"resourceType": "virtualMachines", "name": name, "locations": ids("eastus"),
		"locationInfo": []any{map[string]any{"location": "eastus", "zones": ids("3", "1", "2", "4")}},
		"capabilities": []any{map[string]any{"name": "EncryptionAtHostSupported", "value": "True"}, map[string]any{"name": "vCPUs", "value": "8"}}}
	for k, v := range more {
		s[k] = v
	}
	return s
}

func list(items ...any) map[string]any { return map[string]any{"value": items} }

func usage(name string, limit, current int) map[string]any {
	return map[string]any{"name": map[string]any{"value": name}, "limit": limit, "currentValue": current}
}

func newFakeAzure(t *testing.T) *fakeAzure {
	w := &fakeAzure{t: t, mode: environment.Test, location: "eastus", statuses: map[string]int{}, denied: map[string]bool{}, healAfter: 1 << 30, reads: map[string]int{},
		master:   subnet{"addressPrefix": "10.0.0.0/24", "provisioningState": "Succeeded"},
		workers:  subnet{"addressPrefix": "10.0.1.0/24", "provisioningState": "Succeeded"},
		claims:   map[string]map[string]any{spID: {"oid": "sp"}, "fp": {"oid": "fp"}, "msi": {"oid": "msi"}},
		refusals: map[string]string{},
	}
	w.bodies = map[string]any{
		sub + "/providers/Microsoft.Compute/skus":                                                   list(sku("Standard_D8s_v3", nil), sku("Standard_D4s_v3", nil)),
		sub + "/providers/Microsoft.Features/providers/Microsoft.Compute/features/EncryptionAtHost": map[string]any{"properties": map[string]any{"state": "Registered"}},
		locate: list(usage("cores", 1000, 0), usage("virtualMachines", 1000, 0), usage("PremiumDiskCount", 1000, 0), usage("standardDSv3Family", 1000, 0)),
		sub + "/providers/Microsoft.Network/locations/eastus/usages": list(usage("PublicIPAddresses", 100, 0)),
		desID:      map[string]any{"location": "eastus"},
		balancerID: map[string]any{"properties": map[string]any{}},
		"/providers/Microsoft.Authorization/roleDefinitions/ef318e2a-8334-4a05-9e4a-295a196c6a6e": role("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*"),
		"/providers/Microsoft.Authorization/roleDefinitions/network":                              role("Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/*/join/action", "Microsoft.Network/routeTables/*"),
		"/providers/Microsoft.Authorization/roleDefinitions/disk":                                 role("Microsoft.Compute/*/read"),
	}
	for _, name := range []string{"Authorization", "Compute", "Network", "Storage"} {
		w.bodies[sub+"/providers/Microsoft."+name] = map[string]any{"registrationState": "Registered"}
	}
	for _, name := range []string{"disk-csi-driver", "ingress"} {
		w.bodies[opID+name+"/federatedIdentityCredentials"] = list()
	}
	w.bodies["/vaults/msi/secrets/msi-uid/"] = map[string]any{"id": origin + "/x", "value": clusterCredentials()}
	w.bodies["/vaults/svc/secrets/rp-firstparty/"] = map[string]any{"id": origin + "/x", "value": keyPair()}
	return w
}

func role(actions ...string) map[string]any {
	return map[string]any{"properties": map[string]any{"permissions": []any{map[string]any{"actions": ids(actions...)}}}}
}

var keyPair = sync.OnceValue(func() string {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, _ := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
})

func clusterCredentials() string {
	text, _ := json.Marshal(map[string]any{"explicit_identities": []any{map[string]any{"client_id": "msi", "tenant_id": tenant, "authentication_endpoint": origin + "/",
		"client_secret": base64.StdEncoding.EncodeToString([]byte(keyPair())), "resource_id": opID + "cluster"}}})
	return string(text)
}

func (w *fakeAzure) RoundTrip(r *http.Request) (*http.Response, error) {
	var text []byte
	if r.Body != nil {
		text, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	status, body := w.answer(r, string(text))
	raw, err := json.Marshal(body)
	if err != nil {
		w.t.Error(err)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(raw))), ContentLength: int64(len(raw))}, nil
}

func (w *fakeAzure) answer(r *http.Request, body string) (int, any) {
	path := r.URL.Path
	w.reads[path]++
	if status := w.statuses[path]; status != 0 {
		return status, map[string]any{"error": map[string]any{"code": "Spoiled", "message": "m"}}
	}
	switch {
	case strings.HasSuffix(path, "openid-configuration"):
		return 200, map[string]any{"token_endpoint": origin + "/" + tenant + "/oauth2/v2.0/token", "authorization_endpoint": origin + "/" + tenant + "/a", "issuer": origin + "/" + tenant + "/v2.0"}
	case strings.HasSuffix(path, "/token"):
		form, _ := url.ParseQuery(body)
		return w.token(form)
	case path == "/checkaccess":
		return w.decide(body)
	case strings.EqualFold(path, vnet):
		subnets := []any{map[string]any{"id": vnet + "/subnets/master", "properties": w.master}, map[string]any{"id": vnet + "/subnets/worker", "properties": w.workers}}
		if w.gateways {
			subnets = append(subnets, map[string]any{"id": vnet + "/subnets/GatewaySubnet"})
		}
		return 200, map[string]any{"id": vnet, "location": w.location, "properties": map[string]any{"subnets": subnets}}
	}
	for known, body := range w.bodies {
		if strings.EqualFold(known, path) {
			return 200, body
		}
	}
	return 404, map[string]any{"error": map[string]any{"code": "ResourceNotFound", "message": path}}
}

func (w *fakeAzure) token(form url.Values) (int, any) {
	client := form.Get("client_id")
	if text := w.refusals[client]; text != "" {
		return 401, map[string]any{"error": "invalid_client", "error_description": text}
	}
	claims := map[string]any{}
	for k, v := range w.claims[client] {
		claims[k] = v
	}
	if !strings.Contains(form.Get("scope"), "/graph") {
		delete(claims, "roles")
	}
	raw, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding.EncodeToString
	return 200, map[string]any{"token_type": "Bearer", "expires_in": 3600, "access_token": enc([]byte(`{"alg":"none"}`)) + "." + enc(raw) + "." + enc([]byte("x"))}
}

func (w *fakeAzure) decide(body string) (int, any) {
	var q struct {
		Subject struct {
			Attributes struct {
				ObjectID string `json:"ObjectId"`
				Claim    string `json:"_claim_names"`
			}
		}
		Actions  []struct{ Id string }
		Resource struct{ Id string }
	}
	if err := json.Unmarshal([]byte(body), &q); err != nil {
		w.t.Error(err)
	}
	asked := question{q.Subject.Attributes.ObjectID, q.Resource.Id, nil, q.Subject.Attributes.Claim}
	var decisions []any
	for _, a := range q.Actions {
		asked.actions = append(asked.actions, a.Id)
		decision := "Allowed"
		if w.denied[asked.subject+" "+a.Id] && len(w.asked) < w.healAfter {
			decision = "NotAllowed"
		}
		decisions = append(decisions, map[string]any{"actionId": a.Id, "accessDecision": decision})
	}
	w.asked = append(w.asked, asked)
	return 200, map[string]any{"value": decisions}
}

type static string

func (s static) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// validator validates w.
func (w *fakeAzure) validator() (*preflight.Validator, *azure.Azure) {
	w.t.Helper()
	w.bodies["/metadata/endpoints"] = map[string]any{"resourceManager": origin, "microsoftGraphResourceId": origin + "/graph", "checkAccess": origin + "/checkaccess",
		"authentication": map[string]any{"loginEndpoint": origin, "audiences": ids(origin)}}
	transport := &http.Client{Transport: w}
	cloud, err := azure.FindCloud(w.t.Context(), origin, transport)
	if err != nil {
		w.t.Fatal(err)
	}
	e := &environment.Environment{Mode: w.mode, TenantID: tenant, FirstPartyClientID: "fp", ServiceVault: origin + "/vaults/svc", IdentityVault: origin + "/vaults/msi", IdentityHosts: []string{strings.TrimPrefix(origin, "https://")}}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	a, err := azure.New(azure.Options{Cloud: cloud, Environment: e, Transport: transport, Service: static("x.e30.x"), Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	sets := func(_ context.Context, minor string) (*model.PlatformWorkloadIdentityRoleSet, error) {
		if minor != "4.19" {
			return nil, nil
		}
		return &model.PlatformWorkloadIdentityRoleSet{Properties: model.RoleSetProperties{PlatformWorkloadIdentityRoles: []model.PlatformWorkloadIdentityRole{
			{OperatorName: "ingress", RoleDefinitionID: "/providers/Microsoft.Authorization/roleDefinitions/network"},
			{OperatorName: "disk-csi-driver", RoleDefinitionID: "/providers/Microsoft.Authorization/roleDefinitions/disk"}}}}, nil
	}
	return preflight.New(a, e, sets, quiet), a
}

func spCluster() *model.Cluster {
	c := &model.Cluster{ID: sub + "/resourceGroups/rg/providers/Microsoft.RedHatOpenShift/openShiftClusters/c", Name: "c", Location: "eastus"}
	p := &c.Properties
	p.ClusterProfile = model.ClusterProfile{ResourceGroupID: managed, Version: "4.19.24"}
	p.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: spID, ClientSecret: "hunter2"}
	p.NetworkProfile = model.NetworkProfile{PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16", OutboundType: model.LoadBalancer}
	p.MasterProfile = model.MasterProfile{VMSize: "Standard_D8s_v3", SubnetID: vnet + "/subnets/master"}
	p.WorkerProfiles = []model.WorkerProfile{{Name: "worker", VMSize: "Standard_D4s_v3", SubnetID: vnet + "/subnets/worker", Count: 3}}
	p.IngressProfiles = []model.IngressProfile{{Visibility: model.Public}}
	c.Internal.InfraID, c.Internal.TenantID, c.Internal.UID = "c-abcde", tenant, "uid"
	return c
}

func wiCluster() *model.Cluster {
	c := spCluster()
	c.Properties.ServicePrincipalProfile = nil
	c.Identity = &model.Identity{Type: "UserAssigned", UserAssignedIdentities: map[string]*model.UserAssignedIdentity{opID + "cluster": {}}}
	c.Properties.PlatformWorkloadIdentityProfile = &model.PlatformWorkloadIdentityProfile{PlatformWorkloadIdentities: map[string]*model.PlatformWorkloadIdentity{
		"ingress": {ResourceID: opID + "ingress", ObjectID: "op-ingress"}, "disk-csi-driver": {ResourceID: opID + "disk-csi-driver", ObjectID: "op-disk"}}}
	return c
}
