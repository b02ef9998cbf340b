package harness

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/simulated/provider"
)

// Behaviour is the behaviour of the control planes of a test.
type Behaviour struct {
	// Boot is from the first Apply until everything is ready; Removal from the
	// first Remove until nothing is left.
	Boot, Removal time.Duration
	// Latency is how long every Apply takes to answer.
	Latency time.Duration
	// OnCall is called with the HTTP method after a call took effect and before it
	// is answered: the moment at which a caller cannot know what happened.
	OnCall func(method string)
	// Hold keeps clusters from getting ready while it returns true.
	Hold func(provider.Spec) bool
	// Refuse selects clusters that can never be created.
	Refuse func(provider.Spec) bool
	// Kubeconfig and Password are what ready clusters hand out. Empty means
	// something made up from the cluster's id.
	Kubeconfig, Password string
}

// ControlPlanes provides control planes that exist only as records: the other
// side of the interface of test/simulated. It outlives the processes it serves and
// remembers what they did to it.
type ControlPlanes struct {
	// Address is the value for --control-planes.
	Address string

	behaviour Behaviour
	mu        sync.Mutex
	planes    map[string]*plane
}

// Record is what was done to one cluster's control plane.
type Record struct {
	ID, Name string
	// Created counts changes from nothing to something; Applied all Applies.
	Created, Applied int
	// Specs are the distinct specs in the order they came.
	Specs []provider.Spec
	// Removed counts changes from something to nothing.
	Removed int
	// AppliedLate counts Applies after a Remove.
	AppliedLate int
	// Exists is true if something exists now.
	Exists bool
}

type plane struct {
	record         Record
	ready, removed time.Time // when it happened; zero before
}

// NewControlPlanes serves on a socket until the test ends.
func NewControlPlanes(t testing.TB, b Behaviour) *ControlPlanes {
	t.Helper()
	c, stop, err := ServeControlPlanes(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return c
}

// ServeControlPlanes is NewControlPlanes for callers outside of tests.
func ServeControlPlanes(b Behaviour) (*ControlPlanes, func(), error) {
	dir, err := os.MkdirTemp("", "planes") // short: socket paths are limited
	if err != nil {
		return nil, nil, fmt.Errorf("control planes: %w", err)
	}
	path := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, nil, fmt.Errorf("control planes: %w", err)
	}
	c := &ControlPlanes{Address: "unix:" + path, behaviour: b, planes: map[string]*plane{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /clusters/{id}", c.apply)
	mux.HandleFunc("GET /clusters/{id}", c.get)
	mux.HandleFunc("DELETE /clusters/{id}", c.remove)
	server := &http.Server{Handler: c.interrupted(mux), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	stop := func() {
		_ = server.Close()
		_ = os.RemoveAll(dir)
	}
	return c, stop, nil
}

// HandOut changes what ready clusters hand out from now on.
func (c *ControlPlanes) HandOut(kubeconfig string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behaviour.Kubeconfig = kubeconfig
}

// Records are what was done so far, ordered by id.
func (c *ControlPlanes) Records() []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Record
	for _, p := range c.planes {
		c.settle(p)
		r := p.record
		r.Specs = slices.Clone(r.Specs)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// interrupted holds answers back until OnCall has returned.
func (c *ControlPlanes) interrupted(next http.Handler) http.Handler {
	if c.behaviour.OnCall == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		c.behaviour.OnCall(r.Method)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (c *ControlPlanes) apply(w http.ResponseWriter, r *http.Request) {
	var spec provider.Spec
	if err := json.NewDecoder(r.Body).Decode(&spec); err != nil || spec.ID != r.PathValue("id") {
		http.Error(w, `{"error":"not a spec of this cluster"}`, http.StatusBadRequest)
		return
	}
	if c.behaviour.Refuse != nil && c.behaviour.Refuse(spec) {
		http.Error(w, `{"error":"no machines for this cluster"}`, http.StatusUnprocessableEntity)
		return
	}
	time.Sleep(c.behaviour.Latency)
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.planes[spec.ID]
	if p == nil {
		p = &plane{record: Record{ID: spec.ID, Name: spec.Name}}
		c.planes[spec.ID] = p
	}
	c.settle(p)
	p.record.Applied++
	if !p.removed.IsZero() {
		p.record.AppliedLate++
	}
	if !p.record.Exists {
		p.record.Exists, p.record.Created = true, p.record.Created+1
		p.ready, p.removed = time.Now().Add(c.behaviour.Boot), time.Time{}
	}
	if n := len(p.record.Specs); n == 0 || !equal(p.record.Specs[n-1], spec) {
		p.record.Specs = append(p.record.Specs, spec)
	}
	c.answer(w, p)
}

func (c *ControlPlanes) get(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.planes[r.PathValue("id")]
	if p != nil {
		c.settle(p)
	}
	if p == nil || !p.record.Exists {
		http.NotFound(w, r)
		return
	}
	c.answer(w, p)
}

func (c *ControlPlanes) remove(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.planes[r.PathValue("id")]
	if p != nil && p.record.Exists && p.removed.IsZero() {
		p.removed = time.Now().Add(c.behaviour.Removal)
	}
	if p != nil {
		c.settle(p)
	}
	if p == nil || !p.record.Exists {
		http.NotFound(w, r)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// settle lets a removal that is over come true.
func (c *ControlPlanes) settle(p *plane) {
	if p.record.Exists && !p.removed.IsZero() && !time.Now().Before(p.removed) {
		p.record.Exists, p.record.Removed = false, p.record.Removed+1
	}
}

func (c *ControlPlanes) answer(w http.ResponseWriter, p *plane) {
	spec := p.record.Specs[len(p.record.Specs)-1]
	status := provider.Status{NodesWanted: spec.Masters.Count, Message: "starting"}
	for _, pool := range spec.Workers {
		status.NodesWanted += pool.Count
	}
	held := c.behaviour.Hold != nil && c.behaviour.Hold(spec)
	if !held && !time.Now().Before(p.ready) {
		status.APIServerReady, status.Message = true, ""
		status.NodesReady = status.NodesWanted
		status.APIServerURL = "https://127.0.0.1:6443"
		status.APIServerIP, status.IngressIP = "127.0.0.1", "127.0.0.1"
		status.ConsoleURL = "https://console-openshift-console.apps." + spec.Domain + "/"
		status.AdminKubeconfig = []byte(or(c.behaviour.Kubeconfig, kubeconfig(spec.ID)))
		status.KubeadminPassword = or(c.behaviour.Password, "password-of-"+spec.ID)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(status)
}

// kubeconfig is shaped like one, so that clients can read it.
func kubeconfig(id string) string {
	return "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: " +
		base64.StdEncoding.EncodeToString([]byte(id)) + "\n"
}

func equal(a, b provider.Spec) bool {
	workers := slices.Equal(a.Workers, b.Workers)
	a.Workers, b.Workers = nil, nil
	return workers && fmt.Sprint(a) == fmt.Sprint(b)
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
