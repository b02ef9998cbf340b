package server_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

const providerPath = "/providers/Microsoft.RedHatOpenShift"

func TestPathsMatchInAnyCasingAndKeepTheCallers(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "MixedCase")
	path := created.Text("id")
	for _, variant := range []string{
		lower(path), strings.ToUpper(path), path + "/", strings.ReplaceAll(path, "/", "//"),
		strings.Replace(path, "openShiftClusters", "OPENSHIFTclusters", 1),
	} {
		reply := w.want(200, w.do("GET", variant, newest, nil))
		if reply.Text("id") != path || reply.Text("name") != "MixedCase" {
			t.Errorf("%s: %v", variant, reply)
		}
	}
	upper := strings.ToUpper(path)
	if reply := w.want(202, w.do("DELETE", upper, newest, nil)); !strings.Contains(reply.Header.Get("Location"), "/subscriptions/"+strings.ToUpper(subscription)+providerPath+"/locations/eastus/operationresults/") {
		t.Error(reply.Header)
	}
}

func TestBadPathsAndMethods(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sub := "/subscriptions/" + subscription
	group := sub + "/resourceGroups/g"
	clusters := group + providerPath + "/openShiftClusters"
	for path, code := range map[string]arm.Code{
		"/":        arm.NotFound,
		"/nothing": arm.NotFound,
		sub + "/x": arm.NotFound,
		clusters + "/a/b/c/d/e/f/g/h/i/j/k/l/m/n":                                                arm.NotFound,
		clusters + "/a/surprise":                                                                 arm.NotFound,
		"/subscriptions/no-uuid" + providerPath + "/openShiftClusters":                           arm.InvalidSubscriptionID,
		sub + "/resourceGroups/bad!" + providerPath + "/openShiftClusters":                       arm.InvalidResourceGroup,
		sub + "/resourceGroups/dot." + providerPath + "/openShiftClusters":                       arm.InvalidResourceGroup,
		sub + "/resourceGroups/" + strings.Repeat("g", 91) + providerPath + "/openShiftClusters": arm.InvalidResourceGroup,
		group + "/providers/Microsoft.Other/openShiftClusters":                                   arm.InvalidResourceNamespace,
		group + providerPath + "/things":                                                         arm.InvalidResourceType,
		clusters + "/bad%20name":                                                                 arm.InvalidResourceName,
		sub + providerPath + "/locations/westeurope/openShiftVersions":                           arm.InvalidLocation,
		sub + providerPath + "/locations/eastus/operationsstatus/no-uuid":                        arm.InvalidOperationID,
		sub + providerPath + "/locations/eastus/operationsstatus/" + newID():                     arm.NotFound,
		sub + providerPath + "/locations/east%20US/openShiftVersions/4.0.1":                      arm.ResourceNotFound,
		sub + providerPath + "/locations/eastus/platformWorkloadIdentityRoleSets/4.0":            arm.ResourceNotFound,
	} {
		w.wantError(code, w.do("GET", path, newest, nil))
	}
	for _, verb := range []string{"POST", "HEAD", "OPTIONS", "TRACE"} {
		reply := w.do(verb, clusters+"/a", newest, nil)
		if reply.Status != 405 || reply.Header.Get("Allow") != "DELETE, GET, PATCH, PUT" {
			t.Errorf("%s: %d, Allow %q", verb, reply.Status, reply.Header.Get("Allow"))
		}
	}
	w.wantError(arm.MethodNotAllowed, w.do("POST", clusters+"/a", newest, nil))
	w.wantError(arm.MethodNotAllowed, w.do("GET", "/subscriptions/"+subscription, "2.0", nil))
}

func TestVersionsOfferTheirOperationsAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	clusters := "/subscriptions/" + subscription + providerPath + "/openShiftClusters"
	for _, version := range []string{"", "1999-01-01", "2025-07-25 ", "2025-07-25-PREVIEW", "admin", "latest"} {
		reply := w.wantError(arm.InvalidResourceType, w.do("GET", clusters, version, nil))
		for _, supported := range harness.Versions() {
			if !contains(reply.Message(), supported) {
				t.Errorf("api-version %q: the message does not list %s: %v", version, supported, reply)
			}
		}
	}
	id := clusterID("x").String()
	here := "/subscriptions/" + subscription + providerPath + "/locations/eastus"
	for _, test := range []struct{ verb, path, version, from string }{
		{"POST", id + "/listAdminCredentials", "2020-04-30", "2021-09-01-preview"},
		{"POST", id + "/listCredentials", oldest, "2020-04-30"},
		{"POST", id + "/credentials", newest, oldest},
		{"GET", here + "/openShiftVersions", "2022-04-01", "2022-09-04"},
		{"GET", here + "/openShiftVersions/4.17.1", "2023-11-22", "2024-08-12-preview"},
		{"GET", here + "/platformWorkloadIdentityRoleSets", "2023-11-22", "2024-08-12-preview"},
	} {
		reply := w.wantError(arm.InvalidResourceType, w.do(test.verb, test.path, test.version, nil))
		if !contains(reply.Message(), test.from) {
			t.Errorf("the message does not say that %s has it: %v", test.from, reply)
		}
	}
	// Every value will do for the list of operations, but there must be one.
	w.want(200, w.do("GET", providerPath+"/operations", "1999-01-01", nil))
	w.wantError(arm.InvalidResourceType, w.do("GET", providerPath+"/operations", "", nil))
}

func TestOperationsListIsTheSameInEveryVersion(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	first := string(w.want(200, w.do("GET", providerPath+"/operations", oldest, nil)).Body)
	for _, name := range []string{"register/action", "openShiftClusters/read", "openShiftClusters/write", "openShiftClusters/delete",
		"openShiftClusters/listCredentials/action", "openShiftClusters/listAdminCredentials/action", "openShiftClusters/credentials/action",
		"locations/openshiftVersions/read", "locations/listPlatformWorkloadIdentityRoleSets/read", "operations/read"} {
		if !contains(first, `"Microsoft.RedHatOpenShift/`+name+`"`) {
			t.Errorf("%s is not in %s", name, first)
		}
	}
	for _, version := range harness.Versions() {
		if got := string(w.do("GET", providerPath+"/operations", version, nil).Body); got != first {
			t.Errorf("%s answers %s", version, got)
		}
	}
}
