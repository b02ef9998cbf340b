package server_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/harness"
)

// TestAClusterInAGroupOfAnyScript: created, read and listed in any casing, changed
// to nothing by the same body, and deleted.
func TestAClusterInAGroupOfAnyScript(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("one")
	id.ResourceGroup = "группа-日本"
	body := harness.Body(newest, id, location)
	managed := "/subscriptions/" + subscription + "/resourceGroups/управляемая-日本"
	harness.Set(body, "properties.clusterProfile.resourceGroupId", managed)
	path := func(group string) string {
		return strings.Replace(id.String(), id.ResourceGroup, url.PathEscape(group), 1)
	}
	w.want(201, w.do("PUT", path("группа-日本"), newest, body))
	w.finish(id, model.Succeeded)
	for _, group := range []string{"группа-日本", "ГРУППА-日本"} {
		if r := w.want(200, w.do("GET", path(group), newest, nil)); r.Text("id") != id.String() {
			t.Errorf("the id is %q, not %q", r.Text("id"), id.String())
		}
		list := strings.TrimSuffix(path(group), "/one")
		if r := w.want(200, w.do("GET", list, newest, nil)); !contains(string(r.Body), `"name":"one"`) {
			t.Errorf("not in the list of %s: %v", group, r)
		}
	}
	harness.Set(body, "properties.clusterProfile.resourceGroupId", strings.ToUpper(managed))
	if r := w.want(200, w.do("PUT", path("ГРУППА-日本"), newest, body)); r.Text("properties.provisioningState") != "Succeeded" {
		t.Errorf("another casing begins an update: %v", r)
	}
	other := clusterID("two")
	taken := harness.Set(harness.Body(newest, other, location), "properties.clusterProfile.resourceGroupId", strings.ToUpper(managed))
	w.wantError(arm.DuplicateResourceGroup, w.do("PUT", other.String(), newest, taken))
	w.wantError(arm.ResourceNotFound, w.do("GET", path("группа-日木"), newest, nil))
	w.wantError(arm.InvalidResourceGroup, w.do("GET", path("группа."), newest, nil))
	w.want(202, w.do("DELETE", path("ГРУППА-日本"), newest, nil))
}
