package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

const (
	origin     = "https://azure.test"
	tenant     = "00000000-0000-0000-0000-0000000000f0"
	customerID = "/subscriptions/00000000-0000-0000-0000-0000000000a1"
	ownID      = "/subscriptions/00000000-0000-0000-0000-0000000000a0"
	groupID    = customerID + "/resourceGroups/aro-managed"
	vnetID     = customerID + "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet"
	infraID    = "one-x7k2p"
)

// fakeAzure is an Azure beneath the SDK: a map of documents by path that keeps what
// is put, and answers of its own where a test wants them.
type fakeAzure struct {
	t    *testing.T
	mu   sync.Mutex
	docs map[string]map[string]any // by lower-case path
	text map[string][]byte         // blobs, by path
	hook map[string]func(*http.Request, []byte) (int, any)
	seen []string // "METHOD path" of all but reads
	head map[string]http.Header
	// refuse answers instead of everything but tokens, where it is true.
	refuse func(call string) (status int, answer any, refused bool)
	// slow makes Azure take its time; nil is at once.
	slow *slowly
}

// put makes something exist.
func (a *fakeAzure) put(path string, doc map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	doc["id"] = path
	doc["name"] = lastSegment(path)
	a.docs[strings.ToLower(path)] = doc
}

func (a *fakeAzure) get(path string) map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.docs[strings.ToLower(path)]
}

// on answers a call instead of the map.
func (a *fakeAzure) on(call string, answer func(*http.Request, []byte) (int, any)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hook[strings.ToLower(call)] = answer
}

// writes are the calls that changed something, in order, with that prefix of the path.
func (a *fakeAzure) writes(prefix string) (calls []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, call := range a.seen {
		if _, path, _ := strings.Cut(call, " "); strings.HasPrefix(path, strings.ToLower(prefix)) {
			calls = append(calls, call)
		}
	}
	return calls
}

func refusal(code, message string) any {
	return map[string]any{"error": map[string]any{"code": code, "message": message}}
}

func (a *fakeAzure) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.slow != nil {
		return a.slow.answer(r, a)
	}
	return a.answer(r)
}

func (a *fakeAzure) answer(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	path := strings.ToLower(r.URL.Path)
	if strings.HasPrefix(path, "/vaults/") && r.Header.Get("Authorization") == "" {
		challenge := reply(r, http.StatusUnauthorized, nil) // clients send nothing before it
		challenge.Header.Set("Www-Authenticate", `Bearer authorization="`+origin+`/`+tenant+`", resource="`+origin+`"`)
		return challenge, nil
	}
	a.mu.Lock()
	hook := a.hook[strings.ToLower(r.Method)+" "+path]
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasSuffix(path, "/token") {
		a.seen = append(a.seen, r.Method+" "+path)
		a.head[r.Method+" "+path] = r.Header
	}
	refuse := a.refuse
	a.mu.Unlock()
	if refuse != nil && !strings.HasSuffix(path, "/token") && !strings.HasSuffix(path, "openid-configuration") {
		if status, answer, refused := refuse(r.Method + " " + path); refused {
			return reply(r, status, answer), nil
		}
	}
	if hook != nil {
		status, answer := hook(r, body)
		return reply(r, status, answer), nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if strings.HasPrefix(path, "/blob/") {
		return a.blob(r, path, body), nil
	}
	switch r.Method {
	case http.MethodPut:
		var doc map[string]any
		_ = json.Unmarshal(body, &doc)
		doc["id"], doc["name"] = r.URL.Path, lastSegment(r.URL.Path)
		a.docs[path] = doc
		return reply(r, http.StatusOK, doc), nil
	case http.MethodDelete:
		delete(a.docs, path)
		return reply(r, http.StatusOK, nil), nil
	}
	if doc := a.docs[path]; doc != nil {
		return reply(r, http.StatusOK, doc), nil
	}
	if list := a.list(path); list != nil {
		return reply(r, http.StatusOK, map[string]any{"value": list}), nil
	}
	return reply(r, http.StatusNotFound, refusal("ResourceNotFound", "There is no "+r.URL.Path+".")), nil
}

// list is everything right below a path that names a kind; of a group with
// /resources, all in it.
func (a *fakeAzure) list(path string) (items []any) {
	prefix, all := strings.CutSuffix(path, "/resources")
	for key, doc := range a.docs {
		rest, found := strings.CutPrefix(key, prefix+"/")
		if found && (all && strings.HasPrefix(rest, "providers/") && strings.Count(rest, "/") == 3 || !strings.Contains(rest, "/")) {
			items = append(items, doc)
		}
	}
	return items
}

func (a *fakeAzure) blob(r *http.Request, path string, body []byte) *http.Response {
	switch r.Method {
	case http.MethodPut:
		if a.text[path] != nil && r.Header.Get("If-None-Match") == "*" {
			resp := reply(r, http.StatusConflict, nil)
			resp.Header.Set("X-Ms-Error-Code", "BlobAlreadyExists")
			return resp
		}
		a.text[path] = body
		return reply(r, http.StatusCreated, nil)
	case http.MethodDelete:
		delete(a.text, path)
		return reply(r, http.StatusAccepted, nil)
	}
	if text := a.text[path]; text != nil {
		return reply(r, http.StatusOK, text)
	}
	resp := reply(r, http.StatusNotFound, nil)
	resp.Header.Set("X-Ms-Error-Code", "BlobNotFound")
	return resp
}

func reply(r *http.Request, status int, doc any) *http.Response {
	text, raw := doc.([]byte)
	if !raw && doc != nil {
		text, _ = json.Marshal(doc)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text))}
}

const described = `{"name":"Local","resourceManager":"` + origin + `/","microsoftGraphResourceId":"` + origin + `/graph/",
"checkAccess":"` + origin + `/checkaccess","authentication":{"loginEndpoint":"` + origin + `","audiences":["` + origin + `/"]},
"suffixes":{"storage":"blob","keyVaultDns":"vaults"}}`

type static string

func (s static) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// certificate is the first party application's.
var certificate = sync.OnceValue(func() string {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "first party"}, NotAfter: time.Now().Add(time.Hour)}
	der, _ := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})) + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
})

// documents are the documents that plans are about.
var documents = backend.Clusters()

// fixture is the steps, the fakeAzure they work in, and one cluster.
type fixture struct {
	Dependencies
	*subjects
	*steps
	*fakeAzure
	store *store.Store
	t     *testing.T
}

// subjects are those of the steps, for tests to call each step by its name.
type subjects struct {
	*access
	*internalBalancer
	*billing
	*certificates
	*choices
	*credentials
	*dns
	*federation
	*graphStore
	*identity
	*installation
	*tokenIssuer
	*privateLink
	*machines
	*maintenance
	*network
	*observation
	*openShift
	*outbound
	*removal
	*resources
}

// use makes the steps again with other dependencies.
func (s *fixture) use(change func(*Dependencies)) {
	if change != nil {
		change(&s.Dependencies)
	}
	of := newSteps(s.Dependencies)
	s.steps = of
	s.subjects = &subjects{of.access, of.balancer, of.billing, of.certificates, of.choices, of.credentials, of.dns, of.federation, of.graph, of.identity,
		of.installation, of.issuer, of.link, of.machines, of.maintenance, of.network, of.observation, of.openshift, of.outbound, of.removal, of.resources}
}

type fakeValidator struct{}

func (fakeValidator) Validate(context.Context, *model.Cluster, model.OperationKind) error { return nil }

func (fakeValidator) Zones(context.Context, *azure.Clients, *model.Cluster) ([]string, error) {
	return []string{"1", "2", "3"}, nil
}

func (fakeValidator) Capabilities(context.Context, *azure.Clients, string, string) (map[string]string, error) {
	return map[string]string{"HyperVGenerations": "V1,V2", "AcceleratedNetworkingEnabled": "True"}, nil
}

type fakeInstaller struct {
	runs    int
	result  *install.Result
	release install.Release
	last    install.Request
}

func (f *fakeInstaller) Run(_ context.Context, release install.Release, r install.Request) (*install.Result, error) {
	f.runs++
	f.release, f.last = release, r
	return f.result, nil
}

func setUp(t *testing.T) *fixture {
	t.Helper()
	a := &fakeAzure{t: t, docs: map[string]map[string]any{}, text: map[string][]byte{}, head: map[string]http.Header{},
		hook: map[string]func(*http.Request, []byte) (int, any){}}
	say := func(call, text string) {
		a.on(call, func(*http.Request, []byte) (int, any) { return http.StatusOK, []byte(text) })
	}
	say("GET /metadata/endpoints", described)
	say("GET /"+tenant+"/v2.0/.well-known/openid-configuration", `{"token_endpoint":"`+origin+`/`+tenant+`/oauth2/v2.0/token","authorization_endpoint":"`+origin+`/a","issuer":"`+origin+`/`+tenant+`/v2.0"}`)
	say("POST /"+tenant+"/oauth2/v2.0/token", `{"token_type":"Bearer","expires_in":3600,"access_token":"e30.e30.x"}`)
	secret, _ := json.Marshal(map[string]any{"id": origin + "/vaults/aro-svc/secrets/rp-firstparty/1", "value": certificate(), "contentType": "application/x-pem-file"})
	say("GET /vaults/aro-svc/secrets/rp-firstparty/", string(secret))
	transport := &http.Client{Transport: a}
	cloud, err := azure.FindCloud(t.Context(), origin, transport)
	if err != nil {
		t.Fatal(err)
	}
	environment := &environment.Environment{Mode: environment.Test, Location: "eastus", Domain: "eastus.aroapp.test", TenantID: tenant, SubscriptionID: lastSegment(ownID),
		ResourceGroup: "aro-rp", FirstPartyClientID: "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875", ServiceVault: origin + "/vaults/aro-svc",
		ClusterVault: origin + "/vaults/aro-cls", IdentityVault: origin + "/vaults/aro-msi", OIDCStorage: origin + "/blob/aroidc/$web",
		OIDCIssuer: "https://oidc.test/", RegistryDomain: "registry.test", CertificateIssuer: "Self", IdentityHosts: []string{strings.TrimPrefix(origin, "https://")}}
	reach, err := azure.New(azure.Options{Cloud: cloud, Environment: environment, Transport: transport, Service: static("e30.e30.x"),
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := reach.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return newFixture(t, a, reach, environment)
}

func newFixture(t *testing.T, a *fakeAzure, reach *azure.Azure, environment *environment.Environment) *fixture {
	k, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(k, keys)
	t.Cleanup(func() { s.Close() })
	made := &fixture{fakeAzure: a, store: s, t: t, Dependencies: Dependencies{Azure: reach, Env: environment, Validator: fakeValidator{},
		Installer: &fakeInstaller{}, Versions: s.Versions, RoleSets: s.RoleSets, Billing: s.Billing, Seal: keys, Build: "build-1", Log: slog.New(slog.DiscardHandler)}}
	made.use(nil)
	return made
}

// work is a cluster in the hands of a worker. change makes it what a test needs.
func (s *fixture) work(kind model.OperationKind, change func(*model.Cluster)) *Work {
	s.t.Helper()
	id := arm.ClusterID{SubscriptionID: lastSegment(customerID), ResourceGroup: "rg", Name: "One"}
	doc := store.NewCluster(id)
	doc.Due = store.Due(0)
	c := &doc.Cluster
	c.ID, c.Name, c.Location = id.String(), id.Name, "eastus"
	c.Internal.UID, c.Internal.TenantID, c.Internal.InfraID, c.Internal.StorageSuffix = "5f5c0a3e-2f64-4f3c-9a0e-0b6f4d0c9e11", tenant, infraID, "q3rt5w7z9b"
	c.Internal.ImageRegistryStorageAccount, c.Internal.ResourceProviderID = "imageregistryq3rt5w7z9b", "11111111-0000-0000-0000-000000000001"
	p := &c.Properties
	p.ClusterProfile = model.ClusterProfile{Domain: "one", Version: "4.19.24", ResourceGroupID: groupID}
	p.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "22222222-0000-0000-0000-000000000002", ClientSecret: "s", ObjectID: "22222222-0000-0000-0000-00000000000b"}
	p.MasterProfile = model.MasterProfile{VMSize: "Standard_D8s_v3", SubnetID: vnetID + "/subnets/master"}
	p.WorkerProfiles = []model.WorkerProfile{{Name: "worker", VMSize: "Standard_D4s_v3", Count: 3, DiskSizeGB: 128, SubnetID: vnetID + "/subnets/worker"}}
	p.IngressProfiles = []model.IngressProfile{{Name: "default", Visibility: model.Public}}
	p.APIServerProfile.Visibility = model.Public
	p.NetworkProfile.OutboundType = model.LoadBalancer
	if change != nil {
		change(c)
	}
	if err := c.Begin(model.Operation{ID: "op", Kind: kind, StartedAt: time.Now()}); err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Clusters.Create(s.t.Context(), doc); err != nil {
		s.t.Fatal(err)
	}
	lease, err := s.store.Clusters.Claim(s.t.Context(), doc, "me", time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return pipeline.NewWork(&documents, lease, pipeline.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), Observe: func(pipeline.Attempt) {}})
}

// do runs a step as a plan would.
func (s *fixture) do(step func(context.Context, *Work) error, w *Work) error {
	s.t.Helper()
	return attempt(s.t.Context(), s.explained([]Step{{Do: step}})[0], w)
}

// attempt runs a step of a plan as the engine does.
func attempt(ctx context.Context, step Step, w *Work) error {
	if err := step.Do(ctx, w); err != nil {
		return step.Explain(err, w.Resource())
	}
	return nil
}

// must fails the test if err is one.
func (s *fixture) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func sorted(l []string) []string { slices.Sort(l); return l }

func lowered(s string) string { return strings.ToLower(s) }
