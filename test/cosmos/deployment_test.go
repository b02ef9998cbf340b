package cosmos

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store/cosmos/cosmostest"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	location     = "eastus"
	// limit bounds a whole test, lease how long a killed worker's cluster rests.
	limit = 2 * time.Minute
	lease = 3 * time.Second
)

// binary is built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(path string) { binary = path }))
}

// deployment is an empty account and the processes on it.
type deployment struct {
	*testing.T
	ctx     context.Context
	options harness.Options
	planes  *harness.ControlPlanes

	mu sync.Mutex
	// done counts the finished steps by operation and step, workers by process.
	done    map[string]int
	workers map[*harness.Process]int
	onDone  func(*harness.Process)
}

func newDeployment(t *testing.T, b harness.Behaviour) *deployment {
	t.Helper()
	endpoint, key := cosmostest.Start(t)
	t.Setenv("ARO_COSMOS_KEY", key) // as an operator hands it over: no command line shows it
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	d := &deployment{T: t, ctx: ctx, planes: harness.NewControlPlanes(t, b),
		done: map[string]int{}, workers: map[*harness.Process]int{}}
	d.options = harness.Options{Binary: binary, Store: "cosmos:" + endpoint + "?database=aro",
		Lease: lease, Poll: 200 * time.Millisecond, OnLine: d.line,
		Args: []string{"--location", location, "--encryption-keys", filepath.Join(t.TempDir(), "keys")}}
	return d
}

func (d *deployment) line(p *harness.Process, line harness.Line) {
	if line.Message() != "step done" {
		return
	}
	d.mu.Lock()
	d.done[line.Attr("operation_id")+" "+line.Attr("step")]++
	d.workers[p]++
	hook := d.onDone
	d.mu.Unlock()
	if hook != nil {
		hook(p)
	}
}

// whole starts a process that does everything.
func (d *deployment) whole() *site {
	o := d.options
	o.ControlPlanes = d.planes.Address
	return d.site(harness.Start(d, o))
}

// servers starts processes that only serve, at the same moment.
func (d *deployment) servers(n int) []*site {
	d.Helper()
	o := d.options
	o.Args = append([]string{"--no-backend"}, o.Args...)
	sites, failures := make([]*site, n), make([]error, n)
	var starts sync.WaitGroup
	for i := range n {
		starts.Go(func() {
			var p *harness.Process
			if p, failures[i] = harness.Launch(o); p != nil {
				d.Cleanup(func() { p.Kill(); p.CheckSound(d) })
				sites[i] = d.site(p)
			}
		})
	}
	starts.Wait()
	for _, err := range failures {
		if err != nil {
			d.Fatal(err)
		}
	}
	return sites
}

// backend starts a process that only works.
func (d *deployment) backend(args ...string) *harness.Process {
	d.Helper()
	o := d.options
	o.BackendOnly, o.ControlPlanes = true, d.planes.Address
	o.Args = append(args, o.Args...)
	return harness.Start(d, o)
}

// steps is how many steps p has finished.
func (d *deployment) steps(p *harness.Process) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.workers[p]
}

// doneOnce fails the test if a step was finished twice, or if a control plane was.
func (d *deployment) doneOnce(clusters int) {
	d.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for step, n := range d.done {
		if n != 1 {
			d.Errorf("operation and step %q finished %d times", step, n)
		}
	}
	records := d.planes.Records()
	if len(records) != clusters {
		d.Errorf("%d control planes were made for %d clusters", len(records), clusters)
	}
	for _, r := range records {
		infra := map[string]bool{}
		for _, s := range r.Specs {
			infra[s.InfraID] = true
		}
		if r.Created != 1 || len(infra) != 1 || r.AppliedLate > 0 || !r.Exists && r.Removed != 1 {
			d.Errorf("control plane of %s: created %d times as %v, removed %d times, applied %d times after that",
				r.Name, r.Created, infra, r.Removed, r.AppliedLate)
		}
	}
}

// exist fails the test unless exactly these clusters have a control plane.
func (d *deployment) exist(want ...arm.ClusterID) {
	d.Helper()
	names := map[string]bool{}
	for _, id := range want {
		names[id.Name] = true
	}
	for _, r := range d.planes.Records() {
		if r.Exists != names[r.Name] {
			d.Errorf("control plane of %s exists: %v, want %v", r.Name, r.Exists, names[r.Name])
		}
		delete(names, r.Name)
	}
	for name := range names {
		d.Errorf("%s has no control plane", name)
	}
}

// site is one process that serves.
type site struct {
	*deployment
	process *harness.Process
	client  *harness.Client
}

func (d *deployment) site(p *harness.Process) *site {
	return &site{d, p, harness.NewClient(p.URL, nil)}
}

// send sends a request in the newest api-version, unless the path has one.
func (s *site) send(method, path string, body any, header ...string) *harness.Reply {
	s.Helper()
	r := harness.Request{Method: method, Path: path, Version: harness.Newest, Body: body, Header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = header[i+1]
	}
	reply, err := s.client.Do(s.ctx, r)
	if err != nil {
		s.Errorf("no answer: %v", err)
		return &harness.Reply{Request: r}
	}
	return reply
}

// want is send for requests with one valid response.
func (s *site) want(status int, method, path string, body any, header ...string) *harness.Reply {
	s.Helper()
	reply := s.send(method, path, body, header...)
	if reply.Status != status {
		s.Fatalf("%s; want %d", reply, status)
	}
	return reply
}

func (s *site) register() {
	s.Helper()
	reply, err := s.client.Do(s.ctx, harness.Request{Method: http.MethodPut, Path: "/subscriptions/" + subscription, Version: "2.0",
		Body: harness.Object{"state": "Registered", "properties": harness.Object{"tenantId": "00000000-0000-0000-0000-0000000000b1"}}})
	if err != nil || reply.Status != http.StatusCreated {
		s.Fatal(reply, err)
	}
}

func (s *site) create(id arm.ClusterID) *harness.Reply {
	s.Helper()
	return s.want(http.StatusCreated, http.MethodPut, id.String(), harness.Body(harness.Newest, id, location))
}

// settles waits until the cluster is Succeeded.
func (s *site) settles(id arm.ClusterID) *harness.Reply {
	s.Helper()
	for {
		reply := s.want(http.StatusOK, http.MethodGet, id.String(), nil)
		switch reply.Text("properties.provisioningState") {
		case "Succeeded":
			return reply
		case "Failed":
			s.Fatal(reply)
		}
		s.pause(reply)
	}
}

// gone waits until the cluster does not exist.
func (s *site) gone(id arm.ClusterID) {
	s.Helper()
	for {
		reply := s.send(http.MethodGet, id.String(), nil)
		if reply.Status == http.StatusNotFound {
			return
		}
		s.pause(reply)
	}
}

func (s *site) pause(last *harness.Reply) {
	s.Helper()
	select {
	case <-s.ctx.Done():
		s.Fatalf("not within %s; last was %s; %s", limit, last, s.explain(last.Request.Path))
	case <-time.After(100 * time.Millisecond):
	}
}

// explain returns the admin API's explanation of a cluster.
func (s *site) explain(path string) string {
	reply, err := s.client.Do(s.Context(), harness.Request{Method: http.MethodGet, Path: "/admin" + path + "/explain"})
	if err != nil {
		return err.Error()
	}
	return reply.String()
}

func clusterID(group, name string) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: subscription, ResourceGroup: group, Name: name}
}
