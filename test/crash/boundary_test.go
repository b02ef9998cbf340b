package crash

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/stand"
)

// operationTimeout bounds one operation that is interrupted at every step.
const operationTimeout = 60 * time.Second

func TestAWorkerKilledAfterAnyStepIsReplacedAndNoStepRunsAgain(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, stand.Behaviour{Boot: 300 * time.Millisecond, Removal: 300 * time.Millisecond}, time.Second)
	f.hook(func(p *stand.Process, _ stand.Line) { p.Shoot() })
	id := clusterID("boundary")
	for _, step := range []struct {
		name    string
		request stand.Request
		want    int
		steps   int // at least so many boundaries
	}{
		{"create", stand.Request{Method: http.MethodPut, Body: stand.Body(stand.Newest, id, location)}, http.StatusCreated, 5},
		{"update", stand.Request{Method: http.MethodPatch, Body: secret("1")}, http.StatusOK, 3},
		{"delete", stand.Request{Method: http.MethodDelete}, http.StatusAccepted, 2},
	} {
		before := len(f.finished())
		step.request.Path, step.request.Version = id.String(), stand.Newest
		reply := f.must(step.request)
		if reply.Status != step.want {
			t.Fatalf("%s: %s", step.name, reply)
		}
		f.ends(reply, "Succeeded")
		if kills := len(f.finished()) - before; kills < step.steps {
			t.Errorf("%s: killed at %d boundaries, want at least %d", step.name, kills, step.steps)
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
	b := stand.Behaviour{Boot: 200 * time.Millisecond, OnCall: func(string) {
		// The first, third, … call of a step dies with all workers; the next gets through.
		if f := f.Load(); f != nil && calls.Add(1)%2 == 1 {
			f.shootAll()
		}
	}}
	f.Store(newFleet(t, 2, b, time.Second))
	id := clusterID("inside")
	created := f.Load().must(stand.Request{Method: http.MethodPut, Path: id.String(), Version: stand.Newest, Body: stand.Body(stand.Newest, id, location)})
	f.Load().ends(created, "Succeeded")
	deleted := f.Load().must(stand.Request{Method: http.MethodDelete, Path: id.String(), Version: stand.Newest})
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
	b := stand.Behaviour{OnCall: func(method string) {
		if f := f.Load(); f != nil && method == http.MethodPut {
			f.shootAll()
		}
	}}
	f.Store(newFleet(t, 2, b, time.Second))
	id := clusterID("poison")
	created := f.Load().must(stand.Request{Method: http.MethodPut, Path: id.String(), Version: stand.Newest, Body: stand.Body(stand.Newest, id, location)})
	f.Load().ends(created, "Failed")
	address, _ := url.Parse(created.Header.Get("Azure-AsyncOperation"))
	if status := f.Load().must(stand.Request{Method: http.MethodGet, Path: address.RequestURI()}); status.Code() != "TooManyAttempts" {
		t.Errorf("%s; want code TooManyAttempts", status)
	}
	got := f.Load().must(stand.Request{Method: http.MethodGet, Path: id.String(), Version: stand.Newest})
	if state := got.Text("properties.provisioningState"); state != "Failed" {
		t.Errorf("state is %s, want Failed", state)
	}
	if changed := f.Load().must(stand.Request{Method: http.MethodPatch, Path: id.String(), Version: stand.Newest, Body: secret("x")}); changed.Code() != "RequestNotAllowed" {
		t.Errorf("%s; want RequestNotAllowed", changed)
	}
	deleted := f.Load().must(stand.Request{Method: http.MethodDelete, Path: id.String(), Version: stand.Newest})
	f.Load().ends(deleted, "Succeeded")
	f.Load().onceFromOutside(id, false)
}

func TestDeleteCancelsACreateWhoseWorkersAreKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, stand.Behaviour{Boot: time.Hour, Removal: 100 * time.Millisecond}, time.Second)
	id := clusterID("cancelled")
	created := f.must(stand.Request{Method: http.MethodPut, Path: id.String(), Version: stand.Newest, Body: stand.Body(stand.Newest, id, location)})
	f.hook(func(p *stand.Process, _ stand.Line) { p.Shoot() })
	for deadline := time.Now().Add(operationTimeout); len(f.planes.Records()) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the control plane was never asked for")
		}
	}
	deleted := f.must(stand.Request{Method: http.MethodDelete, Path: id.String(), Version: stand.Newest})
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
	// The first step's worker falls asleep while it waits for the slow answer to the
	// second, well before its heartbeat: asleep inside a write it would also keep
	// SQLite's lock, which no store could help. It wakes when another worker has just
	// finished that second step, and the operation still goes on.
	const lease, latency = 4 * time.Second, time.Second
	f := newFleet(t, 2, stand.Behaviour{Latency: latency, Boot: lease}, lease)
	var sleeper atomic.Pointer[stand.Process]
	var woken atomic.Bool
	f.hook(func(p *stand.Process, _ stand.Line) {
		switch {
		case sleeper.CompareAndSwap(nil, p):
			f.sleeps(p)
			time.Sleep(latency / 4)
			if err := p.Pause(); err != nil {
				t.Errorf("SIGSTOP: %v", err)
			}
		case p != sleeper.Load() && woken.CompareAndSwap(false, true):
			if err := sleeper.Load().Resume(); err != nil {
				t.Errorf("SIGCONT: %v", err)
			}
		}
	})
	id := clusterID("sleeper")
	created := f.must(stand.Request{Method: http.MethodPut, Path: id.String(), Version: stand.Newest, Body: stand.Body(stand.Newest, id, location)})
	f.ends(created, "Succeeded")
	if !woken.Load() {
		t.Error("the sleeper was never woken")
	}
	f.noStepTwice()
	f.onceFromOutside(id, true)
}

func TestAStoppedWorkerHandsItsClusterOverAtOnce(t *testing.T) {
	t.Parallel()
	const lease = 2 * time.Minute // waiting for it would be too long
	f := newFleet(t, 2, stand.Behaviour{Latency: 1500 * time.Millisecond}, lease)
	first := make(chan *stand.Process, 1)
	var last atomic.Pointer[stand.Process]
	f.hook(func(p *stand.Process, _ stand.Line) {
		last.Store(p)
		select {
		case first <- p:
		default:
		}
	})
	id := clusterID("handed-over")
	created := f.must(stand.Request{Method: http.MethodPut, Path: id.String(), Version: stand.Newest, Body: stand.Body(stand.Newest, id, location)})
	// The first step is done: its worker is now inside the slow second one.
	select {
	case p := <-first:
		if err := p.Stop(); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
		f.ends(created, "Succeeded") // operationTimeout is half of the lease
		if last.Load() == p {
			t.Error("the stopped worker finished the operation itself: nothing was handed over")
		}
	case <-time.After(operationTimeout):
		t.Fatal("no step was finished")
	}
	f.noStepTwice()
	f.onceFromOutside(id, true)
}

// ends waits until the operation that reply began is over, and judges how.
func (f *fleet) ends(reply *stand.Reply, want string) {
	f.t.Helper()
	address, err := url.Parse(reply.Header.Get("Azure-AsyncOperation"))
	if err != nil || address.Path == "" {
		f.t.Fatalf("%s; want a header Azure-AsyncOperation", reply)
	}
	for deadline := time.Now().Add(operationTimeout); ; time.Sleep(30 * time.Millisecond) {
		status := f.must(stand.Request{Method: http.MethodGet, Path: address.RequestURI()})
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

// explain is what the admin API tells about a cluster.
func (f *fleet) explain(path string) string {
	return f.must(stand.Request{Method: http.MethodGet, Path: "/admin" + path + "/explain"}).String()
}

func (f *fleet) noStepTwice() {
	f.t.Helper()
	for step, n := range f.finished() {
		if n > 1 {
			f.t.Errorf("operation and step %q finished %d times", step, n)
		}
	}
}

// onceFromOutside judges what was done to a cluster's control plane.
func (f *fleet) onceFromOutside(id arm.ClusterID, exists bool) {
	f.t.Helper()
	found := false
	for _, r := range f.planes.Records() {
		if r.Name == id.Name {
			found = true
			judge(f.t, r, exists)
		}
	}
	if !found && exists {
		f.t.Errorf("%s has no control plane", id.Name)
	}
}

// judge says what is wrong with the record of a cluster that exists, or does not
// any more.
func judge(t *testing.T, r stand.Record, exists bool) {
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
