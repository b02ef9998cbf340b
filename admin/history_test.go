package admin_test

import (
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

func TestTheHistoryOfAClusterOutlivesIt(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	living, id := w.Ready(harness.Newest, "living"), edge.ClusterID("gone")
	if r := w.Want(200, w.Send("GET", "/admin"+living.String()+"/history", "", nil)); len(r.JSON["value"].([]any)) != 0 {
		t.Errorf("a cluster without a history has %s", r.Body)
	}
	path := "/admin" + id.String() + "/history"
	w.WantError(arm.ResourceNotFound, w.Send("GET", path, "", nil))
	began := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	for i, kind := range []model.OperationKind{model.Create, model.Delete} {
		at := began.Add(time.Duration(i) * time.Hour)
		doc := store.NewHistory(id, "o-"+string(kind), at)
		doc.Entry = model.HistoryEntry{OperationID: "o-" + string(kind), Kind: kind, RequestedBy: "ann", APIVersion: "2025-07-25", StartedAt: at, EndedAt: at.Add(time.Minute), State: model.Failed,
			Error: &model.OperationError{Code: "OperationFailed", Message: "It failed."}, Steps: []model.Step{{Name: "a step", StartedAt: at}}, Changes: []model.Change{{Path: "tags.a", To: `"b"`}}}
		if err := w.Store.History.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	first := w.Want(200, w.Send("GET", path+"?top=1", "", nil))
	for member, want := range map[string]string{"value.0.operationId": "o-Delete", "value.0.kind": "Delete", "value.0.requestedBy": "ann", "value.0.apiVersion": "2025-07-25", "value.0.state": "Failed",
		"value.0.startedAt": "2026-11-30T09:00:00Z", "value.0.error.code": "OperationFailed", "value.0.steps.0.name": "a step", "value.0.changes.0.path": "tags.a", "value.0.changes.0.to": `"b"`} {
		if got := first.Text(member); got != want {
			t.Errorf("%s is %q, want %q in %s", member, got, want, first.Body)
		}
	}
	second := w.Want(200, w.Send("GET", first.Text("nextLink"), "", nil))
	if second.Text("value.0.operationId") != "o-Create" || second.JSON["nextLink"] != nil {
		t.Errorf("the second page is %s", second.Body)
	}
}
