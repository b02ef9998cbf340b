package proof

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// recoveryTimeout bounds one thing that goes wrong, and its recovery.
const recoveryTimeout = 3 * time.Minute

// TestClustersRecover lets one cluster suffer, one after another, what has locked
// customers out of theirs, and wants an update, or nothing but time, to put it right.
func TestClustersRecover(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, "ARO_TEST=true", "ARO_LOOK_INTERVAL=5s")
	c := w.customer(t, order{name: "harmed"})
	c.created(t)
	ctx, cancel := context.WithTimeout(t.Context(), lifeTimeout)
	defer cancel()
	h := &harmed{patient: &patient{customer: c, insider: c.insider(ctx, t)}, kubernetes: c.kube(ctx, t)}
	h.infra = strings.TrimSuffix(path.Base(h.machine(ctx, t)), "-master-1")
	for _, harm := range []struct {
		name   string
		suffer func(context.Context, *testing.T)
	}{
		{"a machine set in a subnet that does not exist was recorded", h.hadAMachineSetOfNoSubnet},
		{"an upgrade and a scaling inside", h.changedInside},
		{"an expired certificate whose order is completed", h.hasAnExpiredCertificate},
		{"a certificate deleted in the vault", h.lostACertificate},
		{"machines that stopped while the subscription was suspended", h.wasSuspended},
		{"frontends of the customer's own rules", h.hasFrontendsOfTheCustomer},
		{"another principal, and a worker that cannot start", h.getsAnotherPrincipal},
		{"a webhook that does not answer", h.hasABrokenWebhook},
		{"a tenant that does not exist", h.wasInAnotherTenant},
		{"no rights of the service in the managed group, and no kubeconfig", h.lostRights},
	} {
		t.Run(harm.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(ctx, recoveryTimeout)
			defer cancel()
			began := time.Now()
			harm.suffer(ctx, t)
			t.Logf("after %s", time.Since(began).Round(time.Second))
		})
	}
	c.removed(t)
}

// harmed is a cluster to which something happens.
type harmed struct {
	*patient
	kubernetes *kube
}

// begin asks for a change of properties, or of nothing.
func (h *harmed) begin(ctx context.Context, t *testing.T, change m) (watch string) {
	t.Helper()
	body := m{}
	if change != nil {
		body["properties"] = change
	}
	watch = h.want(ctx, t, http.MethodPatch, h.id()+"?api-version="+newestAPI, body, nil).Get("Azure-Asyncoperation")
	if watch == "" {
		t.Fatal("no update began")
	}
	return watch
}

// view is what customers see of the cluster.
type view struct {
	Properties struct {
		ClusterProfile       struct{ Version string }
		WorkerProfilesStatus []struct {
			Name  string
			Count int
		}
	}
}

func (h *harmed) view(ctx context.Context, t *testing.T) (v view) {
	t.Helper()
	h.want(ctx, t, http.MethodGet, h.id()+"?api-version="+newestAPI, nil, &v)
	return v
}

func (v view) workers() (n int) {
	for _, p := range v.Properties.WorkerProfilesStatus {
		n += p.Count
	}
	return n
}

// hadAMachineSetOfNoSubnet: while the machine set is there an update names it. What
// the service recorded of it must not outlive it.
func (h *harmed) hadAMachineSetOfNoSubnet(ctx context.Context, t *testing.T) {
	sets := h.kubernetes.dynamic.Resource(machineSets).Namespace(machineNamespace)
	list, err := sets.List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("there are %d machine sets: %v", len(list.Items), err)
	}
	const name = "astray"
	astray := &unstructured.Unstructured{Object: m{"apiVersion": "machine.openshift.io/v1beta1", "kind": "MachineSet", "metadata": m{"name": name, "namespace": machineNamespace}}}
	spec := list.Items[0].DeepCopy().Object["spec"].(m)
	spec["replicas"] = int64(0)
	if err := unstructured.SetNestedField(spec, "gone", "template", "spec", "providerSpec", "value", "subnet"); err != nil {
		t.Fatal(err)
	}
	astray.Object["spec"] = spec
	if _, err := sets.Create(ctx, astray, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	refused := h.end(ctx, t, h.begin(ctx, t, nil))
	if refused.Status != "Failed" || first(refused.Error).Code != "InvalidLinkedVNet" || !strings.Contains(first(refused.Error).Message, name) {
		t.Errorf("with the machine set there the update ended as %+v", refused)
	}
	recorded := func() bool {
		for _, p := range h.view(ctx, t).Properties.WorkerProfilesStatus {
			if p.Name == name {
				return true
			}
		}
		return false
	}
	if !recorded() {
		t.Error("the machine set was not recorded: nothing is proved")
	}
	if err := sets.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	h.succeeds(ctx, t, h.begin(ctx, t, m{"servicePrincipalProfile": m{"clientSecret": h.newSecret(ctx, t)}}))
	if recorded() {
		t.Error("after the update the machine set is still shown")
	}
}

// lookWithin is how soon GET shows a change inside, when clusters are read every
// five seconds.
const lookWithin = time.Minute

// changedInside: GET tells of it without an operation, and a template that names the
// version which the cluster has is accepted.
func (h *harmed) changedInside(ctx context.Context, t *testing.T) {
	h.scales(ctx, t, h.kubernetes, 1, 4)
	upgraded := h.kubernetes.upgrades(ctx, t)
	within, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	eventually(within, t, "GET tells of the version and the workers", func() (bool, error) {
		v := h.view(ctx, t)
		return v.Properties.ClusterProfile.Version == upgraded && v.workers() == 4, nil
	})
	profile := m{"domain": h.name, "resourceGroupId": h.managedGroup(), "version": upgraded}
	principal := m{"clientId": h.body["properties"].(m)["servicePrincipalProfile"].(m)["clientId"], "clientSecret": h.newSecret(ctx, t)}
	if watch := h.ask(ctx, t, h.with(m{"clusterProfile": profile, "servicePrincipalProfile": principal})); watch != "" {
		h.succeeds(ctx, t, watch)
	}
}

// hasAnExpiredCertificate: the vault's newest version of it has expired although its
// order is completed. An update orders another, and puts no expired one into the cluster.
func (h *harmed) hasAnExpiredCertificate(ctx context.Context, t *testing.T) {
	name := h.document(ctx, t)["uid"].(string) + "-apiserver"
	before := h.servedUntil(ctx, t)
	h.expire(ctx, t, name)
	if until := h.keptUntil(ctx, t, name); until.After(time.Now()) {
		t.Fatalf("the vault's certificate lasts until %s: nothing is proved", until)
	}
	h.succeeds(ctx, t, h.begin(ctx, t, nil))
	if until := h.keptUntil(ctx, t, name); until.Before(time.Now().Add(24 * time.Hour)) {
		t.Errorf("after the update the vault's certificate lasts until %s", until)
	}
	eventually(ctx, t, "the API server serves the new certificate", func() (bool, error) {
		until := h.servedUntil(ctx, t)
		if until.Before(time.Now()) {
			t.Fatalf("the API server serves a certificate that expired %s", until)
		}
		return until.After(before), nil
	})
}

// lostACertificate: the vault keeps the name of what was deleted.
func (h *harmed) lostACertificate(ctx context.Context, t *testing.T) {
	lost := h.document(ctx, t)["uid"].(string) + "-ingress"
	h.certificates(ctx, t, func(name string, vault func(string, string, any, any)) {
		if name == lost {
			vault(http.MethodDelete, "", nil, nil)
		}
	})
	if !h.keptUntil(ctx, t, lost).IsZero() {
		t.Fatal("the certificate was not deleted: nothing is proved")
	}
	h.succeeds(ctx, t, h.begin(ctx, t, nil))
	if until := h.keptUntil(ctx, t, lost); until.Before(time.Now()) {
		t.Errorf("after the update the vault's certificate lasts until %s", until)
	}
}

// wasSuspended: Azure stops the machines of a subscription that does not pay. When it
// is back, an update without changes starts them.
func (h *harmed) wasSuspended(ctx context.Context, t *testing.T) {
	h.subscription(ctx, t, "Suspended", h.TenantID)
	if _, err := h.call(ctx, http.MethodPatch, h.id()+"?api-version="+newestAPI, m{}, nil); code(err) != "InvalidSubscriptionState" {
		t.Errorf("while the subscription is suspended an update is answered %v", err)
	}
	names := h.machines(ctx, t)
	for _, name := range names {
		h.insider.want(ctx, t, http.MethodPost, h.virtualMachine(name)+"/deallocate?api-version=2024-07-01", nil, nil)
	}
	for _, name := range names {
		h.hasPower(ctx, t, name, "deallocated")
	}
	h.subscription(ctx, t, "Registered", h.TenantID)
	h.succeeds(ctx, t, h.begin(ctx, t, nil))
	for _, name := range names {
		h.hasPower(ctx, t, name, "running")
	}
	if masters := h.kubernetes.ready(ctx, t, "master"); masters != 3 {
		t.Errorf("%d masters are ready, want 3", masters)
	}
}

// subscription is what ARM tells the service of the customer's.
func (h *harmed) subscription(ctx context.Context, t *testing.T, state, tenant string) {
	t.Helper()
	body := strings.NewReader(`{"state": "` + state + `", "registrationDate": "Sat, 21 Nov 2026 03:00:00 GMT", "properties": {"tenantId": "` + tenant + `"}}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+h.address+"/subscriptions/"+h.SubscriptionID+"?api-version=2.0", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the subscription becomes %s: %s", state, answer.Status)
	}
}

func (h *harmed) virtualMachine(name string) string {
	return h.managedGroup() + "/providers/Microsoft.Compute/virtualMachines/" + name
}

func (h *harmed) hasPower(ctx context.Context, t *testing.T, name, state string) {
	t.Helper()
	eventually(ctx, t, name+" is "+state, func() (bool, error) {
		var shown struct{ Statuses []struct{ Code string } }
		h.want(ctx, t, http.MethodGet, h.virtualMachine(name)+"/instanceView?api-version=2024-07-01", nil, &shown)
		for _, s := range shown.Statuses {
			if s.Code == "PowerState/"+state {
				return true, nil
			}
		}
		return false, nil
	})
}

// servedUntil is when the certificate expires that the API server shows under its name.
func (h *harmed) servedUntil(ctx context.Context, t *testing.T) time.Time {
	t.Helper()
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{ServerName: "api." + h.name + "." + h.domain(), InsecureSkipVerify: true}} //nolint:gosec // only to see it
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(h.endpoint(ctx, t), "6443"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter
}

// keptUntil is when the vault's newest version of a certificate expires; zero if
// there is none.
func (h *harmed) keptUntil(ctx context.Context, t *testing.T, wanted string) (until time.Time) {
	t.Helper()
	h.certificates(ctx, t, func(name string, vault func(string, string, any, any)) {
		if name == wanted {
			var kept struct{ Attributes struct{ Exp int64 } }
			vault(http.MethodGet, "", nil, &kept)
			until = time.Unix(kept.Attributes.Exp, 0)
		}
	})
	return until
}
