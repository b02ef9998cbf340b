package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// putChecks are chapter P.
func putChecks() []check {
	return []check{
		{id: "P04", title: "name and group come from the URL; another id, name or type in the body is 400", run: checkBodyIdentity},
		{id: "P09", title: "PUT answers 201 on create and 200 on replace, never 202", run: checkPutCodes},
		{id: "P10", title: "PUT, GET, PATCH and list answer the same model", run: checkSameModel},
		{id: "P14", title: "secrets are never returned by PUT, GET, PATCH or list", run: checkSecretsStay},
		{id: "P15", title: "location is fixed at create; a change is 400", run: checkLocationFixed},
		{id: "P16", title: "no resource is created without a request for it", run: checkNoChildren},
		{id: "P17", title: "PUT is repeatable; the same body again starts no work", run: checkRepeat},
		{id: "P22", title: "an omitted member takes its default and is not preserved", run: checkReset},
		{id: "P23", title: "tags stay within the platform's limits", run: checkTagLimits},
		{id: "P24", title: "envelope members are at top level and validated", run: checkEnvelope,
			why: "of the envelope members only identity exists here, from 2024-08-12-preview; the others are refused as unknown"},
		{id: "P25", title: "the answer holds the request plus id, name, type and provisioningState", run: checkHoldsRequest},
	}
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

func checkBodyIdentity(t *T) {
	id := t.id("identity")
	for member, code := range map[string]string{"id": "MismatchingResourceID", "name": "MismatchingResourceName", "type": "MismatchingResourceType"} {
		body := harness.Body(harness.Newest, id, t.location)
		body[member] = "/other"
		reply := t.want(t.put(id.String(), harness.Newest, body), http.StatusBadRequest, code)
		t.wantTarget(reply, member)
	}
	t.begin("identity", harness.Newest, func(body harness.Object) { body["type"] = strings.ToLower(arm.ClusterResourceType) })
	c := t.shared()
	body := harness.Copy(c.body)
	body["id"], body["name"] = strings.ToUpper(c.path), strings.ToUpper(c.id.Name)
	t.want(t.put(c.path, harness.Newest, body), http.StatusOK)
}

func checkPutCodes(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("codes", version, nil)
		t.want(t.put(c.path, version, c.body), http.StatusOK)
		harness.Set(c.body, "properties.servicePrincipalProfile.clientSecret", harness.ClientSecretCanary+"-2")
		t.succeeds(t.want(t.put(c.path, version, c.body), http.StatusOK))
	})
}

func checkSameModel(t *T) {
	t.versions(func(t *T, version string) {
		c := t.ready("model", version, nil)
		bodies := map[string]harness.Object{
			"GET":   t.want(t.get(c.path, version), http.StatusOK).JSON,
			"PUT":   t.want(t.put(c.path, version, c.body), http.StatusOK).JSON,
			"PATCH": t.want(t.patch(c.path, version, harness.Object{"tags": c.body["tags"]}), http.StatusOK).JSON,
			"list":  t.listed(c, version),
		}
		for name, body := range bodies {
			if !reflect.DeepEqual(body, bodies["GET"]) {
				t.Errorf("%s answers %s, GET %s", name, encode(body), encode(bodies["GET"]))
			}
		}
	})
}

// listed is the cluster as the list of its group shows it.
func (t *T) listed(c *cluster, version string) harness.Object {
	t.Helper()
	next := t.groupPath()
	for next != "" {
		page := t.want(t.get(next, version), http.StatusOK)
		items, _ := page.JSON["value"].([]any)
		for _, item := range items {
			if o, _ := item.(harness.Object); sameID(harness.Text(o, "id"), c.path) {
				return o
			}
		}
		next, version = t.local(page.Text("nextLink")), ""
	}
	t.Fatalf("%s is not in the list of its group", c.path)
	return nil
}

func checkSecretsStay(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("secret", version, nil)
		for name, body := range map[string]any{
			"create": c.created.JSON, "GET": t.get(c.path, version).JSON, "PUT": t.put(c.path, version, c.body).JSON,
			"PATCH": t.patch(c.path, version, work("")).JSON, "list": t.listed(c, version),
		} {
			text := string(encode(body))
			for _, word := range []string{"pullSecret", "clientSecret", "kubeconfig", "kubeadminPassword", harness.PullSecretCanary, harness.ClientSecretCanary} {
				if strings.Contains(text, word) {
					t.Errorf("%s has %q: %s", name, word, text)
				}
			}
		}
	})
}

func checkLocationFixed(t *T) {
	t.versions(func(t *T, version string) {
		c := t.shared()
		body := t.want(t.get(c.path, version), http.StatusOK).JSON
		body["location"] = "westeurope"
		reply := t.want(t.put(c.path, version, body), http.StatusBadRequest, "PropertyChangeNotAllowed")
		t.wantTarget(reply, "location")
	})
}

func checkNoChildren(t *T) {
	id := t.id("alone")
	id.ResourceGroup = "alone-" + id.Name
	c := t.beginAs(id, harness.Newest, nil)
	t.succeeds(c.created)
	group := "/subscriptions/" + id.SubscriptionID + "/resourceGroups/" + id.ResourceGroup + "/providers/" + arm.ClusterResourceType
	if ids := t.walk(group); len(ids) != 1 || ids[0] != c.path {
		t.Errorf("the group holds %q, want only %s", ids, c.path)
	}
}

func checkRepeat(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("repeat", version, nil)
		before := t.want(t.get(c.path, version), http.StatusOK)
		for name, body := range map[string]harness.Object{"the same body": c.body, "the answer of GET": before.JSON} {
			reply := t.want(t.put(c.path, version, body), http.StatusOK)
			if got := reply.Text("properties.provisioningState"); got != "Succeeded" {
				t.Errorf("%s again: state %s", name, got)
			}
			if reply.Header.Get("Azure-AsyncOperation") != "" {
				t.Errorf("%s again began an operation", name)
			}
			if reply.Header.Get("ETag") != before.Header.Get("ETag") {
				t.Errorf("%s again changed the ETag", name)
			}
		}
		if after := t.get(c.path, version); !reflect.DeepEqual(after.JSON, before.JSON) {
			t.Errorf("after the same PUT: %s, before: %s", after.Body, before.Body)
		}
	})
}

func checkReset(t *T) {
	id := t.id("reset")
	c := t.beginAs(id, harness.Newest, func(body harness.Object) {
		harness.Set(body, "properties.networkProfile.loadBalancerProfile", harness.Object{"managedOutboundIps": harness.Object{"count": 4}})
	})
	t.succeeds(c.created)
	const count = "properties.networkProfile.loadBalancerProfile.managedOutboundIps.count"
	if got := t.get(c.path, harness.Newest).Text(count); got != "4" {
		t.Fatalf("count is %q after the create, want 4", got)
	}
	body := harness.Delete(harness.Delete(harness.Copy(c.body), "tags"), "properties.networkProfile.loadBalancerProfile")
	t.succeeds(t.want(t.put(c.path, harness.Newest, body), http.StatusOK))
	after := t.get(c.path, harness.Newest)
	if got := after.Text(count); got != "1" {
		t.Errorf("count is %q after a PUT without it, want the default 1", got)
	}
	if tags, ok := after.JSON["tags"].(harness.Object); ok && len(tags) > 0 {
		t.Errorf("tags are %v after a PUT without them", tags)
	}
}

func checkTagLimits(t *T) {
	many := func(n int) harness.Object {
		tags := harness.Object{}
		for i := range n {
			tags[fmt.Sprintf("tag-%d", i)] = "x"
		}
		return tags
	}
	c := t.ready("tags", harness.Newest, nil)
	for why, test := range map[string]struct {
		tags harness.Object
		want int
	}{
		"longest key":           {harness.Object{strings.Repeat("k", 512): "v"}, 200},
		"key too long":          {harness.Object{strings.Repeat("k", 513): "v"}, 400},
		"longest value":         {harness.Object{"k": strings.Repeat("v", 256)}, 200},
		"value too long":        {harness.Object{"k": strings.Repeat("v", 257)}, 400},
		"empty value":           {harness.Object{"k": ""}, 200},
		"forbidden character":   {harness.Object{"a<b": "v"}, 400},
		"forbidden slash":       {harness.Object{"a/b": "v"}, 400},
		"as many as allowed":    {many(50), 200},
		"one more than allowed": {many(51), 400},
	} {
		if reply := t.patch(c.path, harness.Newest, harness.Object{"tags": test.tags}); reply.Status != test.want {
			t.Errorf("%s: %s; want %d", why, reply, test.want)
		}
	}
}

func checkEnvelope(t *T) {
	for _, member := range []string{"sku", "plan", "kind", "managedBy", "zones", "extendedLocation"} {
		id := t.id("envelope")
		body := harness.Body(harness.Newest, id, t.location)
		body[member] = harness.Object{"name": "x"}
		reply := t.want(t.put(id.String(), harness.Newest, body), http.StatusBadRequest)
		t.wantTarget(reply, member)
	}
	id := t.id("envelope")
	body := harness.Body(harness.Newest, id, t.location)
	body["identity"] = harness.Object{"type": "UserAssigned"}
	reply := t.want(t.put(id.String(), harness.Newest, body), http.StatusBadRequest)
	if !slices.ContainsFunc(reply.Targets(), func(s string) bool { return strings.HasPrefix(s, "identity") }) {
		t.Errorf("%s; want a target identity", reply)
	}
}

func checkHoldsRequest(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.begin("holds", version, nil)
		want := harness.Copy(c.body)
		harness.Delete(want, "properties.servicePrincipalProfile.clientSecret")
		harness.Delete(want, "properties.clusterProfile.pullSecret")
		want["id"], want["name"], want["type"] = c.path, c.id.Name, arm.ClusterResourceType
		harness.Set(want, "properties.provisioningState", "Creating")
		if missing := lacks(c.created.JSON, want, ""); missing != "" {
			t.Errorf("the answer to PUT lacks %s: %s", missing, c.created.Body)
		}
		if console, there := harness.At(c.created.JSON, "properties.consoleProfile").(harness.Object); there != (version != harness.Oldest) || len(console) > 0 {
			t.Errorf("%s; want an empty consoleProfile: clients read what is in it without looking", c.created)
		}
	})
}

// lacks returns the first path at which got differs from want, or empty text.
func lacks(got, want any, path string) string {
	switch w := want.(type) {
	case harness.Object:
		g, ok := got.(harness.Object)
		for name, value := range w {
			if !ok {
				return path
			}
			if missing := lacks(g[name], value, path+"."+name); missing != "" {
				return missing
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return path
		}
		for i := range w {
			if missing := lacks(g[i], w[i], fmt.Sprintf("%s[%d]", path, i)); missing != "" {
				return missing
			}
		}
	default:
		if !reflect.DeepEqual(got, want) {
			return fmt.Sprintf("%s: got %v, want %v", path, got, want)
		}
	}
	return ""
}
