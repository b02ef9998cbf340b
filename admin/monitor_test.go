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

func TestAdminSeesTheLastResultOfTheMonitor(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.Ready(harness.Newest, "watched")
	path := "/admin" + id.String() + "/monitor"
	none := w.Want(200, w.Send("GET", path, "", nil))
	if none.Text("outcome") != "Unknown" || none.JSON["monitor"] != nil || none.JSON["since"] != nil || len(none.JSON["problems"].([]any)) != 0 {
		t.Errorf("before the first check: %s", none.Body)
	}
	uid := w.Want(200, w.Send("GET", "/admin"+id.String(), "", nil)).Text("internal.uid")
	since := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	write := func(clusterUID string) {
		t.Helper()
		_, err := w.Store.MonitorResults.Upsert(t.Context(), id.Partition(), id.Key(), func() *store.MonitorResultDocument { return store.NewMonitorResult(id.Partition(), id.Key()) },
			func(doc *store.MonitorResultDocument) error {
				doc.Result = model.MonitorResult{ClusterUID: clusterUID, Outcome: model.MonitorProblems, Since: since, ProblemCount: 51,
					Problems: []model.MonitorProblem{{Metric: "node.conditions", Dimensions: map[string]string{"nodeName": "n", "type": "Ready"}}}}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	write("of an earlier cluster with the name")
	if r := w.Want(200, w.Send("GET", path, "", nil)); r.Text("outcome") != "Unknown" {
		t.Errorf("the result of another cluster is shown: %s", r.Body)
	}
	write(uid)
	shares, me := store.NewPoolWorker(store.MonitorPool, store.MonitorPool), store.NewPoolWorker(store.MonitorPool, "monitor-1")
	shares.Buckets = make([]string, store.Buckets)
	shares.Buckets[store.BucketOf(uid)] = "monitor-1"
	for _, doc := range []*store.PoolWorkerDocument{shares, me} {
		if err := w.Store.PoolWorkers.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	r := w.Want(200, w.Send("GET", path, "", nil))
	for member, want := range map[string]string{"resourceId": id.String(), "outcome": "Problems", "since": "2026-11-30T08:00:00Z", "problemCount": "51", "monitor": "monitor-1",
		"problems.0.metric": "node.conditions", "problems.0.dimensions.nodeName": "n", "lastSeenAt": me.WrittenAt.Format(time.RFC3339Nano)} {
		if got := r.Text(member); got != want {
			t.Errorf("%s is %q, want %q in %s", member, got, want, r.Body)
		}
	}
	w.WantError(arm.ResourceNotFound, w.Send("GET", "/admin"+edge.ClusterID("absent").String()+"/monitor", "", nil))
}
