package proof

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/faults"
)

// faultyClusters is how many clusters fail to be created at the same time: mostly a step
// of theirs waits for something that does not happen. Their installers run and their machines boot
// in turn, because that takes all that two cores have.
const (
	faultyClusters = 8
	booting        = 3
)

// faultyEnvironment is an environment into which faults are injected.
type faultyEnvironment struct {
	*environment
	installers string       // folder of what installers do in place of their work
	reported   atomic.Int32 // faults
	boots      chan struct{}
}

// TestEveryFaultIsReported injects faults into steps of creates, updates and deletes, with
// -long into each. Clients, administrators and the log get the same error, the one of
// docs/faults.md, and when the fault is over a delete succeeds.
func TestEveryFaultIsReported(t *testing.T) {
	t.Parallel()
	w := newFaultyEnvironment(t)
	before := w.footprint(t.Context(), t)
	all := faults.Samples()
	if *long {
		all = faults.All()
	}
	of := func(plan string, on faults.Kind) []faults.Fault { return faults.Of(all, plan, on) }
	t.Run("alone", func(t *testing.T) {
		w.cluster(t, order{name: "alone"}).failCreates(t, queue(of("create", faults.Alone)))
	})
	creates, updates := queue(of("create", faults.Classic)), queue(of("update", faults.Classic))
	tests := map[string]func(*testing.T, *faultyCluster){
		"classic": func(t *testing.T, v *faultyCluster) {
			v.failUpdatesAndDeletes(t, updates, of("delete", faults.Classic))
		},
		"other": func(t *testing.T, v *faultyCluster) { v.failUpdatesAndDeletes(t, updates, nil) },
		"modern": func(t *testing.T, v *faultyCluster) {
			v.failUpdatesAndDeletes(t, queue(of("update", faults.Modern)), of("delete", faults.Modern))
		},
		"creates": func(t *testing.T, v *faultyCluster) { v.failCreates(t, queue(of("create", faults.Modern))) },
		"encrypted": func(t *testing.T, v *faultyCluster) {
			v.encrypt(t)
			v.failCreates(t, queue(of("create", faults.Encrypted)))
		},
	}
	for n := range faultyClusters {
		tests["faulty"+string(rune('a'+n))] = func(t *testing.T, v *faultyCluster) { v.failCreates(t, creates) }
	}
	var group sync.WaitGroup
	for name, test := range tests {
		group.Go(func() {
			t.Run(name, func(t *testing.T) {
				test(t, w.cluster(t, order{name: name, workload: name == "modern" || name == "creates"}))
			})
		})
	}
	group.Wait()
	w.isAsBefore(t, before)
	if reported := int(w.reported.Load()); reported != len(all) {
		t.Errorf("%d of %d faults were reported as documented", reported, len(all))
	}
}

// queue returns the faults in a channel from which several clusters receive.
func queue(list []faults.Fault) <-chan faults.Fault {
	all := make(chan faults.Fault, len(list))
	for _, f := range list {
		all <- f
	}
	close(all)
	return all
}

// faultyCluster is a customer whose cluster gets faults.
type faultyCluster struct {
	*customer
	in *faultyEnvironment
}

func (w *faultyEnvironment) cluster(t *testing.T, o order) *faultyCluster {
	return &faultyCluster{w.customer(t, o), w}
}

// failCreates creates the cluster with each fault, and deletes it without.
func (v *faultyCluster) failCreates(t *testing.T, all <-chan faults.Fault) {
	for f := range all {
		v.testFault(t, f, func(ctx context.Context, t *testing.T) string {
			if f.Secret != "" {
				profile := maps.Clone(v.body["properties"].(m)["servicePrincipalProfile"].(m))
				profile["clientSecret"] = f.Secret
				return v.ask(ctx, t, v.with(m{"servicePrincipalProfile": profile}))
			}
			return v.create(ctx, t)
		}, v.deleted)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
	defer cancel()
	v.leave(ctx, t)
}

// deleted deletes the cluster, which must succeed.
func (v *faultyCluster) deleted(ctx context.Context, t *testing.T) {
	t.Helper()
	if watch := v.remove(ctx, t); watch != "" {
		v.succeeds(ctx, t, watch)
	}
}

// failUpdatesAndDeletes creates the cluster, and then runs its updates and deletes with faults.
func (v *faultyCluster) failUpdatesAndDeletes(t *testing.T, updates <-chan faults.Fault, deletes []faults.Fault) {
	func() {
		defer v.boot(t, func(entry) bool { return false })()
		v.created(t)
	}()
	nothing := func(context.Context, *testing.T) {}
	n := 0
	for f := range updates {
		v.testFault(t, f, func(ctx context.Context, t *testing.T) string {
			n++
			change := m{"servicePrincipalProfile": m{"clientSecret": f.Secret}}
			switch {
			case v.workload:
				change = v.otherIdentity(ctx, t, n)
			case f.Secret == "":
				change = m{"servicePrincipalProfile": m{"clientSecret": v.newSecret(ctx, t)}}
			}
			return v.want(ctx, t, http.MethodPatch, v.id()+"?api-version="+newestAPI, m{"properties": change}, nil).Get("Azure-Asyncoperation")
		}, nothing)
	}
	for _, f := range deletes {
		v.testFault(t, f, v.remove, nothing)
	}
	v.removed(t)
}

// A control plane is stopped between two steps, which may be over in the meantime. A
// secret expires after a number of tokens, of which a step that is repeated takes more.
// A fault that comes too late or too early is injected again: at least so often, and
// for so long.
const (
	leastTries = 8
	leastTime  = 5 * time.Minute
)

// testFault runs an operation with a fault, and then what follows. The operation must fail
// with the documented error.
func (v *faultyCluster) testFault(t *testing.T, f faults.Fault, begin func(context.Context, *testing.T) string, after func(context.Context, *testing.T)) {
	t.Run(f.Plan+", "+f.Step+": "+f.What, func(t *testing.T) {
		begun, done := time.Now(), false
		for try := 1; !done; try++ {
			last := try >= leastTries && time.Since(begun) > leastTime
			func() {
				defer func() {
					ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
					defer cancel()
					after(ctx, t)
				}()
				done = v.attempt(t, f, last, begin)
			}()
		}
	})
}

// attempt runs an operation with the fault. It is false if the fault came in another step,
// which in the last try is an error.
func (v *faultyCluster) attempt(t *testing.T, f faults.Fault, last bool, begin func(context.Context, *testing.T) string) (done bool) {
	t.Helper()
	if needsProcessors(f) {
		defer v.boot(t, func(e entry) bool { return comes(f, e) })()
	}
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout) // none of it in the queue for processors
	defer cancel()
	o := v.runWith(ctx, t, f, begin)
	e := v.explain(ctx, t)
	elsewhere := e.LastFailure == nil || e.LastFailure.Step != f.Step
	if counted := f.Calls != nil && f.Calls.ByPrincipal; elsewhere && !last && (f.Stop != "" || counted) {
		t.Logf("the fault came in another step: %s, %+v", o.Status, o.Error)
		return false
	}
	v.checkReports(t, f, o, e)
	return true
}

// runWith returns the end of an operation that is run with the fault.
func (v *faultyCluster) runWith(ctx context.Context, t *testing.T, f faults.Fault, begin func(context.Context, *testing.T) string) operation {
	t.Helper()
	lift := v.inject(ctx, t, f)
	defer func() { lift() }()
	watch := begin(ctx, t)
	if watch == "" {
		t.Fatal("no operation began")
	}
	if v.needsCluster(f) {
		lift = v.answerCalls(ctx, t, f)
	}
	return v.end(ctx, t, watch)
}

// checkReports compares the errors that clients and administrators see and that the log has.
func (v *faultyCluster) checkReports(t *testing.T, f faults.Fault, o operation, e explanation) {
	t.Helper()
	if o.Status != "Failed" || e.LastFailure == nil {
		t.Errorf("the operation ended as %+v", o)
		return
	}
	seen := e.LastFailure
	if seen.Code != o.Error.Code || seen.Target != o.Error.Target || seen.Message != o.Error.Message {
		t.Errorf("clients see %+v, administrators %+v", o.Error, seen)
	}
	if !v.isLogged(seen.OperationID, o.Error) {
		t.Errorf("the log does not have %+v", o.Error)
	}
	if seen.Step != f.Step || seen.Code != f.Code || seen.Target != f.Target || seen.Message == "" {
		t.Errorf("the step %q failed: %s at %q: %s\nwant the step %q, %s at %q", seen.Step, seen.Code, seen.Target, seen.Message, f.Step, f.Code, f.Target)
		return
	}
	v.in.reported.Add(1)
}
