package crash

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
	"github.com/aro-rp/aro/test/simulated/provider"
)

// operationTimeout bounds one operation that is interrupted at every step.
const operationTimeout = 2 * time.Minute

func TestAWorkerKilledAfterAnyStepIsReplacedAndNoStepRunsAgain(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, harness.Behaviour{Boot: 300 * time.Millisecond, Removal: 300 * time.Millisecond}, time.Second)
	f.hook(func(p *harness.Process, _ harness.Line) { p.Shoot() })
	id := clusterID("boundary")
	for _, step := range []struct {
		name    string
		request harness.Request
		want    int
		kills   int // at least so many: one that is noticed late has finished more steps before it dies
	}{
		{"create", harness.Request{Method: http.MethodPut, Body: harness.Body(harness.Newest, id, location)}, http.StatusCreated, 3},
		{"update", harness.Request{Method: http.MethodPatch, Body: secret("1")}, http.StatusOK, 2},
		{"delete", harness.Request{Method: http.MethodDelete}, http.StatusAccepted, 1},
	} {
		before := len(f.workers())
		step.request.Path, step.request.Version = id.String(), harness.Newest
		reply := f.must(step.request)
		if reply.Status != step.want {
			t.Fatalf("%s: %s", step.name, reply)
		}
		f.ends(reply, "Succeeded")
		killed := f.workers()[before:]
		for _, p := range killed {
			select {
			case <-p.Exited():
			case <-time.After(operationTimeout):
				t.Fatalf("%s: a worker that finished a step lives", step.name)
			}
		}
		t.Logf("%s: %d workers were killed after a step", step.name, len(killed))
		if len(killed) < step.kills {
			t.Errorf("%s: want at least %d", step.name, step.kills)
		}
	}
	f.hook(nil)
	f.noStepTwice()
	f.onceFromOutside(id, false)
}

func TestAllWorkersKilledInsideAStepAreReplacedAndItsEffectIsNotDoubled(t *testing.T) {
	t.Parallel()
	var f atomic.Pointer[fleet]
	var calls atomic.Int64
	b := harness.Behaviour{Boot: 200 * time.Millisecond, OnCall: func(string) {
		// The first, third, … call of a step dies with all workers; the next gets through.
		if f := f.Load(); f != nil && calls.Add(1)%2 == 1 {
			f.shootAll()
		}
	}}
	f.Store(newFleet(t, 2, b, time.Second))
	id := clusterID("inside")
	created := f.Load().must(harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location)})
	f.Load().ends(created, "Succeeded")
	deleted := f.Load().must(harness.Request{Method: http.MethodDelete, Path: id.String(), Version: harness.Newest})
	f.Load().ends(deleted, "Succeeded")
	if n := calls.Load(); n < 6 {
		t.Errorf("workers were killed inside %d calls, want at least 3", n/2)
	}
	f.Load().noStepTwice()
	f.Load().onceFromOutside(id, false)
}

func TestACreateThatKillsEveryWorkerFailsInsteadOfGoingOnForEver(t *testing.T) {
	t.Parallel()
	var f atomic.Pointer[fleet]
	b := harness.Behaviour{OnCall: func(method string) {
		if f := f.Load(); f != nil && method == http.MethodPut {
			f.shootAll()
		}
	}}
	f.Store(newFleet(t, 2, b, time.Second))
	id := clusterID("poison")
	created := f.Load().must(harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location)})
	f.Load().ends(created, "Failed")
	address, _ := url.Parse(created.Header.Get("Azure-AsyncOperation"))
	if status := f.Load().must(harness.Request{Method: http.MethodGet, Path: address.RequestURI()}); status.Code() != "TooManyAttempts" {
		t.Errorf("%s; want code TooManyAttempts", status)
	}
	got := f.Load().must(harness.Request{Method: http.MethodGet, Path: id.String(), Version: harness.Newest})
	if state := got.Text("properties.provisioningState"); state != "Failed" {
		t.Errorf("state is %s, want Failed", state)
	}
	if changed := f.Load().must(harness.Request{Method: http.MethodPatch, Path: id.String(), Version: harness.Newest, Body: secret("x")}); changed.Code() != "RequestNotAllowed" {
		t.Errorf("%s; want RequestNotAllowed", changed)
	}
	deleted := f.Load().must(harness.Request{Method: http.MethodDelete, Path: id.String(), Version: harness.Newest})
	f.Load().ends(deleted, "Succeeded")
	f.Load().onceFromOutside(id, false)
}

func TestDeleteCancelsACreateWhoseWorkersAreKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, harness.Behaviour{Boot: time.Hour, Removal: 100 * time.Millisecond}, time.Second)
	id := clusterID("cancelled")
	created := f.must(harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location)})
	f.hook(func(p *harness.Process, _ harness.Line) { p.Shoot() })
	for deadline := time.Now().Add(operationTimeout); len(f.planes.Records()) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the control plane was never asked for")
		}
	}
	deleted := f.must(harness.Request{Method: http.MethodDelete, Path: id.String(), Version: harness.Newest})
	if deleted.Status != http.StatusAccepted {
		t.Fatal(deleted)
	}
	f.ends(deleted, "Succeeded")
	f.ends(created, "Canceled")
	f.noStepTwice()
	f.onceFromOutside(id, false)
}

func TestAWorkerThatSleptThroughItsLeaseChangesNothingMore(t *testing.T) {
	t.Parallel()
	// The worker is paused inside a call, and outside of any write: it would hold
	// SQLite's lock, which no store could recover. It is resumed when another worker
	// has just finished its step, and the operation continues at least until it has
	// noticed.
	var sleeper atomic.Pointer[harness.Process]
	call := newFirstCall()
	f := newFleet(t, 2, harness.Behaviour{OnCall: call.hold, Hold: func(provider.Spec) bool {
		p := sleeper.Load()
		return p == nil || !strings.Contains(p.Output(), "lease lost")
	}}, 4*time.Second)
	id := clusterID("sleeper")
	created := f.must(harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location)})
	asleep := f.inside(call)
	f.sleeps(asleep)
	f.database.still(t, func() {
		if err := asleep.Pause(); err != nil {
			t.Errorf("SIGSTOP: %v", err)
		}
	})
	sleeper.Store(asleep)
	var woken atomic.Bool
	f.hook(func(p *harness.Process, _ harness.Line) {
		if p != asleep && woken.CompareAndSwap(false, true) {
			if err := asleep.Resume(); err != nil {
				t.Errorf("SIGCONT: %v", err)
			}
		}
	})
	close(call.answered)
	f.ends(created, "Succeeded")
	if !woken.Load() {
		t.Error("the sleeper was never woken")
	}
	f.noStepTwice()
	f.onceFromOutside(id, true)
}

func TestAStoppedWorkerHandsItsClusterOverAtOnce(t *testing.T) {
	t.Parallel()
	const lease = 2 * operationTimeout // no test waits for it
	call := newFirstCall()
	f := newFleet(t, 2, harness.Behaviour{OnCall: call.hold}, lease)
	id := clusterID("handed-over")
	created := f.must(harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location)})
	if err := f.inside(call).Stop(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	close(call.answered) // without a reader
	f.ends(created, "Succeeded")
	f.noStepTwice()
	f.onceFromOutside(id, true)
}

// firstCall is the first call that the control planes get; its caller waits for
// the answer.
type firstCall struct {
	once           sync.Once
	made, answered chan struct{}
}

func newFirstCall() *firstCall {
	return &firstCall{made: make(chan struct{}), answered: make(chan struct{})}
}

func (c *firstCall) hold(string) {
	c.once.Do(func() {
		close(c.made)
		<-c.answered
	})
}

// inside waits for the first call, and returns the process that made it: that which
// finished the previous step.
func (f *fleet) inside(c *firstCall) *harness.Process {
	f.t.Helper()
	deadline := time.After(operationTimeout)
	select {
	case <-c.made:
	case <-deadline:
		f.t.Fatal("no control plane was called")
	}
	for { // its log line may come later
		if workers := f.workers(); len(workers) > 0 {
			return workers[0]
		}
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			f.t.Fatal("no step was finished before the call")
		}
	}
}

// ends waits until the operation that reply started is over, and checks its result.
func (f *fleet) ends(reply *harness.Reply, want string) {
	f.t.Helper()
	address, err := url.Parse(reply.Header.Get("Azure-AsyncOperation"))
	if err != nil || address.Path == "" {
		f.t.Fatalf("%s; want a header Azure-AsyncOperation", reply)
	}
	for deadline := time.Now().Add(operationTimeout); ; time.Sleep(30 * time.Millisecond) {
		status := f.must(harness.Request{Method: http.MethodGet, Path: address.RequestURI()})
		switch got := status.Text("status"); {
		case got == want:
			return
		case got == "Succeeded" || got == "Failed" || got == "Canceled" || status.Status != http.StatusOK:
			f.t.Fatalf("%s; want it to end %s", status, want)
		case time.Now().After(deadline):
			f.t.Fatalf("%s; not over after %s: %s", status, operationTimeout, f.explain(reply.Request.Path))
		}
	}
}

// explain returns the admin API's explanation of a cluster.
func (f *fleet) explain(path string) string {
	return f.must(harness.Request{Method: http.MethodGet, Path: "/admin" + path + "/explain"}).String()
}

func (f *fleet) noStepTwice() {
	f.t.Helper()
	for step, n := range f.finished() {
		if n > 1 {
			f.t.Errorf("operation and step %q finished %d times", step, n)
		}
	}
}

// onceFromOutside checks what was done to a cluster's control plane.
func (f *fleet) onceFromOutside(id arm.ClusterID, exists bool) {
	f.t.Helper()
	found := false
	for _, r := range f.planes.Records() {
		if r.Name == id.Name {
			found = true
			checkRecord(f.t, r, exists)
		}
	}
	if !found && exists {
		f.t.Errorf("%s has no control plane", id.Name)
	}
}

// checkRecord reports what is wrong with the record of a cluster that exists, or no
// longer exists.
func checkRecord(t *testing.T, r harness.Record, exists bool) {
	t.Helper()
	names := map[string]bool{}
	for _, s := range r.Specs {
		names[s.InfraID] = true
	}
	if r.Created != 1 || len(names) != 1 || names[""] {
		t.Errorf("control plane of %s was created %d times, with infra ids %v", r.Name, r.Created, names)
	}
	if r.AppliedLate > 0 {
		t.Errorf("control plane of %s was applied %d times after its removal began", r.Name, r.AppliedLate)
	}
	if r.Exists != exists || !exists && r.Removed != 1 {
		t.Errorf("control plane of %s: exists %v, removed %d times; want exists %v", r.Name, r.Exists, r.Removed, exists)
	}
}
