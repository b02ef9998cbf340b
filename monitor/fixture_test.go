package monitor

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

const (
	patience     = 30 * time.Second
	subscription = "00000000-0000-0000-0000-0000000000a1"
)

// newStore is a store on a database that others may open, too.
func newStore(t *testing.T) *store.Store {
	t.Helper()
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(driver, keys)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func clusterID(name string) arm.ClusterID {
	id, _ := arm.ParseClusterID("/subscriptions/" + subscription + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/" + name)
	return id
}

// create makes the document of a cluster that is reached at server.
func create(t *testing.T, s *store.Store, name, server string, change ...func(*model.Cluster)) *store.ClusterDocument {
	t.Helper()
	doc := store.NewCluster(clusterID(name))
	c := &doc.Cluster
	c.ID, c.Name, c.Location = clusterID(name).String(), name, "eastus"
	c.Properties.ProvisioningState = model.Succeeded
	c.Internal.UID = "uid-of-" + name + "-" + t.Name()
	c.Internal.PrivateEndpointIP = "127.0.0.1"
	c.Internal.ServiceKubeconfig = model.Secret(kubeconfig(server))
	for _, f := range change {
		f(c)
	}
	check(t, s.Clusters.Create(t.Context(), doc))
	return doc
}

func kubeconfig(server string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"u","user":{"token":"x"}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x"}`, server)
}

// register makes the subscription of all clusters known.
func register(t *testing.T, s *store.Store, state model.SubscriptionState) {
	t.Helper()
	_, err := s.Subscriptions.Upsert(t.Context(), subscription, subscription, func() *store.SubscriptionDocument { return store.NewSubscription(subscription) },
		func(doc *store.SubscriptionDocument) error { doc.Subscription.State = state; return nil })
	check(t, err)
}

// stub is an API server that counts looks: each begins with its health.
type stub struct {
	*httptest.Server
	mu    sync.Mutex
	looks []time.Time
}

// newStub answers nothing but its health, after a while if hang says so.
func newStub(t *testing.T, hang time.Duration) *stub {
	t.Helper()
	s := &stub{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			s.mu.Lock()
			s.looks = append(s.looks, time.Now())
			s.mu.Unlock()
		}
		if hang > 0 {
			timer := time.NewTimer(hang)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
				return
			}
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/healthz"):
			_, _ = w.Write([]byte("ok"))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s
}

func (s *stub) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.looks)
}

// recorder counts what is emitted, by name and cluster.
type recorder struct {
	mu sync.Mutex
	n  map[string]int
}

func (r *recorder) EmitGauge(name string, _ int64, dims map[string]string) { r.note(name, dims) }

func (r *recorder) EmitFloat(name string, _ float64, dims map[string]string) { r.note(name, dims) }

func (r *recorder) note(name string, dims map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = map[string]int{}
	}
	if err := metrics.Undeclared(name, dims); err != nil {
		panic(err)
	}
	id := dims["resourceId"]
	r.n[strings.TrimSpace(name+" "+id[strings.LastIndexByte(id, '/')+1:])]++
}

func (r *recorder) count(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n[name]
}

// start runs a monitor until the test or stop ends it.
func start(t *testing.T, cfg Config) (m *Monitor, stop func()) {
	t.Helper()
	if cfg.Feed == 0 {
		cfg.Feed = 20 * time.Millisecond
	}
	if cfg.Lease == 0 {
		cfg.Lease = 2 * time.Second
	}
	m, err := New(cfg)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the monitor ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("the monitor does not end")
		}
	})
	t.Cleanup(stop)
	return m, stop
}

// must reads a document.
func must[T any](t *testing.T, get func(context.Context, string, string) (*T, error), partition, id string) *T {
	t.Helper()
	doc, err := get(t.Context(), partition, id)
	check(t, err)
	return doc
}
