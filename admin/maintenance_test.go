package admin_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
	"github.com/aro-rp/aro/test/simulated"
	"github.com/aro-rp/aro/test/simulated/provider"
)

// maintain asks for a maintenance task; "" names none.
func (w *fixture) maintain(id arm.ClusterID, task model.MaintenanceTask) *harness.Reply {
	w.t.Helper()
	body := harness.Object{}
	if task != "" {
		body = harness.Object{"properties": harness.Object{"maintenanceTask": task}}
	}
	return w.Send("PATCH", "/admin"+id.String(), "", body)
}

func (w *fixture) explain(id arm.ClusterID) *harness.Reply {
	w.t.Helper()
	return w.Want(200, w.Send("GET", "/admin"+id.String()+"/explain", "", nil))
}

// plans are the real ones, on control planes that exist as records only.
func (w *fixture) plans(b harness.Behaviour) (map[model.OperationKind][]backend.ClusterStep, *harness.ControlPlanes) {
	w.t.Helper()
	planes := harness.NewControlPlanes(w.t, b)
	machines, err := provider.NewClient(planes.Address)
	if err != nil {
		w.t.Fatal(err)
	}
	return simulated.Plans(simulated.Dependencies{Machines: machines, Billing: w.Store.Billing, Build: "worker"}), planes
}

// employ lets a worker run the plans until the test ends.
func (w *fixture) employ(plans map[model.OperationKind][]backend.ClusterStep) {
	w.t.Helper()
	worker, err := backend.New(backend.Config{Store: w.Store, Plans: plans, Diagnose: seen, PollInterval: 20 * time.Millisecond, LeaseTTL: 2 * time.Second,
		Log: slog.New(slog.NewJSONHandler(w, nil))})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
}

// seen is what an inspection of any failed cluster finds.
func seen(_ context.Context, _ *model.Cluster, step string, _ error) *model.Diagnostics {
	return &model.Diagnostics{At: time.Now(), Findings: []model.Finding{{Name: "machines", Text: "all dark at " + step}}}
}

func (w *fixture) eventually(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within 20 s: %s\n%s", what, w.Logged())
		}
	}
}

// settled waits until nothing runs on the cluster.
func (w *fixture) settled(id arm.ClusterID) {
	w.t.Helper()
	w.eventually(id.Name+" settles", func() bool { return w.explain(id).JSON["operation"] == nil })
}

func (w *fixture) status(operationID string) *harness.Reply {
	w.t.Helper()
	return w.Want(200, w.Send("GET", "/subscriptions/"+edge.Subscription+providerPath+"/locations/eastus/operationsstatus/"+operationID, harness.Newest, nil))
}

func TestMaintenanceRunsAndTheStateBeforeReturns(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	plans, planes := w.plans(harness.Behaviour{Kubeconfig: "kubeconfig-canary", Password: "password-canary"})
	w.employ(plans)
	w.Create(harness.Newest, "one")
	id := edge.ClusterID("one")
	w.settled(id)
	for _, test := range []struct {
		task, means model.MaintenanceTask
		applied     int
		build       string
	}{
		{model.CertificatesRenewal, model.CertificatesRenewal, 0, "test"},
		{model.Everything, model.Everything, 1, "worker"},
		{"", model.Everything, 1, "worker"},
	} {
		before, wakes := planes.Records()[0].Applied, w.Woken()
		begun := w.Want(200, w.maintain(id, test.task))
		for path, want := range map[string]string{"properties.provisioningState": "AdminUpdating", "internal.operation.kind": "AdminUpdate",
			"internal.maintenanceTask": string(test.means), "internal.lastProvisioningState": "Succeeded", "name": "one"} {
			if got := begun.Text(path); got != want {
				t.Errorf("%q: %s is %q, want %q", test.task, path, got, want)
			}
		}
		if strings.Contains(string(begun.Body), "canary") || w.Woken() == wakes {
			t.Errorf("%q: woken %d times: %s", test.task, w.Woken()-wakes, begun.Body)
		}
		w.settled(id)
		if r := w.status(begun.Text("internal.operation.id")); r.Text("status") != "Succeeded" {
			t.Error(r)
		}
		after := w.Want(200, w.Send("GET", "/admin"+id.String(), "", nil))
		if after.Text("properties.provisioningState") != "Succeeded" || after.Text("internal.lastAdminUpdateError") != "" ||
			after.Text("internal.maintenanceTask") != "" || after.Text("internal.provisionedBy") != test.build {
			t.Errorf("%q: %s", test.task, after.Body)
		}
		if got := planes.Records()[0].Applied - before; got != test.applied {
			t.Errorf("%q: machines were applied %d times, want %d", test.task, got, test.applied)
		}
	}
}

func TestMaintenanceThatFailsSpoilsNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	plans, _ := w.plans(harness.Behaviour{})
	var broken atomic.Bool
	broken.Store(true)
	plans[model.AdminUpdate] = []backend.ClusterStep{{Name: "break", Timeout: time.Minute, Do: func(context.Context, *backend.ClusterWork) error {
		if broken.Load() {
			return arm.RequestNotAllowed.Errorf("The machine room is closed.")
		}
		return nil
	}}}
	w.employ(plans)
	w.Create(harness.Newest, "one")
	id := edge.ClusterID("one")
	w.settled(id)
	failing := w.Want(200, w.maintain(id, model.Everything)).Text("internal.operation.id")
	w.settled(id)

	const reason = "RequestNotAllowed: The machine room is closed."
	whole := w.Want(200, w.Send("GET", "/admin"+id.String(), "", nil))
	explained := w.explain(id)
	if whole.Text("internal.lastAdminUpdateError") != reason || explained.Text("lastAdminUpdateError") != reason {
		t.Errorf("the reason is not shown:\n%s\n%s", whole.Body, explained.Body)
	}
	for path, want := range map[string]string{"lastFailure.operationId": failing, "lastFailure.step": "break", "lastFailure.code": "RequestNotAllowed",
		"lastFailure.message": "The machine room is closed.", "findings.0.name": "machines", "findings.0.text": "all dark at break"} {
		if got := explained.Text(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if whole.Text("properties.provisioningState") != "Succeeded" || whole.Text("internal.failedProvisioningState") != "" {
		t.Errorf("the cluster is spoilt: %s", whole.Body)
	}
	if r := w.status(failing); r.Text("status") != "Failed" || r.Text("error.code") != "RequestNotAllowed" {
		t.Error(r)
	}
	customers := w.Want(200, w.Send("GET", id.String(), harness.Newest, nil))
	if customers.Text("properties.provisioningState") != "Succeeded" || strings.Contains(string(customers.Body), "machine room") {
		t.Errorf("the customer sees it: %s", customers.Body)
	}
	w.Want(200, w.Send("PATCH", id.String(), harness.Newest, harness.Object{"tags": harness.Object{"still": "usable"}}))

	broken.Store(false)
	if again := w.Want(200, w.maintain(id, model.Everything)); again.Text("internal.lastAdminUpdateError") != "" {
		t.Errorf("the old reason outlives a new attempt: %s", again.Body)
	}
	w.settled(id)
	if r := w.explain(id); r.JSON["lastAdminUpdateError"] != nil {
		t.Error(r)
	}
}

func TestDeleteEndsMaintenance(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	var hold atomic.Bool
	plans, planes := w.plans(harness.Behaviour{Hold: func(provider.Spec) bool { return hold.Load() }})
	w.employ(plans)
	w.Create(harness.Newest, "one")
	id := edge.ClusterID("one")
	w.settled(id)
	hold.Store(true)
	maintenance := w.Want(200, w.maintain(id, model.Everything)).Text("internal.operation.id")
	w.eventually("the maintenance waits", func() bool { return w.explain(id).Text("currentStep.name") == "api server answers" })
	if r := w.status(maintenance); r.Text("status") != "AdminUpdating" {
		t.Error(r)
	}
	w.Want(202, w.Send("DELETE", id.String(), harness.Newest, nil))
	if r := w.status(maintenance); r.Text("status") != "Canceled" || r.Text("error.code") != arm.OperationCanceled.Name {
		t.Error(r)
	}
	w.eventually("the cluster is gone", func() bool { return w.Send("GET", id.String(), harness.Newest, nil).Status == 404 })
	if r := planes.Records()[0]; r.Exists || r.AppliedLate > 0 {
		t.Errorf("left over: %+v", r)
	}
}

func TestEveryVersionShowsMaintenanceInItsWords(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.Ready(harness.Newest, "one")
	w.Want(200, w.maintain(id, model.Everything))
	for _, version := range harness.Versions() {
		want := "AdminUpdating"
		if version == harness.Oldest { // which has no such word
			want = "Updating"
		}
		if r := w.Want(200, w.Send("GET", id.String(), version, nil)); r.Text("properties.provisioningState") != want {
			t.Errorf("%s says %q, want %q", version, r.Text("properties.provisioningState"), want)
		}
	}
}

func TestMaintenanceIsRefused(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	healthy, creating, maintained, spoilt, half := w.Ready(harness.Newest, "healthy"), edge.ClusterID("creating"), w.Ready(harness.Newest, "maintained"), edge.ClusterID("spoilt"), w.Ready(harness.Newest, "half")
	w.Create(harness.Newest, "creating")
	w.Want(200, w.maintain(maintained, model.Everything))
	w.Create(harness.Newest, "spoilt")
	w.Finish(spoilt, model.Failed)
	w.Want(202, w.Send("DELETE", half.String(), harness.Newest, nil))
	w.Finish(half, model.Failed)
	wakes := w.Woken()
	for _, test := range []struct {
		why    string
		id     arm.ClusterID
		body   string
		code   arm.Code
		target string
	}{
		{"no cluster", edge.ClusterID("absent"), `{}`, arm.ResourceNotFound, ""},
		{"it is being created", creating, `{}`, arm.OperationInProgress, "properties.provisioningState"},
		{"it is being maintained", maintained, `{}`, arm.OperationInProgress, "properties.provisioningState"},
		{"its create failed", spoilt, `{}`, arm.RequestNotAllowed, "properties.provisioningState"},
		{"its delete failed", half, `{}`, arm.RequestNotAllowed, "properties.provisioningState"},
		{"no such task", healthy, `{"properties":{"maintenanceTask":"Nothing"}}`, arm.InvalidParameter, "properties.maintenanceTask"},
		{"a strategy that does not exist", healthy, `{"operatorFlagsMergeStrategy":"other"}`, arm.InvalidParameter, "operatorFlagsMergeStrategy"},
		{"flags that nothing would apply", healthy, `{"properties":{"maintenanceTask":"Pending","operatorFlags":{"a":"b"}}}`, arm.InvalidParameter, "properties.operatorFlags"},
		{"a flag without a name", healthy, `{"properties":{"operatorFlags":{"":"b"}}}`, arm.InvalidParameter, "properties.operatorFlags"},
		{"a flag that is no text", healthy, `{"properties":{"operatorFlags":{"a":true}}}`, arm.InvalidRequestContent, "properties.operatorFlags.a"},
		{"an empty task", healthy, `{"properties":{"maintenanceTask":""}}`, arm.InvalidParameter, "properties.maintenanceTask"},
		{"an unknown member", healthy, `{"surprise":1}`, arm.InvalidParameter, "surprise"},
		{"an unknown member below", healthy, `{"properties":{"maintenanceTask":"Everything","provisioningState":"Succeeded"}}`, arm.InvalidParameter, "properties.provisioningState"},
		{"another case", healthy, `{"Properties":{}}`, arm.InvalidParameter, "Properties"},
		{"a number for a word", healthy, `{"properties":{"maintenanceTask":1}}`, arm.InvalidRequestContent, "properties.maintenanceTask"},
		{"a list for an object", healthy, `{"properties":[]}`, arm.InvalidRequestContent, "properties"},
		{"a member twice", healthy, `{"properties":{"maintenanceTask":"Everything","maintenanceTask":"Everything"}}`, arm.InvalidRequestContent, "properties.maintenanceTask"},
		{"more than one value", healthy, `{} {}`, arm.InvalidRequestContent, ""},
		{"half a value", healthy, `{"properties":`, arm.InvalidRequestContent, "properties"},
		{"no object", healthy, `null`, arm.InvalidRequestContent, ""},
		{"no body", healthy, ``, arm.InvalidRequestContent, ""},
	} {
		r := w.WantError(test.code, w.Send("PATCH", "/admin"+test.id.String(), "", []byte(test.body)))
		if got := r.Text("error.target"); got != test.target {
			t.Errorf("%s: target is %q, want %q", test.why, got, test.target)
		}
	}
	w.WantError(arm.PreconditionFailed, w.Send("PATCH", "/admin"+healthy.String(), "", harness.Object{}, "If-Match", `"another"`))
	if r := w.WantError(arm.MethodNotAllowed, w.Send("POST", "/admin"+healthy.String(), "", harness.Object{})); r.Header.Get("Allow") != "GET, PATCH" {
		t.Error(r, r.Header)
	}
	if r := w.explain(healthy); r.Text("provisioningState") != "Succeeded" || w.Woken() != wakes {
		t.Errorf("a refusal changed the cluster or notified workers: %v", r)
	}
}

func TestMaintenanceIsAnnounced(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	plans, _ := w.plans(harness.Behaviour{})
	w.employ(plans)
	w.Create(harness.Newest, "one")
	id := edge.ClusterID("one")
	w.settled(id)
	for _, state := range model.AnnouncedStates() {
		told := w.Want(200, w.maintain(id, model.MaintenanceTask(state)))
		if told.Text("internal.maintenanceState") != string(state) || told.Text("properties.provisioningState") != "Succeeded" {
			t.Errorf("%s: %s", state, told.Body)
		}
	}
	w.Want(200, w.maintain(id, "Pending"))
	if begun := w.Want(200, w.maintain(id, model.MigrateLoadBalancer)); begun.Text("internal.maintenanceState") != "Planned" {
		t.Errorf("what was pending is %q", begun.Text("internal.maintenanceState"))
	}
	w.settled(id)
	if after := w.Want(200, w.Send("GET", "/admin"+id.String(), "", nil)); after.Text("internal.maintenanceState") != "None" {
		t.Errorf("afterwards it is %q", after.Text("internal.maintenanceState"))
	}
}

// TestMaintenanceSetsFlagsOfTheOperator merges flags into those before, and resets them.
func TestMaintenanceSetsFlagsOfTheOperator(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	plans, _ := w.plans(harness.Behaviour{})
	w.employ(plans)
	w.Create(harness.Newest, "one")
	id := edge.ClusterID("one")
	w.settled(id)
	send := func(task, strategy string, flags harness.Object) *harness.Reply {
		body := harness.Object{"properties": harness.Object{"maintenanceTask": task, "operatorFlags": flags}}
		if strategy != "" {
			body["operatorFlagsMergeStrategy"] = strategy
		}
		return w.Send("PATCH", "/admin"+id.String(), "", body)
	}
	for _, test := range []struct {
		strategy    string
		flags, want harness.Object
	}{
		{"", harness.Object{"aro.rbac.enabled": "false", "new": "1"}, harness.Object{"aro.rbac.enabled": "false", "new": "1"}},
		{"merge", harness.Object{"new": "2"}, harness.Object{"aro.rbac.enabled": "false", "new": "2"}},
		{"merge", nil, harness.Object{"aro.rbac.enabled": "false", "new": "2"}},
		{"reset", harness.Object{"other": ""}, harness.Object{"other": ""}},
		{"reset", nil, nil},
	} {
		begun := w.Want(200, send("SyncClusterObject", test.strategy, test.flags))
		internal, _ := begun.JSON["internal"].(map[string]any)
		got, _ := internal["operatorFlags"].(map[string]any)
		if !maps.Equal(got, test.want) {
			t.Errorf("%q, %v: %v, want %v", test.strategy, test.flags, got, test.want)
		}
		w.settled(id)
	}
}

// TestTheDocumentationNamesTheTasks compares the table of docs/admin.md.
func TestTheDocumentationNamesTheTasks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| `maintenanceTask` |")
	table, _, _ = strings.Cut(table, "\n\n")
	var named []model.MaintenanceTask
	for line := range strings.Lines(table) {
		if name, found := strings.CutPrefix(line, "| `"); found {
			name, _, _ = strings.Cut(name, "`")
			named = append(named, model.MaintenanceTask(name))
		}
	}
	if want := model.MaintenanceRequests(); !slices.Equal(named, want) {
		t.Errorf("docs/admin.md has %v, the service %v", named, want)
	}
}

func TestTheSpecOffersTheTasksThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../openapi/admin/admin.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Definitions map[string]struct {
			Enum []model.MaintenanceTask `json:"enum"`
		} `json:"definitions"`
	}
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	if got, want := spec.Definitions["MaintenanceTask"].Enum, model.MaintenanceRequests(); !slices.Equal(got, want) {
		t.Errorf("the spec has %v, the service %v", got, want)
	}
}

func TestEveryCallOfAnEngineerIsAudited(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.Ready(harness.Newest, "one")
	path := "/admin" + id.String()
	w.Send("GET", path, "", nil)
	w.Send("PATCH", id.String(), harness.Newest, harness.Object{"tags": harness.Object{}}, "X-Ms-Client-Principal-Name", "customer-canary")
	w.Send("PUT", "/admin/nothing", "", harness.Object{})
	begun := w.Want(200, w.Send("PATCH", strings.Replace(path, "/admin/", "/ADMIN/", 1), "", harness.Object{}, "X-Ms-Client-Principal-Name", "ann@example.com", "X-Ms-Correlation-Request-Id", "correlation-9"))
	w.Want(409, w.Send("PATCH", path, "", harness.Object{}, "X-Ms-Client-Principal-Name", strings.Repeat("x", 1000)))
	w.Want(201, w.Send("PUT", "/admin/versions", "", harness.Object{"properties": harness.Object{"version": "4.99.1", "openShiftPullspec": "a", "installerPullspec": "b"}}))
	lines := w.Audits(t)
	want := []harness.Object{
		{"method": "GET", "path": path, "status": 200.0},
		{"method": "PATCH", "path": path, "status": 200.0, "subject": "Everything", "principal": "ann@example.com", "correlation_id": "correlation-9",
			"operation_id": begun.Text("internal.operation.id"), "request_id": begun.Header.Get("X-Ms-Request-Id"), "fingerprint": ""},
		{"method": "PATCH", "path": path, "status": 409.0, "code": "OperationInProgress", "principal": strings.Repeat("x", 128) + "…", "operation_id": ""},
		{"method": "PUT", "path": "/admin/versions", "status": 201.0, "subject": "4.99.1", "principal": ""},
	}
	if len(lines) != len(want) {
		t.Fatalf("got %d lines, want %d: %v", len(lines), len(want), lines)
	}
	for i := range want {
		for name, value := range want[i] {
			if lines[i][name] != value {
				t.Errorf("line %d: %s is %v, want %v", i, name, lines[i][name], value)
			}
		}
	}
	if strings.Contains(w.Logged(), "customer-canary") {
		t.Error("the log says who the customer is")
	}
}
