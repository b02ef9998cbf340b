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

// unknownCodes counts the refusals that were made, and those whose code was reported.
type unknownCodes struct{ made, reported atomic.Int32 }

// TestUnknownCodesAreReported answers the calls that docs/faults.md names with
// 400, 403 or 409 and a code that no service uses. The error of the operation must
// contain that code.
func TestUnknownCodesAreReported(t *testing.T) {
	t.Parallel()
	w := newFaultyEnvironment(t)
	var all unknownCodes
	creates := make(chan faults.Fault, 3*len(faults.All()))
	for i, f := range refusable(faults.Of(faults.All(), "create", faults.Classic)) {
		for n := range 3 {
			creates <- withUnknownCode(f, i+n)
		}
	}
	close(creates)
	tests := map[string]func(*testing.T, *faultyCluster){
		"classic": func(t *testing.T, v *faultyCluster) { v.testUpdatesAndDeletes(t, &all, faults.Classic) },
		"modern":  func(t *testing.T, v *faultyCluster) { v.testUpdatesAndDeletes(t, &all, faults.Modern) },
	}
	for n := range faultyClusters / 2 {
		tests["faulty"+string(rune('a'+n))] = func(t *testing.T, v *faultyCluster) { v.testCreates(t, &all, creates) }
	}
	var group sync.WaitGroup
	for name, test := range tests {
		group.Go(func() {
			t.Run(name, func(t *testing.T) { test(t, w.cluster(t, order{name: name, workload: name == "modern"})) })
		})
	}
	group.Wait()
	t.Logf("%d of %d unknown codes were reported", all.reported.Load(), all.made.Load())
	if all.reported.Load() != all.made.Load() || all.made.Load() < 45 {
		t.Errorf("%d of %d unknown codes were reported, want all of at least 45", all.reported.Load(), all.made.Load())
	}
}

// refusable returns the faults by calls of the service that boot nothing.
func refusable(list []faults.Fault) (some []faults.Fault) {
	for _, f := range list {
		if f.Calls != nil && !f.Calls.ByPrincipal && !f.Boots && f.Step != "deploy machines" {
			some = append(some, f)
		}
	}
	return some
}

// withUnknownCode returns the fault with another answer, the nth of the three.
func withUnknownCode(f faults.Fault, n int) faults.Fault {
	calls := *f.Calls
	calls.Answer = faults.Answer{Kind: "fail", Status: []int{http.StatusBadRequest, http.StatusForbidden, http.StatusConflict}[n%3],
		Code: fmt.Sprintf("Odd%dReason", rand.Uint32()), Message: "It is not the day for it."}
	f.Calls, f.What = &calls, fmt.Sprintf("%d with an unknown code", calls.Answer.Status)
	return f
}

// testCreates creates the cluster with each fault, and deletes it without.
func (v *faultyCluster) testCreates(t *testing.T, all *unknownCodes, creates <-chan faults.Fault) {
	for f := range creates {
		v.testCode(t, all, f, v.create)
		ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
		v.deleted(ctx, t)
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
	defer cancel()
	v.leave(ctx, t)
}

// testUpdatesAndDeletes creates the cluster, and then runs its updates and deletes with faults.
func (v *faultyCluster) testUpdatesAndDeletes(t *testing.T, all *unknownCodes, on faults.Kind) {
	func() {
		defer v.boot(t, func(entry) bool { return false })()
		v.created(t)
	}()
	for i, f := range refusable(faults.Of(faults.All(), "update", on)) {
		v.testCode(t, all, withUnknownCode(f, i), func(ctx context.Context, t *testing.T) string {
			change := m{}
			if v.workload {
				change["properties"] = v.otherIdentity(ctx, t, i+1)
			}
			return v.want(ctx, t, http.MethodPatch, v.id()+"?api-version="+newestAPI, change, nil).Get("Azure-Asyncoperation")
		})
	}
	for i, f := range refusable(faults.Of(faults.All(), "delete", on)) {
		v.testCode(t, all, withUnknownCode(f, i), v.remove)
	}
	v.removed(t)
}

// testCode runs an operation with the fault, whose code its error must contain.
func (v *faultyCluster) testCode(t *testing.T, all *unknownCodes, f faults.Fault, begin func(context.Context, *testing.T) string) {
	t.Run(f.Plan+", "+f.Step+": "+f.What, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
		defer cancel()
		all.made.Add(1)
		o := v.runWith(ctx, t, f, begin)
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
		all.reported.Add(1)
	})
}

// TestTransientFailuresAreRetried has Azure accept resources of a create and fail later,
// each with a transient error. The running operation shows it, and the create succeeds.
func TestTransientFailuresAreRetried(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, "ARO_TEST=true")
	c := w.customer(t, order{name: "transient"})
	ctx, cancel := context.WithTimeout(t.Context(), createTimeout)
	defer cancel()
	for _, p := range faults.Passes() {
		w.want(ctx, t, http.MethodPut, "/local/faults/"+p.Code, m{"match": m{"method": "PUT", "path": strings.ReplaceAll(p.Path, "NAME", c.name)}, "count": 1,
			"action": m{"kind": "failLater", "code": p.Code, "message": "Not this time.", "milliseconds": 100}}, nil)
	}
	seen := map[string]bool{}
	o, err := c.outcome(ctx, c.create(ctx, t), func(o operation) {
		if text, err := json.Marshal(o.StepError); err == nil {
			for _, p := range faults.Passes() {
				seen[p.Code] = seen[p.Code] || strings.Contains(string(text), p.Code)
			}
		}
	})
	if err != nil || o.Status != "Succeeded" {
		t.Fatalf("the create ended as %+v, %v", o, err)
	}
	for _, p := range faults.Passes() {
		if !seen[p.Code] {
			t.Errorf("the running operation never showed %s", p.Code)
		}
	}
	c.kube(ctx, t).isWell(ctx, t, 3)
	c.removed(t)
}
