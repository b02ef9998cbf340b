package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/initialdata"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/harness"
)

const (
	// Subscription is registered in every Fixture.
	Subscription = "00000000-0000-0000-0000-0000000000a1"
	location     = "eastus"
)

// Fixture is a development server on a real store, with a registered subscription, and a
// client of both APIs. It takes what the server logs.
type Fixture struct {
	*harness.Client
	Store *store.Store
	HTTP  *httptest.Server

	t     testing.TB
	mu    sync.Mutex
	log   bytes.Buffer
	wakes int
}

// Write takes a line of the log.
func (w *Fixture) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// Logged is what the server logged so far.
func (w *Fixture) Logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// OpenStore opens a seeded store. Each wrap puts a driver around the last.
func OpenStore(t testing.TB, wraps ...func(store.Driver) store.Driver) *store.Store {
	t.Helper()
	var driver store.Driver
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrap := range wraps {
		driver = wrap(driver)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(driver, keys)
	t.Cleanup(func() { _ = st.Close() })
	if err := initialdata.Empty(t.Context(), st, nil); err != nil {
		t.Fatal(err)
	}
	return st
}

// Unserved is a fixture without a server yet: it takes what one logs.
func Unserved(t testing.TB) *Fixture { return &Fixture{t: t} }

// NewFixture makes a fixture that lasts until the test ends.
func NewFixture(t testing.TB, change ...func(*Options)) *Fixture {
	t.Helper()
	w := &Fixture{t: t, Store: OpenStore(t)}
	o := Options{HTTP: httpserver.Config{Registry: prometheus.NewRegistry()}}
	o.Config = server.Config{
		Store: w.Store, Build: "test", IdentityHosts: model.IdentityHosts{"identity.example.com"},
		Logger: slog.New(slog.NewJSONHandler(w, nil)),
		Wake:   func() { w.mu.Lock(); w.wakes++; w.mu.Unlock() },
	}
	for _, f := range change {
		f(&o)
	}
	w.Store = o.Store
	w.HTTP = httptest.NewServer(Must(t, o))
	t.Cleanup(w.HTTP.Close)
	w.Client = harness.NewClient(w.HTTP.URL, nil)
	w.Register(Subscription, model.Registered)
	return w
}

// Register sends a subscription's state as ARM does.
func (w *Fixture) Register(id string, state model.SubscriptionState) {
	w.t.Helper()
	r := w.Send("PUT", "/subscriptions/"+id, "2.0", harness.Object{"state": state, "properties": harness.Object{"tenantId": "00000000-0000-0000-0000-0000000000b1"}})
	if r.Status != 200 && r.Status != 201 {
		w.t.Fatal(r)
	}
}

// Send sends a request; headers come as name, value, name, value.
func (w *Fixture) Send(method, path, version string, body any, headers ...string) *harness.Reply {
	w.t.Helper()
	r := harness.Request{Method: method, Path: path, Version: version, Body: body, Header: map[string]string{}}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header[headers[i]] = headers[i+1]
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	reply, err := w.Do(ctx, r)
	if err != nil {
		w.t.Fatal(err)
	}
	if !reply.Declared() {
		w.t.Errorf("the api-version does not declare this status: %v", reply)
	}
	return reply
}

// Want fails unless the reply has the status.
func (w *Fixture) Want(status int, r *harness.Reply) *harness.Reply {
	w.t.Helper()
	if r.Status != status {
		w.t.Fatalf("want %d: %v", status, r)
	}
	return r
}

// WantError fails unless the reply is an error with this code.
func (w *Fixture) WantError(code arm.Code, r *harness.Reply) *harness.Reply {
	w.t.Helper()
	if r.Status != code.Status || r.Code() != code.Name || r.Message() == "" {
		w.t.Errorf("want %d %s: %v", code.Status, code.Name, r)
	}
	return r
}

// ClusterID is the id of a cluster in the fixture's subscription.
func ClusterID(name string) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: Subscription, ResourceGroup: "Group-1", Name: name}
}

// Create puts a cluster in this version.
func (w *Fixture) Create(version, name string) *harness.Reply {
	w.t.Helper()
	id := ClusterID(name)
	return w.Want(201, w.Send("PUT", id.String(), version, harness.Body(version, id, location)))
}

// Finish ends the running operation as a worker would.
func (w *Fixture) Finish(id arm.ClusterID, state model.ProvisioningState) {
	w.t.Helper()
	doc, err := w.Store.Clusters.Get(w.t.Context(), id.Partition(), id.Key())
	if err != nil {
		w.t.Fatal(err)
	}
	running, now := doc.Cluster.Internal.Operation, time.Now().UTC()
	if running == nil {
		w.t.Fatal("no operation runs")
		return
	}
	reason := ""
	_, err = w.Store.Operations.Update(w.t.Context(), running.ID, running.ID, func(op *store.OperationDocument) error {
		op.Operation.State, op.Operation.EndedAt = state, &now
		if state == model.Failed {
			reason = arm.OperationFailed.Name
			op.Operation.Error = &model.OperationError{Code: reason, Message: "The step failed."}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if running.Kind == model.Delete && state == model.Succeeded {
		if err := w.Store.Clusters.Delete(w.t.Context(), doc); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.Alter(id, func(doc *store.ClusterDocument) {
		doc.Cluster.End(state, reason, now)
		doc.Due = nil
		doc.Cluster.Internal.KubeadminPassword = "kubeadmin-password-canary"
		doc.Cluster.Internal.UserAdminKubeconfig = "kubeconfig-canary"
	})
}

// Alter changes the stored document of a cluster.
func (w *Fixture) Alter(id arm.ClusterID, change func(*store.ClusterDocument)) {
	w.t.Helper()
	_, err := w.Store.Clusters.Update(w.t.Context(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		change(doc)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// Ready creates a cluster and lets its create succeed.
func (w *Fixture) Ready(version, name string) arm.ClusterID {
	w.t.Helper()
	w.Create(version, name)
	w.Finish(ClusterID(name), model.Succeeded)
	return ClusterID(name)
}

// Woken returns how often workers were signalled.
func (w *Fixture) Woken() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wakes
}

// Audits are the lines that the log has for the audit.
func (w *Fixture) Audits(t testing.TB) []harness.Object {
	t.Helper()
	var lines []harness.Object
	for text := range strings.Lines(w.Logged()) {
		var line harness.Object
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line["msg"] == "audit" {
			lines = append(lines, line)
		}
	}
	return lines
}

// NewRawFixture returns a fixture with write access to the raw database.
func NewRawFixture(t testing.TB) (*Fixture, store.Driver) {
	t.Helper()
	var driver store.Driver
	st := OpenStore(t, func(k store.Driver) store.Driver { driver = k; return k })
	w := NewFixture(t, func(c *Options) { c.Store = st })
	return w, driver
}

// Poison puts raw JSON in the place of the cluster's content, or of a new cluster's.
func Poison(t testing.TB, k store.Driver, id arm.ClusterID, cluster string) {
	t.Helper()
	body := fmt.Sprintf(`{"id":%q,"partition":%q,"due":600,"cluster":%s}`, id.Key(), id.Partition(), cluster)
	clusters := store.Containers()[0]
	r := store.Record{Partition: id.Partition(), ID: id.Key(), Body: []byte(body)}
	old, err := k.Read(t.Context(), clusters, r.Partition, r.ID)
	if err == nil {
		r.ETag = old.ETag
		_, err = k.Replace(t.Context(), clusters, r)
	} else {
		_, err = k.Create(t.Context(), clusters, r)
	}
	if err != nil {
		t.Fatal(err)
	}
}
