package wait_test

import (
	"maps"
	"testing"
	"time"

	"github.com/aro-rp/aro/wait"
)

func TestWaitsInParallelCountOnce(t *testing.T) {
	now := time.Time{}
	waits := wait.NewWaits(func() time.Time { return now }, map[string]float64{"azure": 100})
	ctx := waits.In(t.Context())
	pass := func(seconds int) { now = now.Add(time.Duration(seconds) * time.Second) }

	pass(50) // its own work
	first := wait.Await(ctx, wait.Azure)
	pass(1)
	second := wait.Await(ctx, wait.Azure)
	pass(2)
	installer := wait.Await(ctx, wait.Installer)
	pass(4)
	first()
	pass(8)
	installer()
	pass(16)
	second()
	pass(50)
	cluster := wait.Await(ctx, wait.Cluster)
	pass(32)
	cluster()

	want := map[string]float64{"azure": 100 + 1 + 2 + 16, "installer": 4 + 8, "cluster": 32, "pause": 3}
	if got := waits.Sum(3 * time.Second); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	wait.Await(t.Context(), wait.Azure)() // without a step in the context
}
