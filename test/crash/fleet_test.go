package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	location     = "eastus"
	// stepDone is the worker's log line for a step that was recorded as finished.
	stepDone = "step done"
)

// binary is built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(path string) { binary = path }))
}

// fleet is some processes on one store. Whichever dies is replaced at once.
type fleet struct {
	t        *testing.T
	database database
	planes   *harness.ControlPlanes
	options  harness.Options

	mu    sync.Mutex
	alive []*harness.Process
	// started are all that have logged anything, shot those that shootAll has killed: they
	// work before their address is known, and they are alive.
	started []*harness.Process
	shot    map[*harness.Process]bool
	clients map[*harness.Process]*harness.Client
	// done counts the lines of finished steps by operation and step; doneBy are the
	// processes that wrote them, each once.
	done   map[string]int
	doneBy []*harness.Process
	onDone func(*harness.Process, harness.Line)

	stopping chan struct{}
	drivers  sync.WaitGroup
}

func newFleet(t *testing.T, size int, b harness.Behaviour, lease time.Duration) *fleet {
	t.Helper()
	return newFleetOn(t, inFile(t), size, b, lease)
}

func newFleetOn(t *testing.T, d database, size int, b harness.Behaviour, lease time.Duration) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	f := &fleet{t: t, database: d, planes: harness.NewControlPlanes(t, b),
		clients: map[*harness.Process]*harness.Client{}, shot: map[*harness.Process]bool{}, done: map[string]int{}, stopping: make(chan struct{})}
	f.options = harness.Options{Binary: binary, Store: d.flag, ControlPlanes: f.planes.Address,
		Lease: lease, Poll: 100 * time.Millisecond, OnLine: f.line, Args: d.args}
	for range size {
		f.drivers.Add(1)
		first := f.launch(f.options)
		go f.keep(first)
	}
	t.Cleanup(f.halt)
	f.register()
	return f
}

// keep replaces a process whenever it dies, until the fleet stops.
func (f *fleet) keep(p *harness.Process) {
	defer f.drivers.Done()
	for p != nil {
		<-p.Exited()
		p.CheckSound(f.t)
		f.mu.Lock()
		delete(f.clients, p)
		f.alive = without(f.alive, p)
		f.mu.Unlock()
		select {
		case <-f.stopping:
			return
		default:
			p = f.launch(f.options)
		}
	}
}

func without(all []*harness.Process, gone *harness.Process) []*harness.Process {
	var rest []*harness.Process
	for _, p := range all {
		if p != gone {
			rest = append(rest, p)
		}
	}
	return rest
}

func (f *fleet) launch(o harness.Options) *harness.Process {
	p, err := harness.Launch(o)
	if err != nil && f.isShot(p) {
		return f.launch(o)
	}
	if err != nil {
		select {
		case <-f.stopping:
		default:
			f.t.Errorf("a process could not be replaced: %v", err)
		}
		return nil
	}
	f.mu.Lock()
	f.alive = append(f.alive, p)
	f.clients[p] = harness.NewClient(p.URL, nil)
	f.mu.Unlock()
	select {
	case <-f.stopping: // and may have missed this one
		p.Shoot()
	default:
	}
	return p
}

// halt ends all processes.
func (f *fleet) halt() {
	select {
	case <-f.stopping:
	default:
		close(f.stopping)
	}
	f.mu.Lock()
	all := f.alive
	f.mu.Unlock()
	for _, p := range all {
		p.Kill()
	}
	f.drivers.Wait()
}

// retire stops all processes as an operator would, and fails if one does not go well.
func (f *fleet) retire() {
	f.t.Helper()
	close(f.stopping)
	f.mu.Lock()
	all := f.alive
	f.mu.Unlock()
	for _, p := range all {
		if err := p.Stop(); err != nil {
			f.t.Errorf("SIGTERM: %v", err)
		}
	}
	f.drivers.Wait()
}

func (f *fleet) isShot(p *harness.Process) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shot[p]
}

func (f *fleet) line(p *harness.Process, line harness.Line) {
	f.mu.Lock()
	if !slices.Contains(f.started, p) {
		f.started = append(f.started, p)
	}
	f.mu.Unlock()
	if line.Message() != stepDone {
		return
	}
	operation, step := line.Attr("operation_id"), line.Attr("step")
	if operation == "" || step == "" {
		f.t.Errorf("a log line of a finished step does not say which: %s", line.Text)
	}
	f.mu.Lock()
	f.done[operation+" "+step]++
	if !slices.Contains(f.doneBy, p) {
		f.doneBy = append(f.doneBy, p)
	}
	hook := f.onDone
	f.mu.Unlock()
	if hook != nil {
		hook(p, line)
	}
}

func (f *fleet) hook(onDone func(*harness.Process, harness.Line)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onDone = onDone
}

// finished is how often each step of each operation was finished.
func (f *fleet) finished() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]int{}
	for step, n := range f.done {
		all[step] = n
	}
	return all
}

// steps is how many steps were finished so far.
func (f *fleet) steps() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.done)
}

// workers are the processes that finished a step, in the order of their first.
func (f *fleet) workers() []*harness.Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.doneBy)
}

// sleeps keeps requests away from a process that is paused.
func (f *fleet) sleeps(p *harness.Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.clients, p)
}

// shootAll kills every process there is.
func (f *fleet) shootAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.started {
		f.shot[p] = true
		p.Shoot()
	}
}

func (f *fleet) any() *harness.Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.alive) == 0 {
		return nil
	}
	return f.alive[rand.IntN(len(f.alive))]
}

var errNoAnswer = errors.New("no answer")

// patience is how long a request may go without an answer while processes die.
const patience = 60 * time.Second

// do sends a request to some process until one answers below 500. The request
// may be carried out more than once: that is what callers of a dying service do.
func (f *fleet) do(r harness.Request) (*harness.Reply, error) {
	deadline := time.Now().Add(patience)
	for ; time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		p := f.any()
		if p == nil {
			continue
		}
		f.mu.Lock()
		client := f.clients[p]
		f.mu.Unlock()
		if client == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		reply, err := client.Do(ctx, r)
		cancel()
		if err == nil && reply.Status < 500 {
			return reply, nil
		}
	}
	return nil, fmt.Errorf("%w to %s %s within %s", errNoAnswer, r.Method, r.Path, patience)
}

func (f *fleet) must(r harness.Request) *harness.Reply {
	f.t.Helper()
	reply, err := f.do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	return reply
}

func (f *fleet) register() {
	f.t.Helper()
	reply := f.must(harness.Request{Method: http.MethodPut, Path: "/subscriptions/" + subscription, Version: "2.0",
		Body: harness.Object{"state": "Registered", "properties": harness.Object{"tenantId": "00000000-0000-0000-0000-0000000000b1"}}})
	if reply.Status != http.StatusOK && reply.Status != http.StatusCreated {
		f.t.Fatal(reply)
	}
}

func clusterID(name string) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "crash", Name: name}
}

// secret returns a PATCH that starts work, marked by a tag.
func secret(salt string) harness.Object {
	return harness.Object{"tags": harness.Object{"patched": salt},
		"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": "secret-" + salt}}}
}
