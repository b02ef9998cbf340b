package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aro-rp/aro/test/faults"
)

// odds counts the refusals that were made, and those whose code was told.
type odds struct{ made, told atomic.Int32 }

// TestCodesThatNobodyKnowsAreTold answers the calls that docs/faults.md names with
// 400, 403 or 409 and a code that no service has ever used. Whoever began the
// operation must read that code in its error.
func TestCodesThatNobodyKnowsAreTold(t *testing.T) {
	t.Parallel()
	w := newFallen(t)
	var all odds
	creates := make(chan faults.Fault, 3*len(faults.All()))
	for i, f := range odd(faults.Of(faults.All(), "create", faults.Classic)) {
		for n := range 3 {
			creates <- oddly(f, i+n)
		}
	}
	close(creates)
	lives := map[string]func(*testing.T, *victim){
		"classic": func(t *testing.T, v *victim) { v.hearsInLife(t, &all, faults.Classic) },
		"modern":  func(t *testing.T, v *victim) { v.hearsInLife(t, &all, faults.Modern) },
	}
	for n := range victims / 2 {
		lives["victim"+string(rune('a'+n))] = func(t *testing.T, v *victim) { v.hearsInCreates(t, &all, creates) }
	}
	var group sync.WaitGroup
	for name, live := range lives {
		group.Go(func() {
			t.Run(name, func(t *testing.T) { live(t, w.victim(t, order{name: name, workload: name == "modern"})) })
		})
	}
	group.Wait()
	t.Logf("%d of %d codes that nobody knows were told", all.told.Load(), all.made.Load())
	if all.told.Load() != all.made.Load() || all.made.Load() < 45 {
		t.Errorf("%d of %d codes that nobody knows were told, want all of at least 45", all.told.Load(), all.made.Load())
	}
}

// odd are the faults by calls of the service that boot nothing.
func odd(list []faults.Fault) (some []faults.Fault) {
	for _, f := range list {
		if f.Calls != nil && !f.Calls.ByPrincipal && !f.Boots && f.Step != "deploy machines" {
			some = append(some, f)
		}
	}
	return some
}

// oddly is a fault with another answer, the nth of the three.
func oddly(f faults.Fault, n int) faults.Fault {
	calls := *f.Calls
	calls.Answer = faults.Answer{Kind: "fail", Status: []int{http.StatusBadRequest, http.StatusForbidden, http.StatusConflict}[n%3],
		Code: fmt.Sprintf("Odd%dReason", rand.Uint32()), Message: "It is not the day for it."}
	f.Calls, f.What = &calls, fmt.Sprintf("%d with a code that nobody knows", calls.Answer.Status)
	return f
}

// hearsInCreates creates the cluster with each fault, and deletes it without.
func (v *victim) hearsInCreates(t *testing.T, all *odds, creates <-chan faults.Fault) {
	for f := range creates {
		v.hears(t, all, f, v.create)
		ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
		v.deleted(ctx, t)
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
	defer cancel()
	v.leave(ctx, t)
}

// hearsInLife creates the cluster well, and then lets its updates and its deletes fail.
func (v *victim) hearsInLife(t *testing.T, all *odds, on faults.Kind) {
	func() {
		defer v.boot(t, func(entry) bool { return false })()
		v.created(t)
	}()
	for i, f := range odd(faults.Of(faults.All(), "update", on)) {
		v.hears(t, all, oddly(f, i), func(ctx context.Context, t *testing.T) string {
			change := m{}
			if v.workload {
				change["properties"] = v.otherIdentity(ctx, t, i+1)
			}
			return v.want(ctx, t, http.MethodPatch, v.id()+"?api-version="+newestAPI, change, nil).Get("Azure-Asyncoperation")
		})
	}
	for i, f := range odd(faults.Of(faults.All(), "delete", on)) {
		v.hears(t, all, oddly(f, i), v.remove)
	}
	v.removed(t)
}

// hears lets an operation meet the fault, of which its error must tell.
func (v *victim) hears(t *testing.T, all *odds, f faults.Fault, begin func(context.Context, *testing.T) string) {
	t.Run(f.Plan+", "+f.Step+": "+f.What, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
		defer cancel()
		all.made.Add(1)
		o := v.suffers(ctx, t, f, begin)
		e := v.explain(ctx, t)
		text, err := json.Marshal(o.Error)
		if err != nil {
			t.Fatal(err)
		}
		code := f.Calls.Answer.Code
		if o.Status != "Failed" || e.LastFailure == nil || e.LastFailure.Step != f.Step || !strings.Contains(string(text), code) {
			t.Errorf("%s: the operation ended as %+v, by %+v", code, o, e.LastFailure)
			return
		}
		all.told.Add(1)
	})
}

// TestWhatFailsInPassingIsMadeAgain has Azure accept resources of a create and fail
// later, each in a way that passes. The running operation tells of it, and the
// cluster becomes whole.
func TestWhatFailsInPassingIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ARO_TEST=true")
	c := w.customer(t, order{name: "shaken"})
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
	defer cancel()
	for _, p := range faults.Passes() {
		w.want(ctx, t, http.MethodPut, "/local/faults/"+p.Code, m{"match": m{"method": "PUT", "path": strings.ReplaceAll(p.Path, "NAME", c.name)}, "count": 1,
			"action": m{"kind": "failLater", "code": p.Code, "message": "Not this time.", "milliseconds": 100}}, nil)
	}
	heard := map[string]bool{}
	o, err := c.outcome(ctx, c.create(ctx, t), func(o operation) {
		if text, err := json.Marshal(o.StepError); err == nil {
			for _, p := range faults.Passes() {
				heard[p.Code] = heard[p.Code] || strings.Contains(string(text), p.Code)
			}
		}
	})
	if err != nil || o.Status != "Succeeded" {
		t.Fatalf("the create ended as %+v, %v", o, err)
	}
	for _, p := range faults.Passes() {
		if !heard[p.Code] {
			t.Errorf("the running operation never told of %s", p.Code)
		}
	}
	c.kube(ctx, t).isWell(ctx, t, 3)
	c.removed(t)
}
