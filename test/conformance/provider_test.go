package conformance

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// providerChecks are chapter O.
func providerChecks() []check {
	return []check{
		{id: "O07", title: "the operations list is complete, the same for all, and names register/action", run: checkOperations,
			why: "isDataAction is in no published spec; absent means false"},
		{id: "O08", title: "checkNameAvailability", why: "in no api-version; a name is free when GET is 404"},
		{id: "O09", title: "skus", why: "in no api-version: clusters have no sku"},
		{id: "O10", title: "usages", why: "in no api-version"},
		{id: "O11", title: "OpenShift versions and role sets are proxy resources under locations", run: checkCatalogues,
			why: "as recorded of the existing service: their types are in the singular and they have no id"},
	}
}

func (t *T) operations(version string) []harness.Object {
	t.Helper()
	reply := t.want(t.get("/providers/"+arm.Namespace+"/operations", version), http.StatusOK)
	var all []harness.Object
	items, _ := reply.JSON["value"].([]any)
	for _, item := range items {
		o, _ := item.(harness.Object)
		all = append(all, o)
	}
	return all
}

func checkOperations(t *T) {
	all := t.operations(harness.Newest)
	for _, version := range append(harness.Versions(), "2.0", "anything") {
		if names, want := named(t.operations(version)), named(all); !slices.Equal(names, want) {
			t.Errorf("api-version %s lists %q, the newest %q", version, names, want)
		}
	}
	if names := named(all); len(slices.Compact(names)) != len(all) {
		t.Errorf("names are not unique: %q", names)
	}
	for _, suffix := range []string{"register/action", "operations/read", "openShiftClusters/read", "openShiftClusters/write", "openShiftClusters/delete",
		"openShiftClusters/listCredentials/action", "openShiftClusters/listAdminCredentials/action", "openShiftClusters/credentials/action", "locations/operationresults/read",
		"locations/operationsstatus/read", "locations/openshiftVersions/read"} {
		if !slices.ContainsFunc(named(all), func(n string) bool { return strings.EqualFold(n, arm.Namespace+"/"+suffix) }) {
			t.Errorf("the list lacks %s", suffix)
		}
	}
	for _, o := range all {
		for _, member := range []string{"display.provider", "display.resource", "display.operation", "origin"} {
			if harness.Text(o, member) == "" {
				t.Errorf("%s has no %s", harness.Text(o, "name"), member)
			}
		}
		if data := o["isDataAction"]; data != nil && data != false {
			t.Errorf("%s claims to be a data action", harness.Text(o, "name"))
		}
	}
}

func named(operations []harness.Object) []string {
	var names []string
	for _, o := range operations {
		names = append(names, harness.Text(o, "name"))
	}
	slices.Sort(names)
	return names
}

func checkCatalogues(t *T) {
	base := t.locationPath(t.subscription)
	for _, list := range []struct{ path, version, name, kind string }{
		{"/openShiftVersions", harness.Newest, "properties.version", "Microsoft.RedHatOpenShift/OpenShiftVersion"},
		{"/platformWorkloadIdentityRoleSets", harness.Newest, "properties.openShiftVersion", "Microsoft.RedHatOpenShift/PlatformWorkloadIdentityRoleSet"},
	} {
		reply := t.want(t.get(base+list.path, list.version), http.StatusOK)
		items, _ := reply.JSON["value"].([]any)
		if len(items) == 0 {
			t.Errorf("%s; want at least one", reply)
			continue
		}
		first, _ := items[0].(harness.Object)
		if first["id"] != nil || harness.Text(first, "type") != list.kind || harness.Text(first, "name") != harness.Text(first, list.name) {
			t.Errorf("%s; want items with a name, the type %s and no id", reply, list.kind)
		}
		one := t.want(t.get(base+list.path+"/"+harness.Text(first, list.name), list.version), http.StatusOK)
		if !reflect.DeepEqual(one.JSON, first) {
			t.Errorf("%s; the list says %s", one, encode(first))
		}
		t.want(t.get(base+list.path+"/9.99.99", list.version), http.StatusNotFound, "ResourceNotFound")
	}
	t.want(t.get(base+"/openShiftVersions", "2022-09-04"), http.StatusOK)
	t.want(t.get(base+"/openShiftVersions", "2022-04-01"), http.StatusBadRequest, "InvalidResourceType")
}
