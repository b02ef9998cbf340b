package monitor

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// resultOf reads the stored result; nil if there is none.
func resultOf(t *testing.T, s *store.Store, doc *store.ClusterDocument) *store.MonitorResultDocument {
	t.Helper()
	r, err := s.MonitorResults.Get(t.Context(), doc.Partition, doc.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	check(t, err)
	return r
}

func TestTheLastResultOfAClusterIsStoredAndShowsWhoChecksIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	register(t, s, model.Registered)
	api := newStub(t, 0)
	answers, silent := create(t, s, "answers", api.URL), create(t, s, "silent", "https://127.0.0.1:1")
	_, stop := start(t, Config{Store: s, Interval: 50 * time.Millisecond, ID: "monitor-1"})
	eventually(t, "both are stored", func() bool { return resultOf(t, s, answers) != nil && resultOf(t, s, silent) != nil })
	r := resultOf(t, s, answers).Result
	if r.Outcome != model.MonitorProblems || r.ProblemCount == 0 || r.Problems[0].Metric != "monitor.cluster.collector.error" || r.Problems[0].Dimensions["resourceId"] != "" {
		t.Errorf("a cluster without resources has the result %+v", r)
	}
	if r := resultOf(t, s, silent).Result; r.Outcome != model.MonitorUnreachable || r.ClusterUID != silent.Cluster.Internal.UID || time.Since(r.Since) > patience {
		t.Errorf("a cluster that does not answer has the result %+v", r)
	}
	last, err := s.LastCheck(t.Context(), clusterID("silent"), silent.Cluster.Internal.UID)
	if err != nil || last.Monitor != "monitor-1" || time.Since(last.SeenAt) > patience || last.Result.Outcome != model.MonitorUnreachable {
		t.Errorf("the last check is %+v, %v", last, err)
	}
	etag, looks := resultOf(t, s, answers).ETag, api.count()
	eventually(t, "it was looked at again", func() bool { return api.count() > looks+5 })
	if resultOf(t, s, answers).ETag != etag {
		t.Error("a result that has not changed is written again")
	}
	stop()
	if last, err = s.LastCheck(t.Context(), clusterID("silent"), silent.Cluster.Internal.UID); err != nil || last.Monitor != "" {
		t.Errorf("after the end of the monitor the last check is %+v, %v", last, err)
	}
}

// TestResultsAreWrittenWhenTheyChange drives record with a clock of its own.
func TestResultsAreWrittenWhenTheyChange(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Now()
	m, err := New(Config{Store: s, Now: func() time.Time { return now }})
	check(t, err)
	doc := create(t, s, "c", "https://127.0.0.1:1")
	due := &member{key: key{doc.Partition, doc.ID}, uid: doc.Cluster.Internal.UID}
	found := func(nodes ...string) *problems {
		p := &problems{Emitter: metrics.Discard{}}
		for _, node := range nodes {
			p.EmitGauge("node.conditions", 1, map[string]string{"nodeName": node, "resourceId": "/x"})
		}
		p.EmitGauge("node.count", 3, map[string]string{"role": "worker"}) // no problem
		return p
	}
	var many []string
	for i := range model.MaxMonitorProblems + 7 {
		many = append(many, strconv.Itoa(i))
	}
	etag := ""
	for _, step := range []struct {
		what     string
		after    time.Duration
		found    *problems
		answered bool
		written  bool
		outcome  model.MonitorOutcome
		count    int
	}{
		{"the first", 0, found(), true, true, model.MonitorHealthy, 0},
		{"the same", time.Minute, found(), true, false, model.MonitorHealthy, 0},
		{"another outcome", time.Second, found("a"), true, true, model.MonitorProblems, 1},
		{"another problem at once", time.Minute, found("b"), true, false, model.MonitorProblems, 1},
		{"another problem later", storePause, found("b"), true, true, model.MonitorProblems, 1},
		{"no answer", time.Second, found(), false, true, model.MonitorUnreachable, 0},
		{"many problems", time.Minute, found(many...), true, true, model.MonitorProblems, len(many)},
		{"the same for days", 0, found(many...), true, false, model.MonitorProblems, len(many)},
	} {
		now = now.Add(step.after)
		m.record(t.Context(), due, step.found, step.answered)
		got := resultOf(t, s, doc)
		if got == nil || (got.ETag != etag) != step.written || got.Result.Outcome != step.outcome || got.Result.ProblemCount != step.count || len(got.Result.Problems) > model.MaxMonitorProblems {
			t.Fatalf("%s: %+v, written %t", step.what, got, got != nil && got.ETag != etag)
		}
		etag = got.ETag
	}
	// Another process that gets the cluster reads the result, and leaves it and its time.
	since := resultOf(t, s, doc).Result.Since
	due.stored = stored{}
	m.record(t.Context(), due, found(many...), true)
	if got := resultOf(t, s, doc); got.ETag != etag || !got.Result.Since.Equal(since) {
		t.Errorf("after a hand-over the result is %+v", got)
	}
	// A cluster at rest is written again long before its document expires.
	now = now.Add(storeAgain)
	m.record(t.Context(), due, found(many...), true)
	if got := resultOf(t, s, doc); got.ETag == etag || !got.Result.Since.Equal(since) {
		t.Errorf("after %s the result is %+v", storeAgain, got)
	}
}
