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

// victims is how many clusters fail to be created at the same time: mostly a step
// of theirs waits for what never comes. Their installers run and their machines boot
// in turn, because that takes all that two cores have.
const (
	victims = 8
	booting = 3
)

// fallen is a world in which everything goes wrong.
type fallen struct {
	*world
	installers string       // folder of what installers do in place of their work
	told       atomic.Int32 // faults
	boots      chan struct{}
}

// TestEveryFaultIsTold has something go wrong in steps of creates, updates and
// deletes, with -long in each. Clients, administrators and the log are told the same
// error, the one that docs/faults.md has, and when the fault is over a delete succeeds.
func TestEveryFaultIsTold(t *testing.T) {
	t.Parallel()
	w := newFallen(t)
	before := w.footprint(t.Context(), t)
	all := faults.Samples()
	if *long {
		all = faults.All()
	}
	of := func(plan string, on faults.Kind) []faults.Fault { return faults.Of(all, plan, on) }
	t.Run("alone", func(t *testing.T) {
		w.victim(t, order{name: "alone"}).failsToBeCreated(t, queue(of("create", faults.Alone)))
	})
	creates, updates := queue(of("create", faults.Classic)), queue(of("update", faults.Classic))
	lives := map[string]func(*testing.T, *victim){
		"classic": func(t *testing.T, v *victim) { v.failsInLife(t, updates, of("delete", faults.Classic)) },
		"other":   func(t *testing.T, v *victim) { v.failsInLife(t, updates, nil) },
		"modern": func(t *testing.T, v *victim) {
			v.failsInLife(t, queue(of("update", faults.Modern)), of("delete", faults.Modern))
		},
		"unborn": func(t *testing.T, v *victim) { v.failsToBeCreated(t, queue(of("create", faults.Modern))) },
		"encrypted": func(t *testing.T, v *victim) {
			v.encrypt(t)
			v.failsToBeCreated(t, queue(of("create", faults.Encrypted)))
		},
	}
	for n := range victims {
		lives["victim"+string(rune('a'+n))] = func(t *testing.T, v *victim) { v.failsToBeCreated(t, creates) }
	}
	var group sync.WaitGroup
	for name, live := range lives {
		group.Go(func() {
			t.Run(name, func(t *testing.T) {
				live(t, w.victim(t, order{name: name, workload: name == "modern" || name == "unborn"}))
			})
		})
	}
	group.Wait()
	w.isAsBefore(t, before)
	if told := int(w.told.Load()); told != len(all) {
		t.Errorf("%d of %d faults were told as they should be", told, len(all))
	}
}

// queue is emptied by whoever has time.
func queue(list []faults.Fault) <-chan faults.Fault {
	all := make(chan faults.Fault, len(list))
	for _, f := range list {
		all <- f
	}
	close(all)
	return all
}

// victim is a customer whose cluster fails.
type victim struct {
	*customer
	world *fallen
}

func (w *fallen) victim(t *testing.T, o order) *victim { return &victim{w.customer(t, o), w} }

// failsToBeCreated creates the cluster with each fault, and deletes it without.
func (v *victim) failsToBeCreated(t *testing.T, all <-chan faults.Fault) {
	for f := range all {
		v.meets(t, f, func(ctx context.Context, t *testing.T) string {
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
func (v *victim) deleted(ctx context.Context, t *testing.T) {
	t.Helper()
	if watch := v.remove(ctx, t); watch != "" {
		v.succeeds(ctx, t, watch)
	}
}

// failsInLife creates the cluster well, and then lets its updates and its deletes
// fail.
func (v *victim) failsInLife(t *testing.T, updates <-chan faults.Fault, deletes []faults.Fault) {
	func() {
		defer v.boot(t, func(entry) bool { return false })()
		v.created(t)
	}()
	nothing := func(context.Context, *testing.T) {}
	n := 0
	for f := range updates {
		v.meets(t, f, func(ctx context.Context, t *testing.T) string {
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
		v.meets(t, f, v.remove, nothing)
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

// meets runs an operation with a fault, and then what follows. The operation must
// fail as everybody is told.
func (v *victim) meets(t *testing.T, f faults.Fault, begin func(context.Context, *testing.T) string, after func(context.Context, *testing.T)) {
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
				done = v.tries(t, f, last, begin)
			}()
		}
	})
}

// tries lets an operation meet the fault. It is false if the fault came in another step,
// which in the last try is an error.
func (v *victim) tries(t *testing.T, f faults.Fault, last bool, begin func(context.Context, *testing.T) string) (done bool) {
	t.Helper()
	if needsProcessors(f) {
		defer v.boot(t, func(e entry) bool { return comes(f, e) })()
	}
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout) // none of it in the queue for processors
	defer cancel()
	o := v.suffers(ctx, t, f, begin)
	e := v.explain(ctx, t)
	elsewhere := e.LastFailure == nil || e.LastFailure.Step != f.Step
	if counted := f.Calls != nil && f.Calls.ByPrincipal; elsewhere && !last && (f.Stop != "" || counted) {
		t.Logf("the fault came in another step: %s, %+v", o.Status, o.Error)
		return false
	}
	v.isTold(t, f, o, e)
	return true
}

// suffers is how an operation ends that meets the fault.
func (v *victim) suffers(ctx context.Context, t *testing.T, f faults.Fault, begin func(context.Context, *testing.T) string) operation {
	t.Helper()
	lift := v.inject(ctx, t, f)
	defer func() { lift() }()
	watch := begin(ctx, t)
	if watch == "" {
		t.Fatal("no operation began")
	}
	if v.isLate(f) {
		lift = v.disturb(ctx, t, f)
	}
	return v.end(ctx, t, watch)
}

// isTold checks what clients, administrators and the log are told.
func (v *victim) isTold(t *testing.T, f faults.Fault, o operation, e explanation) {
	t.Helper()
	if o.Status != "Failed" || e.LastFailure == nil {
		t.Errorf("the operation ended as %+v", o)
		return
	}
	told := e.LastFailure
	if told.Code != o.Error.Code || told.Target != o.Error.Target || told.Message != o.Error.Message {
		t.Errorf("clients are told %+v, administrators %+v", o.Error, told)
	}
	if !v.isLogged(told.OperationID, o.Error) {
		t.Errorf("the log does not tell %+v", o.Error)
	}
	if told.Step != f.Step || told.Code != f.Code || told.Target != f.Target || told.Message == "" {
		t.Errorf("the step %q failed: %s at %q: %s\nwant the step %q, %s at %q", told.Step, told.Code, told.Target, told.Message, f.Step, f.Code, f.Target)
		return
	}
	v.world.told.Add(1)
}
