package proof

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// refusedTimeout bounds creates that go no further than their first step.
const refusedTimeout = 2 * time.Minute

// restrictions are sizes that the subscription may not use everywhere, as the local
// Azure reads from its file skus.json.
const restrictions = `[
	{"name": "Standard_D16s_v5", "location": "eastus", "restrictions": [{"type": "Location"}]},
	{"name": "Standard_D32s_v5", "location": "eastus", "restrictions": [{"type": "Zone", "zones": ["1", "2", "3"]}]},
	{"name": "Standard_D8s_v4", "restrictions": [{"type": "Zone", "zones": ["2"], "reasonCode": "NotAvailableForSubscription"}]},
	{"name": "Standard_D16s_v4", "zones": ["1", "3"]},
	{"name": "Standard_D32s_v4", "zones": []}
]`

// TestSizesAreRefusedWhereTheyAreRestricted asks for clusters of sizes that the
// subscription may not use in the region, in any zone, or in one of them. All are
// refused while the client waits.
func TestSizesAreRefusedWhereTheyAreRestricted(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t)
	if err := os.WriteFile(filepath.Join(w.dir, "azure", "skus.json"), []byte(restrictions), 0o600); err != nil {
		t.Fatal(err)
	}
	c := w.customer(t, order{name: "restricted"})
	ctx, cancel := context.WithTimeout(t.Context(), refusedTimeout)
	defer cancel()
	for name, test := range map[string]struct {
		masters, workers string
		target           string
		says             []string
	}{
		"masters in the region":     {masters: "Standard_D16s_v5", target: "properties.masterProfile.vmSize", says: []string{"Standard_D16s_v5", "restricted in eastus"}},
		"masters in all zones":      {masters: "Standard_D32s_v5", target: "properties.masterProfile.vmSize", says: []string{"Standard_D32s_v5", "zones 1, 2 and 3 of eastus", "NotAvailableForSubscription"}},
		"masters in one zone":       {masters: "Standard_D8s_v4", target: "properties.masterProfile.vmSize", says: []string{"Standard_D8s_v4", "zone 2 of eastus", "needs 3"}},
		"workers in one zone":       {workers: "Standard_D8s_v4", target: "properties.workerProfiles[0].vmSize", says: []string{"Standard_D8s_v4", "zone 2 of eastus"}},
		"masters in two zones":      {masters: "Standard_D16s_v4", target: "properties.masterProfile.vmSize", says: []string{"Standard_D16s_v4", "only 2 availability zones"}},
		"only workers have no zone": {workers: "Standard_D32s_v4", target: "properties.workerProfiles[0].vmSize", says: []string{"Standard_D32s_v4", "Only one of the sizes"}},
	} {
		t.Run(name, func(t *testing.T) {
			properties := c.with(nil)["properties"].(m)
			if test.masters != "" {
				properties["masterProfile"] = m{"vmSize": test.masters, "subnetId": c.network + "/subnets/master"}
			}
			if test.workers != "" {
				properties["workerProfiles"] = []m{{"name": "worker", "vmSize": test.workers, "diskSizeGB": 128, "count": 3, "subnetId": c.network + "/subnets/worker"}}
			}
			_, err := c.call(ctx, http.MethodPut, c.id()+"?api-version="+newestAPI, c.with(properties), nil)
			isRefusal(t, refusalOf(err), "InvalidParameter", test.target, test.says...)
		})
	}
	c.leave(ctx, t)
}

// TestRoutesThatLeadNowhereAreRefused asks for a cluster whose customer brings the
// routes, with none, without a default route, with one that drops everything, and
// at last with a good one.
func TestRoutesThatLeadNowhereAreRefused(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t)
	c := w.customer(t, order{name: "routed", private: true})
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
	defer cancel()
	network := m{"podCidr": "10.128.0.0/14", "serviceCidr": "172.30.0.0/16", "outboundType": "UserDefinedRouting"}
	table := c.group() + "/providers/Microsoft.Network/routeTables/routes"
	refused := func(words string) {
		t.Helper()
		o := c.end(ctx, t, c.ask(ctx, t, c.with(m{"networkProfile": network})))
		if o.Status != "Failed" {
			t.Fatalf("%s: the create ended as %+v", words, o)
		}
		isRefusal(t, first(o.Error), "InvalidLinkedRouteTable", "properties.masterProfile.subnetId", words)
		// A cluster of which nothing was made goes without a word of the service's application.
		c.want(ctx, t, http.MethodPut, "/local/faults/first-party", m{"match": m{"caller": firstParty}, "action": m{"kind": "forbidden"}}, nil)
		c.succeeds(ctx, t, c.remove(ctx, t))
		c.want(ctx, t, http.MethodDelete, "/local/faults/first-party", nil, nil)
	}
	refused("has no route table")
	c.routes(ctx, t, table, "10.1.0.0/16", "VnetLocal")
	c.attach(ctx, t, table)
	refused("has no route for 0.0.0.0/0")
	c.routes(ctx, t, table, "0.0.0.0/0", "None")
	refused("next hop None")
	c.routes(ctx, t, table, "0.0.0.0/0", "Internet")
	watch := c.ask(ctx, t, c.with(m{"networkProfile": network}))
	eventually(ctx, t, "the create goes beyond validation", func() (bool, error) {
		o, err := c.look(ctx, watch)
		if o.ended() {
			t.Fatalf("with a good route the create ended as %+v", o)
		}
		return o.CurrentStep != "" && o.CurrentStep != "validate", err
	})
	c.succeeds(ctx, t, c.remove(ctx, t))
	c.leave(ctx, t)
}

// TestAMissingRoleIsToldWhileItIsWaitedFor takes the service's role on the network
// away. The running operation tells of it at once, and goes on when the role is back.
func TestAMissingRoleIsToldWhileItIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t)
	c := w.customer(t, order{name: "unauthorized"})
	ctx, cancel := context.WithTimeout(t.Context(), refusedTimeout)
	defer cancel()
	service := c.principalOf(ctx, t, firstParty)
	c.want(ctx, t, http.MethodDelete, assignment(c.network, networkContributor, service)+"?api-version="+authorizationAPI, nil, nil)
	watch, began := c.create(ctx, t), time.Now()
	reaches := func(what string, reached func(operation) bool) {
		t.Helper()
		eventually(ctx, t, what, func() (bool, error) {
			o, err := c.look(ctx, watch)
			if o.ended() {
				t.Fatalf("the create ended as %+v", o)
			}
			return reached(o), err
		})
	}
	reaches("the operation tells of the role", func(o operation) bool {
		if o.StepError.Code != "" {
			isRefusal(t, first(o.StepError), "InvalidResourceProviderPermissions", "", "/virtualNetworks/vnet", "lacks a role")
		}
		return o.StepError.Code != ""
	})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it was told after %s", took)
	}
	c.assign(ctx, t, c.network, networkContributor, service)
	reaches("the create goes beyond validation", func(o operation) bool { return o.CurrentStep != "" && o.CurrentStep != "validate" })
	c.succeeds(ctx, t, c.remove(ctx, t))
	c.leave(ctx, t)
}

// routes makes the route table with one route.
func (c *customer) routes(ctx context.Context, t *testing.T, table, prefix, hop string) {
	t.Helper()
	c.put(ctx, t, table, networkAPI, m{"location": "eastus", "properties": m{"routes": []m{
		{"name": "only", "properties": m{"addressPrefix": prefix, "nextHopType": hop}}}}})
}

// attach gives both subnets the route table, for which the service and the cluster
// need a role.
func (c *customer) attach(ctx context.Context, t *testing.T, table string) {
	t.Helper()
	for name, prefix := range map[string]string{"master": "10.0.0.0/24", "worker": "10.0.1.0/24"} {
		c.put(ctx, t, c.network+"/subnets/"+name, networkAPI, m{"properties": m{"addressPrefix": prefix, "routeTable": m{"id": table}}})
	}
	client := c.body["properties"].(m)["servicePrincipalProfile"].(m)["clientId"].(string)
	for _, application := range []string{client, firstParty} {
		c.assign(ctx, t, table, networkContributor, c.principalOf(ctx, t, application))
	}
}

// refusalOf is the error in the body of an answer; empty if there is none.
func refusalOf(err error) failure {
	var refused *azcore.ResponseError
	var body struct{ Error failure }
	if errors.As(err, &refused) {
		if text, err := runtime.Payload(refused.RawResponse); err == nil {
			_ = json.Unmarshal(text, &body)
		}
	}
	return first(body.Error)
}

// first is the first of the problems, or the only one.
func first(f failure) failure {
	if len(f.Details) > 0 {
		return f.Details[0]
	}
	return f
}

func isRefusal(t *testing.T, f failure, code, target string, says ...string) {
	t.Helper()
	if f.Code != code || f.Target != target {
		t.Errorf("it is refused by %+v, want %s at %s", f, code, target)
	}
	for _, words := range says {
		if !strings.Contains(f.Message, words) {
			t.Errorf("%q does not say %q", f.Message, words)
		}
	}
}
