package pipeline_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// hold attempts the plan once and holds what pauses, as a worker does.
func (b *bench) hold(w *backend.ClusterWork, do func() error) {
	b.t.Helper()
	var pause *pipeline.Pause
	if err := pipeline.Run(b.t.Context(), w, []backend.ClusterStep{step("s", do)}); !errors.As(err, &pause) {
		b.t.Fatalf("Run: %v, want a pause", err)
	}
	if err := w.Hold(b.t.Context(), pause); err != nil {
		b.t.Fatal(err)
	}
}

func TestWaitingUnderALeaseWritesOnlyWhatIsNew(t *testing.T) {
	b := setup(t, model.Create)
	w := b.claim()
	before := b.replaced.Load()
	wrote := func(what string, want int32) {
		t.Helper()
		now := b.replaced.Load()
		if now-before != want {
			t.Errorf("%s: %d writes, want %d", what, now-before, want)
		}
		before = now
	}
	attempt := func(err error) {
		b.now = b.now.Add(time.Second)
		b.hold(w, func() error { return err })
	}
	attempt(wait.Later(time.Second, "a sign"))
	wrote("the step begins and waits", 2)
	for range 30 {
		attempt(wait.Later(time.Second, "a sign"))
	}
	wrote("thirty more looks", 0)
	refused := wait.Again(arm.InvalidParameter.Errorf("It is locked."))
	attempt(refused)
	wrote("a refusal", 1)
	if current := b.read().Cluster.Internal.Operation.Current; current.Refusal == nil || current.Attempts != 32 {
		t.Errorf("customers see %+v", current)
	}
	attempt(wait.Later(time.Second, "another sign"))
	attempt(refused)
	attempt(wait.Later(time.Second, "another sign"))
	wrote("news within a moment of news", 0)
	if err := w.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	wrote("the heartbeat after it", 1)
	if current := b.read().Cluster.Internal.Operation.Current; current.WaitingFor != "another sign" || current.Refusal != nil {
		t.Errorf("after the heartbeat customers see %+v", current)
	}
	if err := w.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	wrote("a heartbeat without news", 0)
	if n := b.renewed.Load(); n != 1 {
		t.Errorf("%d small writes, want 1", n)
	}
	if err := pipeline.Run(t.Context(), w, []backend.ClusterStep{step("s", fine)}); err != nil {
		t.Fatal(err)
	}
	wrote("the end of the step", 1)
	if s := b.read().Cluster.Internal.Operation.Finished[0]; s.Attempts != 36 || s.Waited["pause"] < 30 {
		t.Errorf("finished as %+v, want all 36 attempts and their pauses", s)
	}
}

func TestAnUnwrittenAttemptIsHandedOver(t *testing.T) {
	b := setup(t, model.Create)
	w := b.claim()
	for range 3 {
		b.hold(w, func() error { return wait.Later(time.Minute, "a sign") })
	}
	if err := w.HandOver(t.Context(), 40*time.Second); err != nil {
		t.Fatal(err)
	}
	doc := b.read()
	if current := doc.Cluster.Internal.Operation.Current; current.Attempts != 3 || doc.Owner != "" || doc.Due == nil || *doc.Due != 40 {
		t.Errorf("handed over as %+v, due %v", current, doc.Due)
	}
}

func TestWhoWaitsUnderALeaseThatWasLostBeforeIsNoCause(t *testing.T) {
	b := setup(t, model.Create)
	w := b.claim()
	b.hold(w, func() error { return wait.Later(time.Minute, "a sign") })
	for range 10 { // workers that perish while it waits
		b.due()
		w = b.claim()
		b.hold(w, func() error { return wait.Later(time.Minute, "a sign") })
	}
	if lost := b.read().Lost; lost != 0 {
		t.Errorf("%d workers count as lost with the operation", lost)
	}
}

func TestALookNoticesADelete(t *testing.T) {
	b := setup(t, model.Create)
	w := b.claim()
	b.hold(w, func() error { return wait.Later(time.Minute, "a sign") })
	if err := w.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := b.clusters.Update(t.Context(), "sub", "rg|c", func(d *store.ClusterDocument) error {
		return d.Cluster.Begin(model.Operation{ID: "delete", Kind: model.Delete, StartedAt: b.now})
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, notice := range map[string]func() error{
		"refresh": func() error { return w.Refresh(t.Context()) },
		"renew":   func() error { return w.Renew(t.Context()) },
	} {
		if err := notice(); !errors.Is(err, pipeline.ErrSuperseded) {
			t.Errorf("%s: %v, want ErrSuperseded", what, err)
		}
	}
	if err := w.HandOver(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if doc := b.read(); doc.Owner != "" || doc.Cluster.Internal.Operation.ID != "delete" || doc.Cluster.Internal.Operation.Current != nil {
		t.Errorf("handed over to %q with %s", doc.Owner, fmt.Sprint(doc.Cluster.Internal.Operation.Current))
	}
}
