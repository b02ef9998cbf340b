package server_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// status and result are the URLs of an accepted operation.
func status(r *harness.Reply) string { return r.Header.Get("Azure-AsyncOperation") }
func result(r *harness.Reply) string {
	return strings.Replace(status(r), "operationsstatus", "operationresults", 1)
}

func TestOperationFromStartToEnd(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "op")
	id := clusterID("op")
	started := time.Now().UTC().Truncate(time.Second)
	w.alter(id, func(doc *store.ClusterDocument) {
		op := doc.Cluster.Internal.Operation
		op.Steps, op.Finished, op.Current = 4, []model.Step{{Name: "first"}}, &model.Step{Name: "second", StartedAt: started}
	})
	running := w.want(200, w.do("GET", status(created), "", nil))
	if running.Text("status") != "Creating" || running.Text("percentComplete") != "25" || running.Text("currentStep") != "second" ||
		running.Text("stepStartedAt") != started.Format(time.RFC3339) || running.JSON["endTime"] != nil || running.JSON["properties"] != nil || running.Header.Get("Retry-After") == "" {
		t.Error(running, running.Header)
	}
	pending := w.want(202, w.do("GET", result(created), "", nil))
	if len(pending.Body) > 0 || pending.Header.Get("Location") == "" || pending.Header.Get("Retry-After") == "" {
		t.Error(pending, pending.Header)
	}
	w.finish(id, model.Succeeded)
	ended := w.want(200, w.do("GET", status(created), "", nil))
	if ended.Text("status") != "Succeeded" || ended.Text("percentComplete") != "100" || ended.Text("endTime") == "" || ended.JSON["error"] != nil || ended.JSON["currentStep"] != nil {
		t.Error(ended)
	}
	if done := w.want(200, w.do("GET", result(created), "", nil)); done.Text("id") != id.String() {
		t.Error(done)
	}
}

// TestAStepsErrorShowsWhileItIsTriedAgain: beside the status, since clients take an
// error member for the end, and only for the step that runs.
func TestAStepsErrorShowsWhileItIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "refused")
	id := clusterID("refused")
	current := func(refusal *model.OperationError) *harness.Reply {
		w.alter(id, func(doc *store.ClusterDocument) {
			doc.Cluster.Internal.Operation.Current = &model.Step{Name: "validate", StartedAt: time.Now(), Attempts: 1, LastError: "for engineers", Refusal: refusal}
		})
		r := w.want(200, w.do("GET", status(created), "", nil))
		if r.Text("status") != "Creating" || r.Text("currentStep") != "validate" || r.JSON["error"] != nil || r.JSON["endTime"] != nil || r.Header.Get("Retry-After") == "" || contains(string(r.Body), "engineers") {
			t.Error(r)
		}
		return r
	}
	const message, target = "The role Network Contributor is missing.", "properties.masterProfile.subnetId"
	r := current(&model.OperationError{Code: arm.InvalidServicePrincipalPermissions.Name, Message: message, Target: target,
		Details: []model.OperationError{{Code: "AuthorizationFailed", Message: "join/action"}}})
	for path, want := range map[string]string{"code": arm.InvalidServicePrincipalPermissions.Name, "message": message, "target": target, "details.0.code": "AuthorizationFailed", "details.0.message": "join/action"} {
		if got := r.Text("stepError." + path); got != want {
			t.Errorf("stepError.%s is %q, not %q", path, got, want)
		}
	}
	if r = w.want(202, w.do("GET", result(created), "", nil)); len(r.Body) > 0 {
		t.Error(r)
	}
	if r = current(nil); r.JSON["stepError"] != nil {
		t.Errorf("it has passed: %v", r)
	}
	w.finish(id, model.Succeeded)
	if r = w.want(200, w.do("GET", status(created), "", nil)); r.JSON["stepError"] != nil || r.JSON["error"] != nil {
		t.Error(r)
	}
}

func TestAnEndThatTheClusterDoesNotShowYetIsHidden(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "window")
	name := w.do("GET", status(created), "", nil).Text("name")
	_, err := w.store.Operations.Update(t.Context(), name, name, func(doc *store.OperationDocument) error {
		now := time.Now()
		doc.Operation.State, doc.Operation.EndedAt = model.Failed, &now
		doc.Operation.Error = &model.OperationError{Code: "X", Message: "x"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := w.do("GET", status(created), "", nil); r.Text("status") != "Creating" || r.JSON["error"] != nil || r.JSON["endTime"] != nil {
		t.Error(r)
	}
}

func TestFailedOperation(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "failed")
	w.finish(clusterID("failed"), model.Failed)
	r := w.want(200, w.do("GET", status(created), "", nil))
	if r.Text("status") != "Failed" || r.Code() != arm.OperationFailed.Name || r.Message() == "" {
		t.Error(r)
	}
	if r = w.do("GET", result(created), "", nil); r.Status != 409 || r.Code() != arm.OperationFailed.Name {
		t.Errorf("a failed operation's result must not look like a poll to repeat: %v", r)
	}
}

func TestDeleteCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "cancel")
	id := clusterID("cancel")
	w.alter(id, func(doc *store.ClusterDocument) { doc.Owner, doc.Due = "worker", store.Due(time.Minute) })
	deleted := w.want(202, w.do("DELETE", id.String(), "2020-04-30", nil))
	r := w.want(200, w.do("GET", status(created), "", nil))
	if r.Text("status") != "Canceled" || r.Code() != arm.OperationCanceled.Name || r.Text("endTime") == "" {
		t.Error(r)
	}
	doc, err := w.store.Clusters.Get(t.Context(), id.Partition(), id.Key())
	if err != nil || doc.Owner != "worker" || doc.Due == nil || *doc.Due != 60 {
		t.Errorf("the lease was taken from its holder: %v %v", doc.Due, err)
	}
	again := w.want(202, w.do("DELETE", id.String(), newest, nil))
	if name(again) != name(deleted) {
		t.Error("a second DELETE began a second operation")
	}
	if r = w.want(202, w.do("GET", deleted.Header.Get("Location"), "", nil)); len(r.Body) > 0 {
		t.Error(r)
	}
	w.finish(id, model.Succeeded)
	w.want(204, w.do("GET", deleted.Header.Get("Location"), "", nil))
	if r = w.want(200, w.do("GET", status(deleted), "", nil)); r.Text("status") != "Succeeded" {
		t.Error(r)
	}
	// A new cluster of the same name does not bring the old one's operations back.
	w.create(newest, "cancel")
	w.want(204, w.do("GET", deleted.Header.Get("Location"), "", nil))
}

func name(r *harness.Reply) string {
	path, _, _ := strings.Cut(status(r), "?")
	return path[strings.LastIndexByte(path, '/'):]
}

func TestAnOperationThatNeverEndedIsCanceledOnceItsClusterIsGone(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "orphan")
	doc, err := w.store.Clusters.Get(t.Context(), subscription, clusterID("orphan").Key())
	if err == nil {
		err = w.store.Clusters.Delete(t.Context(), doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := w.do("GET", status(created), "", nil); r.Text("status") != "Canceled" || r.Code() == "" {
		t.Error(r)
	}
}

// overtaken is a driver behind which something happens once, right after an
// operation was read.
type overtaken struct {
	store.Driver
	by atomic.Pointer[func()]
}

func (o *overtaken) Read(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	r, err := o.Driver.Read(ctx, c, partition, id)
	if c.Name == "Operations" {
		if happen := o.by.Swap(nil); happen != nil {
			(*happen)()
		}
	}
	return r, err
}

func TestAnOperationThatEndsWhileItIsReadIsNotCanceled(t *testing.T) {
	t.Parallel()
	o := &overtaken{}
	st := openStore(t, func(k store.Driver) store.Driver { o.Driver = k; return o })
	w := newFixture(t, func(c *edge.Options) { c.Store = st })
	polls := map[string]func(created *harness.Reply) string{"status": status, "result": result}
	for poll, url := range polls {
		created := w.create(newest, poll)
		end := func() { w.finish(clusterID(poll), model.Succeeded) }
		o.by.Store(&end)
		r := w.want(200, w.do("GET", url(created), "", nil))
		if ended := r.Text("status") == "Succeeded" && r.Text("endTime") != ""; !ended && r.Text("id") != clusterID(poll).String() {
			t.Error(poll, r)
		}
	}
}

func TestForeignPollsFindNothing(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	created := w.create(newest, "mine")
	const tenant = "X-Ms-Home-Tenant-Id"
	w.want(200, w.do("GET", status(created), "", nil, tenant, "00000000-0000-0000-0000-0000000000B1"))
	for _, url := range []string{status(created), result(created)} {
		w.wantError(arm.NotFound, w.do("GET", strings.Replace(url, subscription, newID(), 1), "", nil))
		w.wantError(arm.NotFound, w.do("GET", url, "", nil, tenant, newID()))
	}
	// A client that polls an operation while its subscription moves continues in the new
	// tenant.
	moved := newID()
	w.want(200, w.do("PUT", "/subscriptions/"+subscription, "2.0", harness.Object{"state": model.Registered, "properties": harness.Object{"tenantId": moved}}))
	w.want(200, w.do("GET", status(created), "", nil, tenant, moved))
	w.wantError(arm.NotFound, w.do("GET", status(created), "", nil, tenant, newID()))
}
