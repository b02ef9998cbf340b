package server_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const deployment = "/subscriptions/" + subscription + "/resourceGroups/Group-1" + providerPath + "/deployments/one/preflight"

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	existing := w.ready(newest, "existing")
	foreign := existing
	foreign.SubscriptionID = newID()
	resource := func(name string, edit func(harness.Object)) harness.Object {
		id := clusterID(name)
		body := harness.Body(newest, id, location)
		body["name"], body["type"], body["apiVersion"], body["dependsOn"] = name, lower(arm.ClusterResourceType), newest, []any{}
		if edit != nil {
			edit(body)
		}
		return body
	}
	set := func(path string, value any) func(harness.Object) {
		return func(o harness.Object) { harness.Set(o, path, value) }
	}
	for _, test := range []struct {
		why      string
		resource any
		code     string // empty succeeds
		target   string
	}{
		{why: "a good one", resource: resource("new", nil)},
		{why: "the same as stored", resource: resource("existing", nil)},
		{why: "another type is not ours", resource: harness.Object{"type": "Microsoft.Other/x", "properties": 1}},
		{why: "a fixed property changes", resource: resource("existing", set("properties.masterProfile.vmSize", "Standard_D16s_v3")),
			code: "PropertyChangeNotAllowed", target: "properties.masterProfile.vmSize"},
		{why: "by its id", resource: resource("x", func(o harness.Object) { o["id"] = existing.String(); o["location"] = "westus" }),
			code: "PropertyChangeNotAllowed", target: "location"},
		{why: "a bad value", resource: resource("new", set("properties.networkProfile.podCidr", "10.0.0.0/30")), code: "InvalidParameter", target: "properties.networkProfile.podCidr"},
		{why: "an unknown member", resource: resource("new", set("surprise", 1)), code: "InvalidParameter", target: "surprise"},
		{why: "an unknown OpenShift version", resource: resource("new", set("properties.clusterProfile.version", "4.0.1")), code: "InvalidParameter", target: "properties.clusterProfile.version"},
		{why: "an expression is not judged", resource: resource("new", set("properties.networkProfile.podCidr", "[parameters('x')]"))},
		{why: "nor one in a list", resource: resource("new", set("properties.workerProfiles.0.vmSize", "[variables('size')]"))},
		{why: "nor a whole object", resource: resource("new", set("properties.masterProfile", "[variables('masters')]"))},
		{why: "nor location and name", resource: resource("[concat('a')]", set("location", "[resourceGroup().location]"))},
		{why: "an escaped bracket is text", resource: resource("new", set("properties.networkProfile.podCidr", "[[x]")), code: "InvalidParameter", target: "properties.networkProfile.podCidr"},
		{why: "an unknown api-version", resource: resource("new", set("apiVersion", "1999-01-01")), code: "InvalidResourceType", target: "apiVersion"},
		{why: "an illegal name", resource: resource("a b", nil), code: "InvalidResourceName", target: "name"},
		{why: "an id of something else", resource: resource("new", set("id", "/subscriptions/x")), code: "InvalidParameter", target: "id"},
		{why: "an id of another customer", resource: resource("new", set("id", foreign.String())), code: "InvalidParameter", target: "id"},
	} {
		r := w.want(200, w.do("POST", deployment, newest, harness.Object{"resources": []any{test.resource}}))
		want := map[bool]string{true: "Succeeded", false: "Failed"}[test.code == ""]
		if r.Text("status") != want || r.Code() != test.code || test.target != "" && !slices.Contains(r.Targets(), test.target) || want == "Failed" && r.Message() == "" {
			t.Errorf("%s: %v", test.why, r)
		}
		if test.target != "" && !strings.HasPrefix(r.Targets()[0], "/subscriptions/") {
			t.Errorf("%s: target is %q, want the resource's id", test.why, r.Targets()[0])
		}
	}
	for _, raw := range []string{"{", "null", "", "[]", `{"resources":{}}`} {
		r := w.want(200, w.do("POST", deployment, newest, []byte(raw)))
		if raw != "null" && r.Text("status") != "Failed" || r.JSON == nil {
			t.Errorf("body %q: %v", raw, r)
		}
	}
	w.wantError(arm.InvalidResourceType, w.do("POST", deployment, "", harness.Object{}))
}

// refusal is an Azure that has no quota.
type refusal struct{}

func (refusal) CheckCreate(context.Context, string, *model.Cluster) error {
	return arm.InvalidParameter.At("properties.masterProfile.vmSize", "The region has no quota for the size.")
}

func TestChecksThatAskAzureStopACreate(t *testing.T) {
	t.Parallel()
	w := newFixture(t, func(c *edge.Options) { c.Preflight = refusal{} })
	id := clusterID("quota")
	w.wantError(arm.InvalidParameter, w.do("PUT", id.String(), newest, harness.Body(newest, id, location)))
	w.wantError(arm.ResourceNotFound, w.do("GET", id.String(), newest, nil))
	if n := operations(t, w); n != 0 {
		t.Errorf("%d operations were left", n)
	}
}
