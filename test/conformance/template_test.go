package conformance

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// templateChecks are chapter T: how properties behave, and preflight.
func templateChecks() []check {
	return []check{
		{id: "T04", title: "unknown properties are 400 with their path", run: checkUnknown},
		{id: "T05", title: "echoed read-only values are accepted, changed ones 400", run: checkReadOnly},
		{id: "T06", title: "equal immutable values are accepted, changed ones 400 that names them", run: checkImmutable},
		{id: "T07", title: "the order of arrays is kept", run: checkOrder, why: "every array a client can set holds exactly one element; faults name elements by index"},
		{id: "T08", title: "JSON types are kept", run: checkTypes},
		{id: "T09", title: "casing and format of values are kept", run: checkFormat},
		{id: "T10", title: "each property has one owner: the service changes nothing that the client set", run: checkOwners},
		{id: "T12", title: "preflight is always 200, with code, message and target, and skips expressions", run: checkPreflight},
	}
}

func checkUnknown(t *T) {
	t.versions(func(t *T, version string) {
		id := t.id("unknown")
		for _, path := range []string{"surprise", "properties.surprise", "properties.masterProfile.surprise", "properties.workerProfiles.0.surprise"} {
			body := harness.Set(harness.Body(version, id, t.location), path, "x")
			reply := t.want(t.put(id.String(), version, body), http.StatusBadRequest)
			t.wantTarget(reply, strings.Replace(path, ".0.", "[0].", 1))
		}
		reply := t.patch(t.shared().path, version, harness.Object{"properties": harness.Object{"surprise": 1}})
		t.want(reply, http.StatusBadRequest)
		t.wantTarget(reply, "properties.surprise")
	})
}

// readOnly are members that only the service sets, as most versions have them.
func readOnly() []string {
	return []string{"properties.apiserverProfile.url", "properties.apiserverProfile.ip", "properties.consoleProfile.url", "properties.ingressProfiles.0.ip"}
}

func checkReadOnly(t *T) {
	c := t.ready("readonly", harness.Newest, nil)
	t.versions(func(t *T, version string) {
		members := readOnly()
		if version == harness.Oldest {
			members = []string{"properties.apiserverUrl", "properties.consoleUrl"}
		}
		stored := t.want(t.get(c.path, version), http.StatusOK).JSON
		t.want(t.put(c.path, version, stored), http.StatusOK)
		for _, member := range members {
			if harness.Text(stored, member) == "" {
				t.Errorf("GET has no %s: %s", member, encode(stored))
				continue
			}
			reply := t.want(t.put(c.path, version, harness.Set(harness.Copy(stored), member, "10.9.9.9")), http.StatusBadRequest)
			t.wantTarget(reply, strings.Replace(member, ".0.", "[0].", 1))
		}
	})
}

func checkImmutable(t *T) {
	c := t.shared()
	for path, value := range map[string]any{
		"properties.clusterProfile.domain":          "other",
		"properties.clusterProfile.version":         "4.0.1",
		"properties.clusterProfile.resourceGroupId": "/subscriptions/" + t.subscription + "/resourceGroups/other",
		"properties.clusterProfile.pullSecret":      `{"auths":{"other.example.com":{"auth":"b3RoZXI="}}}`,
		"properties.networkProfile.podCidr":         "10.0.0.0/14",
		"properties.masterProfile.vmSize":           "Standard_D16s_v3",
		"properties.workerProfiles.0.vmSize":        "Standard_D8s_v3",
		"properties.workerProfiles.0.count":         9,
		"properties.apiserverProfile.visibility":    "Private",
		"properties.ingressProfiles.0.visibility":   "Private",
	} {
		reply := t.put(c.path, harness.Newest, harness.Set(harness.Copy(c.body), path, value))
		t.want(reply, http.StatusBadRequest, "PropertyChangeNotAllowed")
		t.wantTarget(reply, strings.Replace(path, ".0.", "[0].", 1))
	}
	mixed := harness.Copy(c.body)
	harness.Set(mixed, "properties.clusterProfile.resourceGroupId", strings.ToUpper(harness.Text(mixed, "properties.clusterProfile.resourceGroupId")))
	t.want(t.put(c.path, harness.Newest, mixed), http.StatusOK)
}

func checkOrder(t *T) {
	id := t.id("order")
	body := harness.Body(harness.Newest, id, t.location)
	worker := harness.At(body, "properties.workerProfiles.0")
	other := harness.Copy(worker.(harness.Object))
	other["name"], other["vmSize"] = "second", "no such size"
	harness.Set(body, "properties.workerProfiles", []any{worker, other})
	reply := t.want(t.put(id.String(), harness.Newest, body), http.StatusBadRequest)
	if !slices.ContainsFunc(reply.Targets(), func(s string) bool { return strings.HasPrefix(s, "properties.workerProfiles") }) {
		t.Errorf("%s; want a target in properties.workerProfiles", reply)
	}
}

func checkTypes(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.begin("types", version, nil)
		got := t.want(t.get(c.path, version), http.StatusOK).JSON
		if where := mistyped(got, c.body, ""); where != "" {
			t.Errorf("%s has another JSON type than was sent: %s", where, encode(got))
		}
		for path, wrong := range map[string]any{"location": 1, "tags": []any{}, "properties": "x", "properties.masterProfile.vmSize": true,
			"properties.workerProfiles": harness.Object{}, "properties.workerProfiles.0.diskSizeGB": "128", "properties.workerProfiles.0.count": 2.5} {
			id := t.id("types")
			reply := t.want(t.put(id.String(), version, harness.Set(harness.Body(version, id, t.location), path, wrong)), http.StatusBadRequest, "InvalidRequestContent")
			t.wantTarget(reply, strings.Replace(path, ".0.", "[0].", 1))
		}
	})
}

// mistyped is the first path that both have with different JSON types.
func mistyped(got, want any, path string) string {
	switch w := harness.Copy(harness.Object{"x": want})["x"].(type) {
	case harness.Object:
		g, ok := got.(harness.Object)
		if !ok {
			return path
		}
		for name, value := range w {
			if g[name] == nil {
				continue // a secret, say
			}
			if where := mistyped(g[name], value, path+"."+name); where != "" {
				return where
			}
		}
	default:
		if reflect.TypeOf(got) != reflect.TypeOf(w) {
			return path
		}
	}
	return ""
}

func checkFormat(t *T) {
	c := t.begin("format", harness.Newest, func(body harness.Object) {
		for _, path := range []string{"properties.masterProfile.subnetId", "properties.workerProfiles.0.subnetId"} {
			harness.Set(body, path, strings.Replace(harness.Text(body, path), "virtualNetworks/vnet", "virtualNetworks/VNet-A", 1))
		}
		group := harness.Text(body, "properties.clusterProfile.resourceGroupId")
		harness.Set(body, "properties.clusterProfile.resourceGroupId", strings.Replace(group, "/aro-", "/ARO-", 1))
		body["tags"] = harness.Object{"MiXed": "VaLue ü", "number": "007"}
	})
	got := t.want(t.get(c.path, harness.Newest), http.StatusOK).JSON
	for _, path := range []string{"properties.masterProfile.subnetId", "properties.workerProfiles.0.subnetId", "properties.clusterProfile.resourceGroupId", "tags.MiXed", "tags.number"} {
		if harness.Text(got, path) != harness.Text(c.body, path) {
			t.Errorf("%s is %q, sent was %q", path, harness.Text(got, path), harness.Text(c.body, path))
		}
	}
}

func checkOwners(t *T) {
	t.versions(func(t *T, version string) {
		t.Parallel()
		c := t.ready("owners", version, nil)
		want := harness.Copy(c.body)
		harness.Delete(want, "properties.servicePrincipalProfile.clientSecret")
		harness.Delete(want, "properties.clusterProfile.pullSecret")
		if missing := lacks(t.get(c.path, version).JSON, want, ""); missing != "" {
			t.Errorf("after the create: %s", missing)
		}
	})
}

func (t *T) preflight(resources ...any) *harness.Reply {
	t.Helper()
	path := "/subscriptions/" + t.subscription + "/resourceGroups/" + t.group + "/providers/" + arm.Namespace + "/deployments/one/preflight"
	return t.want(t.send(harness.Request{Method: http.MethodPost, Path: path, Version: harness.Newest, Body: harness.Object{"resources": resources}}), http.StatusOK)
}

// resource is a cluster as preflight sends it.
func (t *T) resource(version string, edit func(harness.Object)) harness.Object {
	id := t.id("preflight")
	body := harness.Body(version, id, t.location)
	body["id"], body["name"], body["type"], body["apiVersion"] = id.String(), id.Name, arm.ClusterResourceType, version
	if edit != nil {
		edit(body)
	}
	return body
}

func checkPreflight(t *T) {
	t.versions(func(t *T, version string) {
		if reply := t.preflight(t.resource(version, nil)); reply.Text("status") != "Succeeded" {
			t.Errorf("%s; want Succeeded", reply)
		}
		bad := t.resource(version, func(b harness.Object) { harness.Set(b, "properties.networkProfile.podCidr", "10.0.0.0/30") })
		reply := t.preflight(bad)
		if reply.Text("status") != "Failed" || reply.Code() == "" || reply.Message() == "" || !strings.Contains(strings.Join(reply.Targets(), " "), "podCidr") {
			t.Errorf("%s; want Failed with code, message and target", reply)
		}
	})
	for why, test := range map[string]struct {
		resource any
		want     string
	}{
		"an expression where a string is checked": {t.resource(harness.Newest, func(b harness.Object) {
			harness.Set(b, "properties.networkProfile.podCidr", "[parameters('podCidr')]")
		}), "Succeeded"},
		"an expression as location":   {t.resource(harness.Newest, func(b harness.Object) { b["location"] = "[resourceGroup().location]" }), "Succeeded"},
		"a group that does not exist": {t.resource(harness.Newest, nil), "Succeeded"},
		"another type":                {harness.Object{"type": "Microsoft.Other/things", "name": "x"}, "Succeeded"},
		"an unknown api-version":      {t.resource(harness.Newest, func(b harness.Object) { b["apiVersion"] = "1999-01-01" }), "Failed"},
		"an unknown member":           {t.resource(harness.Newest, func(b harness.Object) { b["surprise"] = 1 }), "Failed"},
	} {
		if reply := t.preflight(test.resource); reply.Text("status") != test.want {
			t.Errorf("%s: %s; want %s", why, reply, test.want)
		}
	}
	path := "/subscriptions/" + t.subscription + "/resourceGroups/" + t.group + "/providers/" + arm.Namespace + "/deployments/one/preflight"
	for _, broken := range []string{"{", "null", "[]", `{"resources":{}}`} {
		reply := t.want(t.send(harness.Request{Method: http.MethodPost, Path: path, Version: harness.Newest, Body: []byte(broken)}), http.StatusOK)
		if reply.JSON == nil || broken != "null" && reply.Text("status") != "Failed" {
			t.Errorf("body %s: %s; want one object with status Failed", broken, reply)
		}
	}
}
