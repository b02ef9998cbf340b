package pipeline_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
)

func TestWaitsInParallelCountOnce(t *testing.T) {
	now := time.Time{}
	waits := pipeline.NewWaits(func() time.Time { return now }, map[string]float64{"azure": 100})
	ctx := waits.In(t.Context())
	pass := func(seconds int) { now = now.Add(time.Duration(seconds) * time.Second) }

	pass(50) // its own work
	first := pipeline.Await(ctx, pipeline.Azure)
	pass(1)
	second := pipeline.Await(ctx, pipeline.Azure)
	pass(2)
	installer := pipeline.Await(ctx, pipeline.Installer)
	pass(4)
	first()
	pass(8)
	installer()
	pass(16)
	second()
	pass(50)
	cluster := pipeline.Await(ctx, pipeline.Cluster)
	pass(32)
	cluster()

	want := map[string]float64{"azure": 100 + 1 + 2 + 16, "installer": 4 + 8, "cluster": 32, "pause": 3}
	if got := waits.Sum(3 * time.Second); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	pipeline.Await(t.Context(), pipeline.Azure)() // nobody listens
}

func TestWhatAStepWaitedIsRecordedOverItsAttempts(t *testing.T) {
	b := setup(t, model.Create)
	do := func(outcome error) pipeline.Step {
		return pipeline.Step{Name: "s", Timeout: time.Hour, Do: func(ctx context.Context, _ *pipeline.Work) error {
			done := pipeline.Await(ctx, pipeline.Cluster)
			b.now = b.now.Add(2 * time.Second)
			done()
			b.now = b.now.Add(time.Second) // its own work
			return outcome
		}}
	}
	b.run(do(pipeline.Later(10*time.Second, "a sign")))
	if got, want := b.read().Cluster.Internal.Operation.Current.Waited, (map[string]float64{"cluster": 2, "pause": 10}); !maps.Equal(got, want) {
		t.Errorf("after the first attempt: %v, want %v", got, want)
	}
	b.now = b.now.Add(15 * time.Second) // nobody was there for 5
	b.due()
	if err := b.run(do(nil), step("next", fine)); err != nil {
		t.Fatal(err)
	}
	finished := b.read().Cluster.Internal.Operation.Finished
	if got, want := finished[0].Waited, (map[string]float64{"cluster": 4, "pause": 10}); !maps.Equal(got, want) {
		t.Errorf("at its end: %v, want %v", got, want)
	}
	if len(finished[1].Waited) > 0 {
		t.Errorf("the next step begins with %v", finished[1].Waited)
	}
}
