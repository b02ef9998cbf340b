package pipeline_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/wait"
)

func TestWhatAStepWaitedIsRecordedOverItsAttempts(t *testing.T) {
	b := setup(t, model.Create)
	do := func(outcome error) backend.ClusterStep {
		return backend.ClusterStep{Name: "s", Timeout: time.Hour, Do: func(ctx context.Context, _ *backend.ClusterWork) error {
			done := wait.Await(ctx, wait.Cluster)
			b.now = b.now.Add(2 * time.Second)
			done()
			b.now = b.now.Add(time.Second) // its own work
			return outcome
		}}
	}
	b.run(do(wait.Later(10*time.Second, "a sign")))
	if got, want := b.read().Cluster.Internal.Operation.Current.Waited, (map[string]float64{"cluster": 2, "pause": 10}); !maps.Equal(got, want) {
		t.Errorf("after the first attempt: %v, want %v", got, want)
	}
	b.now = b.now.Add(15 * time.Second) // no worker ran it for 5
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
