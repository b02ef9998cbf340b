package conformance

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// addressChecks are chapter U: paths, names and arguments.
func addressChecks() []check {
	return []check{
		{id: "U04", title: "cluster names have 1 to 90 permitted characters", run: checkNames},
		{id: "U07", title: "api-version is mandatory; an unknown one is 400 that lists the supported ones", run: checkAPIVersion},
		{id: "U14", title: "resource group names follow the platform's rule", run: checkGroups},
		{id: "U15", title: "locations are compared without regard to case and spaces, and are returned as given", run: checkLocation},
	}
}

// badNames are illegal as the name of a group and of a cluster alike.
func badNames() []string {
	return []string{"a b", "a<b", "a>b", "a%b", "a&b", "a:b", "a\\b", "a?b", "a*b", "a'b", "a\"b", "ends.", "a\nb", "a\x00b", "ä", "a|b",
		strings.Repeat("n", 91), strings.Repeat("n", 300)}
}

func checkNames(t *T) {
	for _, name := range badNames() {
		path := t.groupPath() + "/" + url.PathEscape(name)
		t.want(t.get(path, harness.Newest), http.StatusBadRequest, "InvalidResourceName")
		t.want(t.put(path, harness.Newest, harness.Body(harness.Newest, t.id("x"), t.location)), http.StatusBadRequest, "InvalidResourceName")
	}
	for _, name := range []string{"a", "A-b_c.d(e)", "1", strings.Repeat("n", 90)} {
		t.want(t.get(t.groupPath()+"/"+name, harness.Newest), http.StatusNotFound, "ResourceNotFound")
	}
}

// checkGroups: groups may be named in any script, unlike clusters.
func checkGroups(t *T) {
	clusters := func(group string) string {
		return "/subscriptions/" + t.subscription + "/resourceGroups/" + url.PathEscape(group) + "/providers/" + arm.ClusterResourceType
	}
	for _, name := range []string{"ä", "группа-日本"} {
		t.want(t.get(clusters(name), harness.Newest), http.StatusOK, "")
	}
	for _, name := range badNames() {
		if name == "ä" {
			continue
		}
		group := clusters(name)
		t.want(t.get(group, harness.Newest), http.StatusBadRequest, "ResourceGroupNotFound")
		t.want(t.get(group+"/name", harness.Newest), http.StatusBadRequest, "ResourceGroupNotFound")
	}
	for _, id := range []string{"no-uuid", strings.Repeat("0", 36), "{" + t.subscription + "}"} {
		t.want(t.get("/subscriptions/"+url.PathEscape(id)+"/providers/"+arm.ClusterResourceType, harness.Newest), http.StatusBadRequest, "InvalidSubscriptionID")
	}
}

func checkAPIVersion(t *T) {
	c := t.shared()
	for _, version := range []string{"", "2020-01-01", "2020-04-30-preview", "latest", "2025-07-25 ", "admin"} {
		for _, r := range []harness.Request{
			{Method: http.MethodGet, Path: c.path}, {Method: http.MethodPut, Path: c.path, Body: harness.Object{}},
			{Method: http.MethodPatch, Path: c.path, Body: harness.Object{}}, {Method: http.MethodDelete, Path: c.path},
			{Method: http.MethodGet, Path: t.groupPath()},
			{Method: http.MethodGet, Path: t.locationPath(t.subscription) + "/operationsstatus/" + uuid.NewString()},
		} {
			r.Version = version
			reply := t.want(t.send(r), http.StatusBadRequest, "InvalidResourceType")
			for _, supported := range harness.Versions() {
				if !strings.Contains(reply.Message(), supported) {
					t.Errorf("%s does not list %s", reply, supported)
				}
			}
		}
	}
	t.versions(func(t *T, version string) {
		t.want(t.get(c.path, version), http.StatusOK)
		t.want(t.get(t.groupPath(), version), http.StatusOK)
	})
	t.want(t.post(c.path+"/listCredentials", ""), http.StatusBadRequest, "InvalidResourceType")
	// An operation that a version does not offer is not a missing resource.
	t.want(t.post(c.path+"/listAdminCredentials", "2020-04-30"), http.StatusBadRequest, "InvalidResourceType")
}

func checkLocation(t *T) {
	spaced := strings.ToUpper(t.location[:1]) + t.location[1:4] + " " + strings.ToUpper(t.location[4:])
	c := t.begin("location", harness.Newest, func(body harness.Object) { body["location"] = spaced })
	if got := t.get(c.path, harness.Newest).Text("location"); got != spaced {
		t.Errorf("location is %q, want %q as given", got, spaced)
	}
	id := t.id("elsewhere")
	reply := t.want(t.put(id.String(), harness.Newest, harness.Body(harness.Newest, id, "atlantis")), http.StatusBadRequest, "InvalidParameter")
	t.wantTarget(reply, "location")
	elsewhere := strings.Replace(t.locationPath(t.subscription), t.location, "atlantis", 1)
	t.want(t.get(elsewhere+"/openShiftVersions", harness.Newest), http.StatusBadRequest, "InvalidLocation")
	t.want(t.get(strings.Replace(t.locationPath(t.subscription), t.location, url.PathEscape(spaced), 1)+"/openShiftVersions", harness.Newest), http.StatusOK)
}
