package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/initialdata"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	location     = "eastus"
	newest       = harness.Newest
	oldest       = harness.Oldest
)

// world is a server on a real store, with a registered subscription.
type world struct {
	t     testing.TB
	store *store.Store
	http  *httptest.Server
	*harness.Client

	mu    sync.Mutex
	log   bytes.Buffer
	wakes int
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// openStore opens a seeded store. Each wrap puts a driver around the last.
func openStore(t testing.TB, wraps ...func(store.Driver) store.Driver) *store.Store {
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

func newWorld(t testing.TB, change ...func(*edge.Options)) *world {
	t.Helper()
	w := &world{t: t, store: openStore(t)}
	o := edge.Options{HTTP: httpserver.Config{Registry: prometheus.NewRegistry()}}
	o.Config = server.Config{
		Store: w.store, Build: "test", IdentityHosts: model.IdentityHosts{"identity.example.com"},
		Logger: slog.New(slog.NewJSONHandler(w, nil)),
		Wake:   func() { w.mu.Lock(); w.wakes++; w.mu.Unlock() },
	}
	for _, f := range change {
		f(&o)
	}
	w.http = httptest.NewServer(edge.Must(t, o))
	t.Cleanup(w.http.Close)
	w.Client = harness.NewClient(w.http.URL, nil)
	w.subscription(subscription, model.Registered)
	return w
}

func (w *world) subscription(id string, state model.SubscriptionState) {
	w.t.Helper()
	r := w.do("PUT", "/subscriptions/"+id, "2.0", harness.Object{"state": state, "properties": harness.Object{"tenantId": "00000000-0000-0000-0000-0000000000b1"}})
	if r.Status != 200 && r.Status != 201 {
		w.t.Fatal(r)
	}
}

// do sends a request; headers come as name, value, name, value.
func (w *world) do(method, path, version string, body any, headers ...string) *harness.Reply {
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

// want fails unless the reply has the status.
func (w *world) want(status int, r *harness.Reply) *harness.Reply {
	w.t.Helper()
	if r.Status != status {
		w.t.Fatalf("want %d: %v", status, r)
	}
	return r
}

// wantError fails unless the reply is an error with this code.
func (w *world) wantError(code arm.Code, r *harness.Reply) *harness.Reply {
	w.t.Helper()
	if r.Status != code.Status || r.Code() != code.Name || r.Message() == "" {
		w.t.Errorf("want %d %s: %v", code.Status, code.Name, r)
	}
	return r
}

func clusterID(name string) arm.ClusterID {
	return arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "Group-1", Name: name}
}

// create puts a cluster in the words of the version.
func (w *world) create(version, name string) *harness.Reply {
	w.t.Helper()
	id := clusterID(name)
	return w.want(201, w.do("PUT", id.String(), version, harness.Body(version, id, location)))
}

// finish ends the running operation as a worker would.
func (w *world) finish(id arm.ClusterID, state model.ProvisioningState) {
	w.t.Helper()
	doc, err := w.store.Clusters.Get(w.t.Context(), id.Partition(), id.Key())
	if err != nil {
		w.t.Fatal(err)
	}
	running, now := doc.Cluster.Internal.Operation, time.Now().UTC()
	if running == nil {
		w.t.Fatal("no operation runs")
		return
	}
	reason := ""
	_, err = w.store.Operations.Update(w.t.Context(), running.ID, running.ID, func(op *store.OperationDocument) error {
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
		if err := w.store.Clusters.Delete(w.t.Context(), doc); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.alter(id, func(doc *store.ClusterDocument) {
		doc.Cluster.End(state, reason, now)
		doc.Due = nil
		doc.Cluster.Internal.KubeadminPassword = "kubeadmin-password-canary"
		doc.Cluster.Internal.UserAdminKubeconfig = "kubeconfig-canary"
	})
}

func (w *world) alter(id arm.ClusterID, change func(*store.ClusterDocument)) {
	w.t.Helper()
	_, err := w.store.Clusters.Update(w.t.Context(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		change(doc)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// ready creates a cluster and lets its create succeed.
func (w *world) ready(version, name string) arm.ClusterID {
	w.t.Helper()
	w.create(version, name)
	w.finish(clusterID(name), model.Succeeded)
	return clusterID(name)
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func newID() string { return uuid.NewString() }

func lower(s string) string { return strings.ToLower(s) }
