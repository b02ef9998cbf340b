package proof

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	admission "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// expire makes an expired certificate the vault's newest version of one, which the
// vault does not renew.
func (h *harmed) expire(ctx context.Context, t *testing.T, wanted string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	name := "api." + h.name + "." + h.domain()
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().AddDate(0, -3, 0), NotAfter: time.Now().AddDate(0, 0, -1), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for kind, content := range map[string][]byte{"PRIVATE KEY": private, "CERTIFICATE": der} {
		if err := pem.Encode(&text, &pem.Block{Type: kind, Bytes: content}); err != nil {
			t.Fatal(err)
		}
	}
	h.certificates(ctx, t, func(name string, vault func(string, string, any, any)) {
		if name == wanted {
			var kept struct{ Issuer m }
			vault(http.MethodGet, "/policy", nil, &kept)
			vault(http.MethodPost, "/import", m{"value": text.String(), "policy": m{"issuer": kept.Issuer}}, nil)
		}
	})
}

// hasFrontendsOfTheCustomer: the service changes the count of outbound addresses, and
// nothing that a rule of the customer uses.
func (h *harmed) hasFrontendsOfTheCustomer(ctx context.Context, t *testing.T) {
	balancer := h.managedGroup() + "/providers/Microsoft.Network/loadBalancers/" + h.infra
	frontends := m{}
	for _, name := range []string{"mine-out", "mine-nat"} {
		ip := h.managedGroup() + "/providers/Microsoft.Network/publicIPAddresses/" + name
		h.insider.want(ctx, t, http.MethodPut, ip+"?api-version="+networkAPI, m{"location": "eastus", "sku": m{"name": "Standard"}, "properties": m{"publicIPAllocationMethod": "Static"}}, nil)
		frontends[name] = m{"name": name, "properties": m{"publicIPAddress": m{"id": ip}}}
	}
	own := func(name string) m { return m{"id": balancer + "/frontendIPConfigurations/" + name} }
	var lb m
	h.insider.want(ctx, t, http.MethodGet, balancer+"?api-version="+networkAPI, nil, &lb)
	properties := lb["properties"].(m)
	add := func(part string, more ...any) {
		list, _ := properties[part].([]any)
		properties[part] = append(list, more...)
	}
	add("frontendIPConfigurations", frontends["mine-out"], frontends["mine-nat"])
	add("backendAddressPools", m{"name": "mine"})
	add("outboundRules", m{"name": "mine", "properties": m{"protocol": "All", "frontendIPConfigurations": []m{own("mine-out")}, "backendAddressPool": m{"id": balancer + "/backendAddressPools/mine"}}})
	add("inboundNatRules", m{"name": "mine", "properties": m{"protocol": "Tcp", "frontendPort": 2222, "backendPort": 22, "frontendIPConfiguration": own("mine-nat")}})
	h.insider.want(ctx, t, http.MethodPut, balancer+"?api-version="+networkAPI, lb, nil)

	outbound := func() (ours int, theirs []string) {
		var lb struct {
			Properties struct {
				FrontendIPConfigurations []struct{ Name string }
				OutboundRules            []struct {
					Name       string
					Properties struct{ FrontendIPConfigurations []struct{ ID string } }
				}
			}
		}
		h.want(ctx, t, http.MethodGet, balancer+"?api-version="+networkAPI, nil, &lb)
		for _, f := range lb.Properties.FrontendIPConfigurations {
			if strings.HasPrefix(f.Name, "mine-") {
				theirs = append(theirs, f.Name)
			}
		}
		for _, r := range lb.Properties.OutboundRules {
			if r.Name == "outbound-rule-v4" {
				ours = len(r.Properties.FrontendIPConfigurations)
			}
		}
		return ours, theirs
	}
	for _, count := range []int{3, 1} {
		h.succeeds(ctx, t, h.begin(ctx, t, m{"networkProfile": m{"loadBalancerProfile": m{"managedOutboundIps": m{"count": count}}}}))
		if ours, theirs := outbound(); ours != count || len(theirs) != 2 {
			t.Errorf("with %d outbound addresses wanted the cluster has %d, and of the customer's frontends %v are left", count, ours, theirs)
		}
	}
}

// getsAnotherPrincipal: the new one gets rights, the cluster gets it, and only then
// does the old one lose its own. A worker that Azure cannot start stops nothing.
func (h *harmed) getsAnotherPrincipal(ctx context.Context, t *testing.T) {
	former := h.principalOf(ctx, t, h.body["properties"].(m)["servicePrincipalProfile"].(m)["clientId"].(string))
	application := h.application
	h.customer.principal(ctx, t, h.body["properties"].(m))
	profile := h.body["properties"].(m)["servicePrincipalProfile"].(m)
	latter := h.principalOf(ctx, t, profile["clientId"].(string))

	worker := ""
	for _, name := range h.machines(ctx, t) {
		if !strings.Contains(name, "-master-") {
			worker = name
		}
	}
	h.insider.want(ctx, t, http.MethodPost, h.virtualMachine(worker)+"/deallocate?api-version=2024-07-01", nil, nil)
	h.hasPower(ctx, t, worker, "deallocated")
	h.fault(ctx, t, "no-room", m{"method": "POST", "path": worker + "/start$"}, m{"kind": "fail", "status": 409, "code": "AllocationFailed", "message": "No capacity."})
	h.fault(ctx, t, "former-stays", m{"method": "DELETE", "path": "/" + h.name + "-managed/providers/Microsoft.Authorization/roleAssignments/"}, m{"kind": "fail", "status": 503, "code": "ServerBusy"})

	watch := h.begin(ctx, t, m{"servicePrincipalProfile": profile})
	eventually(ctx, t, "the former principal is to lose its rights", func() (bool, error) {
		o, err := h.look(ctx, watch)
		if o.ended() {
			t.Fatalf("the update ended as %+v", o)
		}
		return o.StepError.Code != "", err
	})
	if o, err := h.look(ctx, watch); err != nil || o.CurrentStep != "rights of former principals" {
		t.Errorf("the step that removes roles is %q: %v", o.CurrentStep, err)
	}
	if !h.hasRights(ctx, t, former) || !h.hasRights(ctx, t, latter) {
		t.Error("while the cluster is told of its principal one of both has no rights")
	}
	h.usesSecret(ctx, t, h.kubernetes, profile["clientSecret"].(string))
	h.want(ctx, t, http.MethodDelete, "/local/faults", nil, nil)
	h.succeeds(ctx, t, watch)
	if h.hasRights(ctx, t, former) || !h.hasRights(ctx, t, latter) {
		t.Error("after the update the former principal has rights, or the new one has none")
	}
	h.insider.want(ctx, t, http.MethodPost, h.virtualMachine(worker)+"/start?api-version=2024-07-01", nil, nil)
	h.directory(ctx, t, http.MethodDelete, "/applications/"+application, nil, nil)
}

func (h *harmed) fault(ctx context.Context, t *testing.T, name string, match, action m) {
	t.Helper()
	h.want(ctx, t, http.MethodPut, "/local/faults/"+name, m{"match": match, "action": action}, nil)
}

// hasABrokenWebhook: the running operation says which, and goes on when it is gone.
func (h *harmed) hasABrokenWebhook(ctx context.Context, t *testing.T) {
	const name = "secrets.broken.example"
	hooks := h.kubernetes.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err := hooks.Create(ctx, &admission.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "broken"}, Webhooks: []admission.ValidatingWebhook{{
		Name: name, ClientConfig: admission.WebhookClientConfig{URL: new("https://127.0.0.1:1/")},
		Rules: []admission.RuleWithOperations{{Operations: []admission.OperationType{admission.Create, admission.Update},
			Rule: admission.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}}}},
		FailurePolicy: new(admission.Fail), SideEffects: new(admission.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"}, TimeoutSeconds: new(int32(2)),
	}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	secret := h.newSecret(ctx, t)
	watch := h.begin(ctx, t, m{"servicePrincipalProfile": m{"clientSecret": secret}})
	eventually(ctx, t, "the running operation tells of the webhook", func() (bool, error) {
		o, err := h.look(ctx, watch)
		if o.ended() {
			t.Fatalf("the update ended as %+v", o)
		}
		if o.StepError.Code != "" && (o.StepError.Code != "AdmissionDenied" || !strings.Contains(o.StepError.Message, name)) {
			t.Fatalf("the operation tells of %+v", o.StepError)
		}
		return o.StepError.Code != "", err
	})
	if err := hooks.Delete(ctx, "broken", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	h.succeeds(ctx, t, watch)
	h.usesSecret(ctx, t, h.kubernetes, secret)
}

// wasInAnotherTenant: the subscription's tenant is that of the time when an operation
// begins, and not of the create. Who asks for the operation is still in the former one,
// where it is not shown.
func (h *harmed) wasInAnotherTenant(ctx context.Context, t *testing.T) {
	h.subscription(ctx, t, "Registered", "00000000-0000-0000-0000-00000000beef")
	h.begin(ctx, t, nil)
	eventually(ctx, t, "the update ends", func() (bool, error) { return h.explain(ctx, t).ProvisioningState != "Updating", nil })
	if e := h.explain(ctx, t); e.ProvisioningState != "Failed" || e.LastFailure == nil || !strings.Contains(e.LastFailure.Message, "AADSTS90002") {
		t.Errorf("in a tenant that does not exist the update ended as %s by %+v", e.ProvisioningState, e.LastFailure)
	}
	h.subscription(ctx, t, "Registered", h.TenantID)
	h.succeeds(ctx, t, h.begin(ctx, t, nil))
}

// lostRights: an update gives the service its rights back, and the customer a kubeconfig.
func (h *harmed) lostRights(ctx context.Context, t *testing.T) {
	service := h.principalOf(ctx, t, firstParty)
	rights := func() (ids []string) {
		var all struct {
			Value []struct {
				ID         string
				Properties struct{ PrincipalID string }
			}
		}
		h.want(ctx, t, http.MethodGet, h.managedGroup()+"/providers/Microsoft.Authorization/roleAssignments?api-version="+authorizationAPI, nil, &all)
		for _, a := range all.Value {
			if a.Properties.PrincipalID == service && strings.HasPrefix(strings.ToLower(a.ID), strings.ToLower(h.managedGroup())+"/") {
				ids = append(ids, a.ID)
			}
		}
		return ids
	}
	before := rights()
	if len(before) == 0 {
		t.Fatal("the service has no rights: nothing is proved")
	}
	for _, id := range before {
		h.insider.want(ctx, t, http.MethodDelete, id+"?api-version="+authorizationAPI, nil, nil)
	}
	h.losesKubeconfig(ctx, t)
	h.succeeds(ctx, t, h.begin(ctx, t, nil))
	if after := rights(); len(after) != len(before) {
		t.Errorf("after the update the service has the rights %q, before %q", after, before)
	}
	h.kube(ctx, t).isWell(ctx, t, 4)
}
