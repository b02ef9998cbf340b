package server_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/harness"
)

func TestLifeOfAClusterInEveryVersion(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, version := range harness.Versions() {
		id := clusterID("Life-" + version)
		created := w.create(version, id.Name)
		if created.Text("properties.provisioningState") != "Creating" || created.Text("id") != id.String() || created.Text("name") != id.Name {
			t.Errorf("%s: %v", version, created)
		}
		for _, header := range []string{"Azure-AsyncOperation", "Retry-After", "ETag", "X-Ms-Request-Id", "Date"} {
			if created.Header.Get(header) == "" {
				t.Errorf("%s: create has no %s", version, header)
			}
		}
		w.finish(id, model.Succeeded)
		got := w.want(200, w.do("GET", id.String(), version, nil))
		again := w.want(200, w.do("PUT", id.String(), version, got.JSON))
		if !reflect.DeepEqual(again.JSON, got.JSON) || again.Header.Get("ETag") != got.Header.Get("ETag") || again.Header.Get("Azure-AsyncOperation") != "" {
			t.Errorf("%s: PUT of what GET answers changed something: %v", version, again)
		}
		patched := w.want(200, w.do("PATCH", id.String(), version, harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": "new"}}}))
		if patched.Text("properties.provisioningState") != "Updating" || patched.Header.Get("Azure-AsyncOperation") == "" {
			t.Errorf("%s: a new client secret is work: %v", version, patched)
		}
		w.finish(id, model.Succeeded)
		deleted := w.want(harness.Accepted(version), w.do("DELETE", id.String(), version, nil))
		if len(deleted.Body) > 0 || (deleted.Status == 202) != (deleted.Header.Get("Location") != "") || deleted.Header.Get("Azure-AsyncOperation") == "" || deleted.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v %v", version, deleted, deleted.Header)
		}
		w.finish(id, model.Succeeded)
		w.wantError(arm.ResourceNotFound, w.do("GET", id.String(), version, nil))
		w.want(204, w.do("DELETE", id.String(), version, nil))
		if running := created.Header.Get("Azure-AsyncOperation"); !contains(w.Logged(), `"operation_id":"`+name(created)[1:]) {
			t.Errorf("%s: the log does not name the operation %s", version, running)
		}
	}
	for _, secret := range []string{harness.PullSecretCanary, harness.ClientSecretCanary, "password-canary", "kubeconfig-canary"} {
		if contains(w.Logged(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

func TestWritesByState(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	tags := harness.Object{"tags": harness.Object{"new": "tag"}}
	work := harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": "new"}}}
	wrong := harness.Object{"properties": harness.Object{"clusterProfile": harness.Object{"domain": "other"}}}
	malformed := harness.Object{"surprise": 1}
	for i, test := range []struct {
		why     string
		state   model.ProvisioningState
		failed  model.ProvisioningState
		body    any // nil repeats the create's PUT
		code    arm.Code
		working bool
	}{
		{why: "nothing changes while a create runs: a retry of the same PUT is fine", state: model.Creating},
		{why: "a change while a create runs would be lost", state: model.Creating, body: work, code: arm.OperationInProgress},
		{why: "tags too", state: model.Creating, body: tags, code: arm.OperationInProgress},
		{why: "what is being deleted cannot be asked for again", state: model.Deleting, code: arm.OperationInProgress},
		{why: "an empty patch asks to make true again what is wanted", state: model.Succeeded, body: harness.Object{}, working: true},
		{why: "so does one of empty objects", state: model.Succeeded, body: harness.Object{"properties": harness.Object{"networkProfile": harness.Object{}}}, working: true},
		{why: "a patch of what is so already is no work", state: model.Succeeded, body: harness.Object{"location": location}},
		{why: "an empty set of tags is a value", state: model.Succeeded, body: harness.Object{"tags": harness.Object{}}},
		{why: "an empty patch while a create runs would be lost", state: model.Creating, body: harness.Object{}, code: arm.OperationInProgress},
		{why: "an empty patch repeats a failed update", state: model.Failed, failed: model.Updating, body: harness.Object{}, working: true},
		{why: "after a failed create nothing that is corrected helps", state: model.Failed, failed: model.Creating, body: wrong, code: arm.RequestNotAllowed},
		{why: "nor does a body of the right form", state: model.Failed, failed: model.Creating, body: malformed, code: arm.RequestNotAllowed},
		{why: "nor an empty one", state: model.Failed, failed: model.Creating, body: harness.Object{}, code: arm.RequestNotAllowed},
		{why: "the delete comes before what is wrong with a change", state: model.Deleting, body: wrong, code: arm.OperationInProgress},
		{why: "and before its form", state: model.Deleting, body: malformed, code: arm.OperationInProgress},
		{why: "so does a create that runs", state: model.Creating, body: wrong, code: arm.OperationInProgress},
		{why: "what is wrong is said when a change may be made", state: model.Succeeded, body: wrong, code: arm.PropertyChangeNotAllowed},
		{why: "in a failed update too", state: model.Failed, failed: model.Updating, body: malformed, code: arm.InvalidParameter},
		{why: "tags are no work", state: model.Succeeded, body: tags},
		{why: "a secret is", state: model.Succeeded, body: work, working: true},
		{why: "the same PUT repeats a failed update", state: model.Failed, failed: model.Updating, working: true},
		{why: "tags of a failed update can change without work", state: model.Failed, failed: model.Updating, body: tags},
		{why: "a failed create can only be deleted", state: model.Failed, failed: model.Creating, code: arm.RequestNotAllowed},
		{why: "a failed delete can only be deleted", state: model.Failed, failed: model.Deleting, body: work, code: arm.RequestNotAllowed},
	} {
		id := w.ready(newest, fmt.Sprintf("state-%d", i))
		w.alter(id, func(doc *store.ClusterDocument) {
			doc.Cluster.Properties.ProvisioningState, doc.Cluster.Internal.FailedProvisioningState = test.state, test.failed
			if !test.state.Terminal() {
				doc.Cluster.Internal.Operation = &model.Operation{ID: newID()}
			}
		})
		verb, body := "PATCH", test.body
		if body == nil {
			verb, body = "PUT", harness.Body(newest, id, location)
		}
		reply := w.do(verb, id.String(), newest, body)
		if test.code.Name != "" {
			w.wantError(test.code, reply)
			if reply.Header.Get("Azure-AsyncOperation") != "" {
				t.Errorf("%s: an error points to an operation", test.why)
			}
			continue
		}
		w.want(200, reply)
		if working := reply.Text("properties.provisioningState") == "Updating"; working != test.working {
			t.Errorf("%s: %v", test.why, reply)
		}
	}
}

func TestAChangeIsOfferedToWorkersAtOnce(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "due")
	if w.Woken() == 0 {
		t.Error("the create notified no worker")
	}
	w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": "new"}}}))
	docs, _, err := w.store.Clusters.Due(t.Context(), 10, 10)
	if err != nil || len(docs) != 1 || docs[0].Cluster.Internal.Operation.Kind != model.Update {
		t.Errorf("due are %d documents, %v", len(docs), err)
	}
}

func TestUniqueKeys(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	first := w.ready(newest, "first")
	body := harness.Body(newest, first, location)
	group, client := harness.Text(body, "properties.clusterProfile.resourceGroupId"), harness.Text(body, "properties.servicePrincipalProfile.clientId")

	second := clusterID("second")
	w.wantError(arm.DuplicateResourceGroup, w.do("PUT", second.String(), newest, harness.Set(harness.Body(newest, second, location), "properties.clusterProfile.resourceGroupId", group)))
	reply := w.wantError(arm.DuplicateClientID, w.do("PUT", second.String(), newest, harness.Set(harness.Body(newest, second, location), "properties.servicePrincipalProfile.clientId", client)))
	if reply.Header.Get("Azure-AsyncOperation") != "" {
		t.Error("a refused create points to an operation")
	}
	w.ready(newest, "second")
	patch := func(id string) harness.Object {
		return harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientId": id}}}
	}
	w.wantError(arm.DuplicateClientID, w.do("PATCH", second.String(), newest, patch(client)))
	// The key follows a rotation: an identity that the first no longer uses can be
	// used by the second.
	w.want(200, w.do("PATCH", first.String(), newest, patch(newID())))
	w.want(200, w.do("PATCH", second.String(), newest, patch(client)))
}

// TestADuplicateClientPointsAtTheMemberOfTheBody: clusters act as a service
// principal or as an identity, and only one of the two is in a body.
func TestADuplicateClientPointsAtTheMemberOfTheBody(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	headers := []string{"X-Ms-Identity-Url", "https://identity.example.com/x", "X-Ms-Home-Tenant-Id", newID()}
	identity := func(body harness.Object) string {
		for id := range harness.At(body, "identity.userAssignedIdentities").(harness.Object) {
			return id
		}
		return ""
	}
	client := func(body harness.Object) string {
		return harness.Text(body, "properties.servicePrincipalProfile.clientId")
	}
	for _, test := range []struct {
		member string
		body   func(arm.ClusterID) harness.Object
		of     func(harness.Object) string
		use    func(harness.Object, string)
	}{
		{"properties.servicePrincipalProfile.clientId",
			func(id arm.ClusterID) harness.Object { return harness.Body(newest, id, location) }, client,
			func(body harness.Object, value string) {
				harness.Set(body, "properties.servicePrincipalProfile.clientId", value)
			}},
		{"identity.userAssignedIdentities",
			func(id arm.ClusterID) harness.Object { return workloadBody(t, w, id) }, identity,
			func(body harness.Object, value string) {
				harness.Set(body, "identity.userAssignedIdentities", harness.Object{value: harness.Object{}})
			}},
	} {
		kind, _, _ := strings.Cut(test.member, ".")
		first, second := clusterID("first-"+kind), clusterID("second-"+kind)
		taken := test.body(first)
		w.want(201, w.do("PUT", first.String(), newest, taken, headers...))
		for _, value := range []string{test.of(taken), strings.ToUpper(test.of(taken))} {
			body := test.body(second)
			test.use(body, value)
			r := w.wantError(arm.DuplicateClientID, w.do("PUT", second.String(), newest, body, headers...))
			if r.Text("error.target") != test.member || !contains(r.Message(), value) {
				t.Errorf("want the target %s and a message that names %s: %v", test.member, value, r)
			}
		}
	}
}

func TestRefusedWritesLeaveNoOperation(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "left")
	before := operations(t, w)
	other := clusterID("other")
	body := harness.Set(harness.Body(newest, other, location), "properties.clusterProfile.resourceGroupId", harness.Text(harness.Body(newest, id, location), "properties.clusterProfile.resourceGroupId"))
	w.wantError(arm.DuplicateResourceGroup, w.do("PUT", other.String(), newest, body))
	w.wantError(arm.InvalidParameter, w.do("PATCH", id.String(), newest, harness.Object{"surprise": 1}))
	if after := operations(t, w); after != before {
		t.Errorf("%d operation documents, were %d", after, before)
	}
}

func operations(t *testing.T, w *fixture) int {
	t.Helper()
	docs, _, err := w.store.Operations.List(t.Context(), store.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(docs)
}

func TestPatchFollowsMergePatch(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "patch")
	w.wantError(arm.ResourceNotFound, w.do("PATCH", clusterID("absent").String(), newest, harness.Object{}))
	w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"a": "1", "b": "2"}}))
	got := w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"c": "3"}}))
	if want := (harness.Object{"c": "3"}); !reflect.DeepEqual(got.JSON["tags"], want) {
		t.Errorf("tags are %v, want them replaced as a set: %v", got.JSON["tags"], want)
	}
	got = w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"tags": nil}))
	if got.JSON["tags"] != nil {
		t.Errorf("tags are %v after null", got.JSON["tags"])
	}
	const count = "properties.networkProfile.loadBalancerProfile.managedOutboundIps.count"
	nested := func(v any) harness.Object {
		return harness.Object{"properties": harness.Object{"networkProfile": harness.Object{"loadBalancerProfile": harness.Object{"managedOutboundIps": harness.Object{"count": v}}}}}
	}
	if got = w.want(200, w.do("PATCH", id.String(), newest, nested(5))); got.Text(count) != "5" {
		t.Errorf("count is %s, want 5", got.Text(count))
	}
	w.finish(id, model.Succeeded)
	if got = w.want(200, w.do("PATCH", id.String(), newest, nested(nil))); got.Text(count) != "1" {
		t.Errorf("count is %s after null, want the default", got.Text(count))
	}
}

func TestPatchIsNotBlamedForLegacyValues(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "legacy")
	w.alter(id, func(doc *store.ClusterDocument) {
		doc.Cluster.Properties.NetworkProfile.OutboundType = "Legacy"
		doc.Cluster.Properties.MasterProfile.VMSize = "Standard_Ancient"
	})
	got := w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"a": "b"}}))
	if got.Text("properties.provisioningState") != "Succeeded" || got.Text("tags.a") != "b" {
		t.Error(got)
	}
	w.wantError(arm.InvalidParameter, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"a<": "b"}}))
}

func TestSystemDataIsTheTriggersAndOnlyFromARM(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("system")
	told := func(who string) string {
		return fmt.Sprintf(`{"createdBy":%q,"createdByType":"User","createdAt":"2026-01-02T03:04:05Z","lastModifiedBy":%q,"lastModifiedByType":"User","lastModifiedAt":"2026-01-02T03:04:05Z"}`, who, who)
	}
	const header = "X-Ms-Arm-Resource-System-Data"
	w.want(201, w.do("PUT", id.String(), newest, harness.Body(newest, id, location), header, told("creator@example.com")))
	w.finish(id, model.Succeeded)
	if got := w.do("GET", id.String(), newest, nil); got.Text("systemData.createdBy") != "creator@example.com" {
		t.Error(got)
	}
	// A PUT that changes nothing, and one that is refused, leave it alone.
	w.want(200, w.do("PUT", id.String(), newest, harness.Body(newest, id, location), header, told("repeater@example.com")))
	w.want(400, w.do("PATCH", id.String(), newest, harness.Object{"surprise": 1}, header, told("refused@example.com")))
	w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"x": "y"}}, header, `{"lastModifiedBy":"patcher@example.com"}`))
	got := w.do("GET", id.String(), newest, nil)
	if got.Text("systemData.createdBy") != "creator@example.com" || got.Text("systemData.lastModifiedBy") != "patcher@example.com" {
		t.Error(got)
	}
	w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"x": "z"}}, header, `{not json`))
	if log := w.Logged(); contains(log, "example.com") {
		t.Errorf("system data is in the log: %s", log)
	}
}

func TestWorkloadIdentityNeedsARMsHeaders(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("identity")
	body := workloadBody(t, w, id)
	reply := w.want(400, w.do("PUT", id.String(), newest, body))
	if !reflect.DeepEqual(sorted(reply.Targets()[1:]), []string{"X-Ms-Home-Tenant-Id", "X-Ms-Identity-Url"}) {
		t.Errorf("targets are %q: %v", reply.Targets(), reply)
	}
	headers := []string{"X-Ms-Identity-Url", "https://identity.example.com/x", "X-Ms-Home-Tenant-Id", newID()}
	created := w.want(201, w.do("PUT", id.String(), newest, body, headers...))
	if created.Text("identity.tenantId") != headers[3] || contains(string(created.Body), "identity.example.com") {
		t.Error(created)
	}
	w.finish(id, model.Succeeded)
	again := w.want(200, w.do("PUT", id.String(), newest, body))
	if again.Header.Get("Azure-AsyncOperation") != "" {
		t.Errorf("a repeated PUT without the headers is work: %v", again)
	}
	delete(harness.At(body, "properties.platformWorkloadIdentityProfile.platformWorkloadIdentities").(harness.Object), operatorOf(body))
	other := clusterID("identity-2")
	w.want(400, w.do("PUT", other.String(), newest, body, headers...))
}

func TestAPatchReplacesTheIdentityOfTheCluster(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("replaced")
	headers := []string{"X-Ms-Identity-Url", "https://identity.example.com/x", "X-Ms-Home-Tenant-Id", newID()}
	body := workloadBody(t, w, id)
	w.want(201, w.do("PUT", id.String(), newest, body, headers...))
	w.finish(id, model.Succeeded)
	assigned := harness.At(body, "identity.userAssignedIdentities").(harness.Object)
	for old := range assigned {
		clear(assigned)
		assigned[old+"-2"] = harness.Object{}
	}
	w.want(200, w.do("PATCH", id.String(), newest, harness.Object{"identity": harness.Object{"userAssignedIdentities": assigned}}, headers...))
	got := w.want(200, w.do("GET", id.String(), newest, nil))
	for now := range harness.At(got.JSON, "identity.userAssignedIdentities").(harness.Object) {
		if _, sent := assigned[now]; !sent {
			t.Errorf("the cluster has the identity %s: %v", now, got)
		}
	}
	if got.Text("identity.type") != "UserAssigned" {
		t.Error(got)
	}
}

// workloadBody is a create body with an identity for each operator that the
// default version needs.
func workloadBody(t *testing.T, w *fixture, id arm.ClusterID) harness.Object {
	t.Helper()
	sets := w.want(200, w.do("GET", "/subscriptions/"+subscription+"/providers/Microsoft.RedHatOpenShift/locations/"+location+"/platformWorkloadIdentityRoleSets", newest, nil))
	body := harness.Body(newest, id, location)
	version := ""
	for _, v := range w.do("GET", "/admin/versions", "", nil).JSON["value"].([]any) {
		if harness.At(v.(harness.Object), "properties.default") == true {
			version = harness.Text(v.(harness.Object), "properties.version")
		}
	}
	identity := func(name string) string {
		return "/subscriptions/" + subscription + "/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name
	}
	operators := harness.Object{}
	for _, set := range sets.JSON["value"].([]any) {
		minor := harness.Text(set.(harness.Object), "properties.openShiftVersion")
		if len(version) <= len(minor) || version[:len(minor)+1] != minor+"." {
			continue
		}
		for _, role := range harness.At(set.(harness.Object), "properties.platformWorkloadIdentityRoles").([]any) {
			name := harness.Text(role.(harness.Object), "operatorName")
			operators[name] = harness.Object{"resourceId": identity(name)}
		}
	}
	if len(operators) == 0 {
		t.Fatalf("no role set for %q in %s", version, sets.Body)
	}
	harness.Delete(body, "properties.servicePrincipalProfile")
	harness.Set(body, "properties.platformWorkloadIdentityProfile", harness.Object{"platformWorkloadIdentities": operators})
	body["identity"] = harness.Object{"type": "UserAssigned", "userAssignedIdentities": harness.Object{identity("cluster-" + id.Name): harness.Object{}}}
	return body
}

func operatorOf(body harness.Object) string {
	for name := range harness.At(body, "properties.platformWorkloadIdentityProfile.platformWorkloadIdentities").(harness.Object) {
		return name
	}
	return ""
}

func TestConcurrentPatchesAreNeverLost(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "race")
	const writers = 16
	etags := make([]string, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			r := w.do("PATCH", id.String(), newest, harness.Object{"tags": harness.Object{"writer": fmt.Sprint(i)}})
			if r.Status != 200 && r.Status != 409 {
				t.Errorf("writer %d: %v", i, r)
			}
			if r.Status == 200 {
				etags[i] = r.Header.Get("ETag")
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, tag := range etags {
		if tag != "" && seen[tag] {
			t.Errorf("two writers got the ETag %s", tag)
		}
		seen[tag] = true
	}
}

func TestConcurrentCreatesMakeOneCluster(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("one")
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 8 {
		wg.Go(func() {
			r := w.do("PUT", id.String(), newest, harness.Body(newest, id, location))
			mu.Lock()
			statuses[r.Status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if statuses[201] != 1 || statuses[200] != 7 {
		t.Errorf("answers were %v, want one 201 and seven 200", statuses)
	}
	if n := operations(t, w); n != 1 {
		t.Errorf("%d operations were left, want 1", n)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "credentials")
	reply := w.want(200, w.do("POST", id.String()+"/listCredentials", newest, nil))
	if reply.Text("kubeadminUsername") != "kubeadmin" || reply.Text("kubeadminPassword") != "kubeadmin-password-canary" {
		t.Error(reply)
	}
	if reply = w.want(200, w.do("POST", id.String()+"/listAdminCredentials", newest, harness.Object{})); reply.Text("kubeconfig") != "a3ViZWNvbmZpZy1jYW5hcnk=" {
		t.Error(reply)
	}
	w.want(200, w.do("POST", id.String()+"/credentials", oldest, nil))
	w.wantError(arm.InvalidRequestContent, w.do("POST", id.String()+"/listCredentials", newest, []byte("{")))
	w.wantError(arm.ResourceNotFound, w.do("POST", clusterID("absent").String()+"/listCredentials", newest, nil))
	for _, state := range []model.ProvisioningState{model.Creating, model.Deleting, model.Failed} {
		w.alter(id, func(doc *store.ClusterDocument) {
			doc.Cluster.Properties.ProvisioningState, doc.Cluster.Internal.FailedProvisioningState = state, model.Creating
		})
		w.wantError(arm.RequestNotAllowed, w.do("POST", id.String()+"/listAdminCredentials", newest, nil))
	}
}

func TestVersionOfACreate(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("version")
	reply := w.wantError(arm.InvalidParameter, w.do("PUT", id.String(), newest, harness.Set(harness.Body(newest, id, location), "properties.clusterProfile.version", "4.0.1")))
	if reply.Targets()[0] != "properties.clusterProfile.version" {
		t.Error(reply)
	}
	var known struct {
		Value []struct{ Properties struct{ Version string } }
	}
	list := w.do("GET", "/subscriptions/"+subscription+"/providers/Microsoft.RedHatOpenShift/locations/"+location+"/openShiftVersions", newest, nil)
	if err := json.Unmarshal(list.Body, &known); err != nil || len(known.Value) == 0 {
		t.Fatal(list, err)
	}
	first := known.Value[0].Properties.Version
	created := w.want(201, w.do("PUT", id.String(), newest, harness.Set(harness.Body(newest, id, location), "properties.clusterProfile.version", first)))
	if created.Text("properties.clusterProfile.version") != first {
		t.Error(created)
	}
}
