package proof

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// TestMaintenanceMendsWhatIsBroken damages a cluster of each kind as people and
// time do, and lets maintenance mend it. What was well stays as it is.
func TestMaintenanceMendsWhatIsBroken(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t)
	t.Run("clusters", func(t *testing.T) {
		for _, o := range []order{{name: "principal"}, {name: "workload", workload: true}} {
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				w.customer(t, o).isMended(t)
			})
		}
	})
}

func (c *customer) isMended(t *testing.T) {
	c.created(t)
	ctx, cancel := context.WithTimeout(t.Context(), lifeTimeout)
	defer cancel()
	p := &patient{customer: c, insider: c.insider(ctx, t)}
	p.infra = strings.TrimSuffix(path.Base(p.machine(ctx, t)), "-master-1")
	before := p.chart(ctx, t)

	p.insider.want(ctx, t, http.MethodPost, p.machine(ctx, t)+"/deallocate?api-version=2024-07-01", nil, nil)
	p.losesSSH(ctx, t)
	p.insider.want(ctx, t, http.MethodPut, c.managedGroup()+"/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555?api-version="+authorizationAPI,
		m{"properties": m{"roleDefinitionId": "/subscriptions/" + c.SubscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalId": c.surplus(ctx, t), "principalType": "ServicePrincipal"}}, nil)
	p.service.want(ctx, t, http.MethodPut, p.routes(), m{"properties": m{"TTL": 300, "ARecords": []m{{"ipv4Address": "192.0.2.1"}}}}, nil)
	p.changeIssuer(ctx, t, "Other")
	p.losesKubeconfig(ctx, t)
	p.isBroken(ctx, t, before, "power", "loadBalancingRules ssh-0", "routes", "certificates", "kubeconfig", "roles")

	p.maintain(ctx, t, "Everything")
	p.isAs(ctx, t, "Everything", before)
	p.changeIssuer(ctx, t, "Other")
	p.losesKubeconfig(ctx, t)
	p.isBroken(ctx, t, before, "certificates", "kubeconfig")
	p.maintain(ctx, t, "CertificatesRenewal")
	p.isAs(ctx, t, "CertificatesRenewal", before)
	p.losesSSH(ctx, t)
	p.losesZones(ctx, t)
	p.isBroken(ctx, t, before, "loadBalancingRules ssh-0", "frontendIPConfigurations internal-lb-ip-v4")
	p.maintain(ctx, t, "MigrateLoadBalancer")
	p.isAs(ctx, t, "MigrateLoadBalancer", before)
	c.kube(ctx, t).isWell(ctx, t, 3)
	c.removed(t)
}

// patient is a cluster under maintenance, and a client that may break it.
type patient struct {
	*customer
	insider *session
	infra   string
}

// insider acts as the service's application, which no deny assignment stops.
func (c *customer) insider(ctx context.Context, t *testing.T) *session {
	t.Helper()
	var secret struct{ Value string }
	if _, err := c.service.do(ctx, c.service.pipeline("https://vault.azure.net"), http.MethodGet, c.Origin+"/vaults/aro-svc/secrets/rp-firstparty?api-version=7.5", nil, &secret); err != nil {
		t.Fatal(err)
	}
	certificates, key, err := azidentity.ParseCertificates([]byte(secret.Value), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := *c.session
	s.credential, err = azidentity.NewClientCertificateCredential(s.TenantID, firstParty, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: s.client(), DisableInstanceDiscovery: true, SendCertificateChain: true})
	if err != nil {
		t.Fatal(err)
	}
	s.line = s.pipeline(s.Origin)
	return &s
}

func (p *patient) machine(ctx context.Context, t *testing.T) string {
	t.Helper()
	for _, name := range p.machines(ctx, t) {
		if strings.HasSuffix(name, "-master-1") {
			return p.managedGroup() + "/providers/Microsoft.Compute/virtualMachines/" + name
		}
	}
	t.Fatal("there is no second master")
	return ""
}

func (p *patient) balancer() string {
	return p.managedGroup() + "/providers/Microsoft.Network/loadBalancers/" + p.infra + "-internal?api-version=" + networkAPI
}

func (p *patient) routes() string {
	return "/subscriptions/" + p.service.SubscriptionID + "/resourceGroups/aro-rp/providers/Microsoft.Network/dnsZones/" + p.domain() + "/A/*.apps." + p.name + "?api-version=2018-05-01"
}

// changeBalancer writes the internal balancer.
func (p *patient) changeBalancer(ctx context.Context, t *testing.T, change func(properties m)) {
	t.Helper()
	var lb m
	p.insider.want(ctx, t, http.MethodGet, p.balancer(), nil, &lb)
	change(lb["properties"].(m))
	p.insider.want(ctx, t, http.MethodPut, p.balancer(), lb, nil)
}

func (p *patient) losesSSH(ctx context.Context, t *testing.T) {
	t.Helper()
	p.changeBalancer(ctx, t, func(properties m) {
		properties["loadBalancingRules"] = slices.DeleteFunc(properties["loadBalancingRules"].([]any), func(r any) bool {
			return strings.HasPrefix(r.(m)["name"].(string), "ssh-")
		})
	})
}

// losesZones makes the frontend one of the time before zones.
func (p *patient) losesZones(ctx context.Context, t *testing.T) {
	t.Helper()
	p.changeBalancer(ctx, t, func(properties m) {
		for _, f := range properties["frontendIPConfigurations"].([]any) {
			delete(f.(m), "zones")
		}
	})
}

func (c *customer) surplus(ctx context.Context, t *testing.T) (principal string) {
	t.Helper()
	_, principal = c.identity(ctx, t, "surplus")
	return principal
}

// losesKubeconfig takes the customer's kubeconfig out of the document: its secret
// is sealed, so that no test can age it.
func (p *patient) losesKubeconfig(ctx context.Context, t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "aro.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, "UPDATE Clusters SET body = json_remove(body, '$.cluster.internal.userAdminKubeconfig') WHERE id LIKE ?", "%"+p.name); err != nil {
		t.Fatal(err)
	}
}

// certificates calls the vault's certificates of the cluster.
func (p *patient) certificates(ctx context.Context, t *testing.T, call func(name string, vault func(method, path string, body, into any))) {
	t.Helper()
	line := p.service.pipeline("https://vault.azure.net")
	for _, one := range p.vaulted(ctx, t, "certificates") {
		name := path.Base(one.ID)
		call(name, func(method, path string, body, into any) {
			if _, err := p.service.do(ctx, line, method, p.Origin+"/vaults/aro-cls/certificates/"+name+path+"?api-version=7.5", body, into); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func (p *patient) changeIssuer(ctx context.Context, t *testing.T, issuer string) {
	t.Helper()
	uid := p.document(ctx, t)["uid"].(string)
	p.certificates(ctx, t, func(name string, vault func(string, string, any, any)) {
		if strings.HasPrefix(name, uid) {
			vault(http.MethodPatch, "/policy", m{"issuer": m{"name": issuer}}, nil)
		}
	})
}

// admin calls the administrators' API of the cluster.
func (p *patient) admin(ctx context.Context, t *testing.T, method string, body any) (cluster m) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address+"/admin"+p.id(), bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&cluster); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v %v", method, p.name, answer.Status, cluster, err)
	}
	return cluster
}

// document is what the service keeps of the cluster for itself.
func (p *patient) document(ctx context.Context, t *testing.T) m {
	t.Helper()
	return p.admin(ctx, t, http.MethodGet, nil)["internal"].(m)
}

func (p *patient) domain() string { return "eastus.aroapp.test" }

// maintain runs a task to its end, which must be good.
func (p *patient) maintain(ctx context.Context, t *testing.T, task string) {
	t.Helper()
	p.maintainWith(ctx, t, task, nil)
}

// maintainWith runs a task that gets flags of the operator.
func (p *patient) maintainWith(ctx context.Context, t *testing.T, task string, flags m) {
	t.Helper()
	p.admin(ctx, t, http.MethodPatch, m{"properties": m{"maintenanceTask": task, "operatorFlags": flags}})
	eventually(ctx, t, task, func() (bool, error) { return p.document(ctx, t)["operation"] == nil, nil })
	if internal := p.document(ctx, t); internal["lastAdminUpdateError"] != nil || internal["maintenanceState"] != "None" {
		t.Fatalf("%s: %v, maintenance is %v", task, internal["lastAdminUpdateError"], internal["maintenanceState"])
	}
}

// chart is all that is broken and mended here, and what must stay.
func (p *patient) chart(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	text := func(value any) string {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	chart := map[string]string{}
	var lb, record, view struct{ Properties, Statuses any }
	p.want(ctx, t, http.MethodGet, p.balancer(), nil, &lb)
	properties := lb.Properties.(m)
	for _, kind := range []string{"frontendIPConfigurations", "loadBalancingRules", "backendAddressPools", "probes"} {
		for _, one := range properties[kind].([]any) {
			one := one.(m)
			inner := one["properties"].(m)
			chart[kind+" "+one["name"].(string)] = text([]any{one["zones"], inner["privateIPAddress"], inner["frontendPort"], inner["backendPort"], inner["probe"], inner["frontendIPConfiguration"]})
		}
	}
	p.service.want(ctx, t, http.MethodGet, p.routes(), nil, &record)
	chart["routes"] = text(record.Properties.(m)["ARecords"])
	p.want(ctx, t, http.MethodGet, p.machine(ctx, t)+"/instanceView?api-version=2024-07-01", nil, &view)
	chart["power"] = text(strings.Contains(text(view.Statuses), "PowerState/running"))
	var roles struct {
		Value []struct {
			Properties struct{ PrincipalID, RoleDefinitionID, Scope string }
		}
	}
	p.want(ctx, t, http.MethodGet, p.managedGroup()+"/providers/Microsoft.Authorization/roleAssignments?api-version="+authorizationAPI, nil, &roles)
	var grants []string
	for _, r := range roles.Value {
		grants = append(grants, r.Properties.PrincipalID+" "+path.Base(r.Properties.RoleDefinitionID)+" "+r.Properties.Scope)
	}
	slices.Sort(grants)
	chart["roles"] = text(grants)
	for _, name := range p.machines(ctx, t) {
		chart["machine "+name] = "there"
	}
	var credentials struct{ Kubeconfig string }
	_, _ = p.call(ctx, http.MethodPost, p.id()+"/listAdminCredentials?api-version="+newestAPI, nil, &credentials)
	chart["kubeconfig"] = text(credentials.Kubeconfig != "")
	uid := p.document(ctx, t)["uid"].(string)
	p.certificates(ctx, t, func(name string, vault func(string, string, any, any)) {
		if strings.HasPrefix(name, uid) {
			var policy struct{ Issuer struct{ Name string } }
			vault(http.MethodGet, "/policy", nil, &policy)
			chart["certificates"] += policy.Issuer.Name + " "
		}
	})
	return chart
}

func (p *patient) isBroken(ctx context.Context, t *testing.T, before map[string]string, keys ...string) {
	t.Helper()
	now := p.chart(ctx, t)
	for _, key := range keys {
		if now[key] == before[key] {
			t.Errorf("%s: %s is still %q", p.name, key, now[key])
		}
	}
}

func (p *patient) isAs(ctx context.Context, t *testing.T, after string, before map[string]string) {
	t.Helper()
	now := p.chart(ctx, t)
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if now[key] != before[key] {
			t.Errorf("%s, after %s: %s is %q, was %q", p.name, after, key, now[key], before[key])
		}
	}
	for key := range now {
		if _, had := before[key]; !had {
			t.Errorf("%s, after %s: there is %s besides", p.name, after, key)
		}
	}
}
