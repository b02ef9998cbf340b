package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/harness"
)

func TestAPutIsToldToDeleteWhatFailedToBeCreated(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, version := range harness.Versions() {
		id := clusterID("failed-" + version)
		w.create(version, id.Name)
		w.finish(id, model.Failed)
		corrected := harness.Set(harness.Body(version, id, location), "location", "westus")
		reply := w.wantError(arm.RequestNotAllowed, w.do("PUT", id.String(), version, corrected))
		if !contains(reply.Text("error.message"), "Delete the cluster") {
			t.Errorf("%s: %v", version, reply)
		}
		w.wantError(arm.RequestNotAllowed, w.do("PUT", id.String(), version, harness.Object{"surprise": 1}))
		w.want(412, w.do("PUT", id.String(), version, corrected, "If-Match", `"other"`))
	}
}

func TestSystemDataInABodyIsIgnored(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	told := `{"createdBy":"me","createdByType":"User","createdAt":"2026-01-02T03:04:05Z","lastModifiedBy":"me","lastModifiedByType":"User","lastModifiedAt":"2026-01-02T03:04:05Z"}`
	older := harness.Object{
		"createdBy": "you", "createdByType": "Application", "createdAt": "2020-01-01T00:00:00Z",
		"lastModifiedBy": "you", "lastModifiedByType": "Key", "lastModifiedAt": "2020-01-01T00:00:00.1234567Z",
	}
	for _, version := range harness.Versions() {
		id := clusterID("system-" + version)
		w.want(201, w.do("PUT", id.String(), version, harness.Body(version, id, location), "X-Ms-Arm-Resource-System-Data", told))
		w.finish(id, model.Succeeded)
		before := w.do("GET", id.String(), version, nil)
		body := w.do("GET", id.String(), version, nil).JSON
		body["systemData"] = older
		status := 200
		if version < "2022-09-04" { // which has no such member
			status = 400
		}
		w.want(status, w.do("PUT", id.String(), version, body))
		w.want(status, w.do("PATCH", id.String(), version, harness.Object{"systemData": older}))
		if after := w.do("GET", id.String(), version, nil); string(after.Body) != string(before.Body) {
			t.Errorf("%s: %s\nbecame %s", version, before.Body, after.Body)
		}
	}
}

// What the module azure_rm_openshiftmanagedcluster of Ansible's azure.azcollection
// 3.21.0 sends, with api-version 2023-09-04.
func TestABodyOfAnsible(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, version := range harness.Versions() {
		id := clusterID("ansible-" + version)
		body := harness.Body(version, id, location)
		principal := harness.At(body, "properties.servicePrincipalProfile").(harness.Object)
		principal["ClientId"] = principal["clientId"]
		delete(principal, "clientId")
		worker := harness.At(body, "properties.workerProfiles").([]any)[0].(harness.Object)
		worker["DiskEncryptionSetId"] = nil
		reply := w.do("PUT", id.String(), version, body)
		if version > "2024-08-12-preview" {
			if w.want(400, reply); !contains(reply.Text("error.message"), `Did you mean "clientId"?`) {
				t.Error(reply)
			}
			continue
		}
		if w.want(201, reply); reply.Text("properties.servicePrincipalProfile.clientId") != principal["ClientId"] {
			t.Error(reply)
		}
		w.finish(id, model.Succeeded)
		if patched := w.want(200, w.do("PATCH", id.String(), version, harness.Object{"Tags": harness.Object{"a": "b"}})); patched.Text("tags.a") != "b" {
			t.Error(patched)
		}
		got := w.want(200, w.do("PUT", id.String(), version, harness.Set(body, "tags", harness.Object{"a": "b"})))
		if got.Header.Get("Azure-AsyncOperation") != "" || got.Text("tags.a") != "b" {
			t.Errorf("%s: the same body is work: %v", version, got)
		}
		w.want(400, w.do("PUT", id.String(), version, harness.Set(body, "properties.servicePrincipalProfile.clientid", principal["ClientId"])))
	}
}

func TestPreflightJudgesTheStateFirst(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for i, test := range []struct {
		state, failed model.ProvisioningState
		path          string
		value         any // empty sends what is stored
		code          string
	}{
		{state: model.Failed, failed: model.Creating, code: "RequestNotAllowed"},
		{state: model.Failed, failed: model.Creating, path: "location", value: "westus", code: "RequestNotAllowed"},
		{state: model.Failed, failed: model.Creating, path: "surprise", value: 1, code: "RequestNotAllowed"},
		{state: model.Failed, failed: model.Deleting, path: "location", value: "[parameters('x')]", code: "RequestNotAllowed"},
		{state: model.Failed, failed: model.Updating},
		{state: model.Deleting, code: "OperationInProgress"},
		{state: model.Deleting, path: "surprise", value: 1, code: "OperationInProgress"},
		{state: model.Creating},
		{state: model.Creating, path: "location", value: "westus", code: "OperationInProgress"},
		{state: model.Updating, path: "tags", value: harness.Object{"new": "tag"}, code: "OperationInProgress"},
		{state: model.Updating, path: "tags", value: "[parameters('x')]"},
	} {
		id := w.ready(newest, fmt.Sprintf("preflight-%d", i))
		body := harness.Body(newest, id, location)
		w.alter(id, func(doc *store.ClusterDocument) {
			doc.Cluster.Properties.ProvisioningState, doc.Cluster.Internal.FailedProvisioningState = test.state, test.failed
			if !test.state.Terminal() {
				doc.Cluster.Internal.Operation = &model.Operation{ID: newID()}
			}
		})
		body["name"], body["type"], body["apiVersion"] = id.Name, arm.ClusterResourceType, newest
		if test.path != "" {
			body[test.path] = test.value
		}
		r := w.want(200, w.do("POST", deployment, newest, harness.Object{"resources": []any{body}}))
		if r.Code() != test.code || (test.code == "") != (r.Text("status") == "Succeeded") {
			t.Errorf("%s after %s, %s is %v: %v, want %q", test.state, test.failed, test.path, test.value, r, test.code)
		}
	}
}

// The order of members, and the objects that are there while they are empty, are
// those of the existing service's answers.
func TestAnswersHaveTheFormOfTheExistingService(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	order := []string{`{"id":`, `"name":`, `"type":`, `"location":`, `"systemData":`, `"tags":`, `"properties":{`, `"provisioningState":`, `"clusterProfile":{"domain":`, `"version":`,
		`"resourceGroupId":`, `"fipsValidatedModules":`, `"consoleProfile":{}`, `"servicePrincipalProfile":{"clientId":`, `"networkProfile":{"podCidr":`, `"serviceCidr":`, `"outboundType":`,
		`"loadBalancerProfile":{"managedOutboundIps":{"count":1}}`, `"preconfiguredNSG":`, `"masterProfile":{"vmSize":`, `"subnetId":`, `"encryptionAtHost":`, `"workerProfiles":[{"name":`,
		`"vmSize":`, `"diskSizeGB":`, `"subnetId":`, `"count":`, `"encryptionAtHost":`, `"apiserverProfile":{"visibility":`, `"ingressProfiles":[{"name":`, `"visibility":`}
	for _, version := range harness.Versions() {
		id := clusterID("form-" + version)
		created := w.want(201, w.do("PUT", id.String(), version, harness.Body(version, id, location), "X-Ms-Arm-Resource-System-Data", `{"createdBy":"me"}`))
		if console, flat := harness.At(created.JSON, "properties.consoleProfile").(harness.Object); !flat != (version == oldest) || len(console) != 0 {
			t.Errorf("%s: %v", version, created)
		}
		if version != newest {
			continue
		}
		rest := string(created.Body)
		for _, member := range order {
			before, after, found := strings.Cut(rest, member)
			if !found {
				t.Fatalf("%s does not follow %s in %s", member, before, created.Body)
			}
			rest = after
		}
	}
	list := w.want(200, w.do("GET", "/subscriptions/"+subscription+providerPath+"/locations/"+location+"/openShiftVersions", newest, nil))
	if first := fmt.Sprintf(`{"value":[{"name":"%[1]s","type":"Microsoft.RedHatOpenShift/OpenShiftVersion","properties":{"version":"%[1]s"}}`, first(list, "properties.version")); !strings.HasPrefix(string(list.Body), first) {
		t.Errorf("got %s, want %s", list.Body, first)
	}
	sets := w.want(200, w.do("GET", "/subscriptions/"+subscription+providerPath+"/locations/"+location+"/platformWorkloadIdentityRoleSets", newest, nil))
	if first := fmt.Sprintf(`{"value":[{"name":"%[1]s","type":"Microsoft.RedHatOpenShift/PlatformWorkloadIdentityRoleSet","properties":{"openShiftVersion":"%[1]s",`+
		`"platformWorkloadIdentityRoles":[{"operatorName":`, first(sets, "properties.openShiftVersion")); !strings.HasPrefix(string(sets.Body), first) {
		t.Errorf("got %s, want %s", sets.Body, first)
	}
}

// first is what the first item of a list has at a path.
func first(list *harness.Reply, path string) string {
	item, _ := list.JSON["value"].([]any)[0].(harness.Object)
	return harness.Text(item, path)
}
