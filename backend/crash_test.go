package backend_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// TestCrashAtEveryBoundary cuts a worker off its database for ever, after each
// of its writes: the claim, the first step's begin, each step's end, the last
// renewal, the response to the client, the history.
func TestCrashAtEveryBoundary(t *testing.T) {
	t.Parallel()
	const n = 3
	for writes := 1; writes <= 1+1+n+1+1+1; writes++ {
		t.Run(fmt.Sprint("after write ", writes), func(t *testing.T) {
			t.Parallel()
			ran := crash(t, n, func(dying *running) {
				var count atomic.Int32
				dying.wire.onWrite(func(string) {
					if count.Add(1) == int32(writes) {
						dying.wire.cut()
					}
				})
			}, func(*running, int) {})
			for i, times := range ran {
				if times != 1 {
					t.Errorf("step %d was done %d times, want once", i, times)
				}
			}
		})
	}
	for at := range n {
		t.Run(fmt.Sprint("before the end of step ", at, " is recorded"), func(t *testing.T) {
			t.Parallel()
			ran := crash(t, n, func(*running) {}, func(dying *running, step int) {
				if step == at {
					dying.wire.cut()
				}
			})
			for i, times := range ran {
				if want := map[bool]int32{true: 2, false: 1}[i == at]; times != want {
					t.Errorf("step %d was done %d times, want %d", i, times, want)
				}
			}
		})
	}
}

// crash runs a create of n steps with a worker that is cut off on the way and
// then with another one. It returns how often each step was done.
func crash(t *testing.T, n int, prepare func(dying *running), afterStep func(dying *running, step int)) []int32 {
	db := newDatabase(t)
	s, _ := db.connect(t)
	ran := make([]atomic.Int32, n)
	var dying *running
	plan := func(mayDie bool) map[model.OperationKind][]backend.ClusterStep {
		var list []backend.ClusterStep
		for i := range n {
			list = append(list, step(fmt.Sprint("step ", i), func(ctx context.Context, _ *backend.ClusterWork) error {
				if mayDie && dying.wire.isCut.Load() {
					<-ctx.Done() // the dead do nothing
					return ctx.Err()
				}
				ran[i].Add(1)
				if mayDie {
					afterStep(dying, i)
				}
				return nil
			}))
		}
		return plans(steps{model.Create: list})
	}
	const ttl = time.Second
	dying = db.work(t, backend.Config{LeaseTTL: ttl, PollInterval: time.Hour, Plans: plan(true)})
	prepare(dying)
	doc := request(t, s, subscription, "c")
	dying.Wake()
	eventually(t, "the first worker is cut off", dying.wire.isCut.Load)
	db.work(t, backend.Config{LeaseTTL: ttl, Plans: plan(false)})

	if op := result(t, s, doc.Cluster.Internal.Operation.ID); op.State != model.Succeeded {
		t.Errorf("told %s, want Succeeded", op.State)
	}
	if c := settled(t, s, doc).Cluster; c.Properties.ProvisioningState != model.Succeeded {
		t.Errorf("cluster is %s, want Succeeded", c.Properties.ProvisioningState)
	}
	if entries := history(t, s, "c"); len(entries) != 1 || entries[0].State != model.Succeeded || len(entries[0].Steps) != n {
		t.Errorf("the history is %+v, want one entry of %d steps", entries, n)
	}
	times := make([]int32, n)
	for i := range ran {
		times[i] = ran[i].Load()
	}
	return times
}

func TestAToldFailureStandsAfterACrash(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	var attempts atomic.Int32
	plan := plans(steps{model.Create: {step("fails once", func(context.Context, *backend.ClusterWork) error {
		if attempts.Add(1) == 1 {
			return arm.InvalidParameter.Errorf("wrong")
		}
		return nil
	})}})
	diagnose := func(_ context.Context, _ *model.Cluster, _ string, cause error) *model.Diagnostics {
		return &model.Diagnostics{Findings: []model.Finding{{Name: "cause", Text: cause.Error()}}}
	}
	first := db.work(t, backend.Config{LeaseTTL: time.Second, Plans: plan, Diagnose: diagnose})
	first.wire.onWrite(func(container string) {
		if container == "Operations" {
			first.wire.cut()
		}
	})
	doc := request(t, s, subscription, "c")
	result(t, s, doc.Cluster.Internal.Operation.ID)
	second := db.work(t, backend.Config{LeaseTTL: time.Second, Plans: plan, Diagnose: diagnose})
	c := settled(t, s, doc).Cluster
	if c.Properties.ProvisioningState != model.Failed {
		t.Errorf("cluster is %s although its client was told Failed", c.Properties.ProvisioningState)
	}
	if found := c.Internal.Diagnostics; found == nil || len(found.Findings) != 1 || !strings.Contains(found.Findings[0].Text, "wrong") {
		t.Errorf("what was found out is lost: %+v", found)
	}
	eventually(t, "the failure is logged", func() bool { return strings.Contains(second.logs.String(), "operation failed") })
	if n := attempts.Load(); n != 1 {
		t.Errorf("the step was tried %d times, want once", n)
	}
}

func TestManyWorkersRunEachStepOnce(t *testing.T) {
	t.Parallel()
	const clusters, workers = 20, 3
	const ttl = 2 * time.Second
	db := newDatabase(t)
	s, _ := db.connect(t)
	var mu sync.Mutex
	done, inside := map[string]int{}, map[string]int{}
	note := func(counts map[string]int, name string, n int) int {
		mu.Lock()
		defer mu.Unlock()
		counts[name] += n
		return counts[name]
	}
	takes := func(name string, d time.Duration) backend.ClusterStep {
		return step(name, func(ctx context.Context, w *backend.ClusterWork) error {
			cluster := w.Resource().Name
			if note(inside, cluster, 1) > 1 {
				t.Errorf("two workers on %s at once", cluster)
			}
			defer note(inside, cluster, -1)
			select {
			case <-ctx.Done(): // a machine so slow that the lease was lost
				return ctx.Err()
			case <-time.After(d):
				note(done, cluster+" "+name, 1)
				return nil
			}
		})
	}
	var docs []*store.ClusterDocument
	for i := range clusters {
		docs = append(docs, request(t, s, fmt.Sprintf("00000000-0000-0000-0000-%012d", i%4), fmt.Sprint("c", i)))
	}
	for range workers { // only heartbeats keep the lease during the long step
		db.work(t, backend.Config{LeaseTTL: ttl, Plans: plans(steps{model.Create: {takes("short", 0), takes("long", ttl+time.Second)}})})
	}
	for _, doc := range docs {
		if c := settled(t, s, doc).Cluster; c.Properties.ProvisioningState != model.Succeeded {
			t.Errorf("%s is %s, want Succeeded", c.Name, c.Properties.ProvisioningState)
		}
	}
	if len(done) != 2*clusters {
		t.Errorf("%d different steps were done, want %d", len(done), 2*clusters)
	}
	for name, n := range done {
		if n != 1 {
			t.Errorf("%s was done %d times", name, n)
		}
	}
}
