package server_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = edge.Subscription
	location     = "eastus"
	newest       = harness.Newest
	oldest       = harness.Oldest
)

// fixture is an edge.Fixture with short names.
type fixture struct {
	*edge.Fixture
	t     testing.TB
	store *store.Store
}

func newFixture(t testing.TB, change ...func(*edge.Options)) *fixture {
	t.Helper()
	w := edge.NewFixture(t, change...)
	return &fixture{w, t, w.Store}
}

func openStore(t testing.TB, wraps ...func(store.Driver) store.Driver) *store.Store {
	t.Helper()
	return edge.OpenStore(t, wraps...)
}

func clusterID(name string) arm.ClusterID { return edge.ClusterID(name) }

func (w *fixture) subscription(id string, state model.SubscriptionState) {
	w.t.Helper()
	w.Register(id, state)
}

func (w *fixture) do(method, path, version string, body any, headers ...string) *harness.Reply {
	w.t.Helper()
	return w.Send(method, path, version, body, headers...)
}

func (w *fixture) want(status int, r *harness.Reply) *harness.Reply {
	w.t.Helper()
	return w.Want(status, r)
}

func (w *fixture) wantError(code arm.Code, r *harness.Reply) *harness.Reply {
	w.t.Helper()
	return w.WantError(code, r)
}

func (w *fixture) create(version, name string) *harness.Reply {
	w.t.Helper()
	return w.Create(version, name)
}

func (w *fixture) finish(id arm.ClusterID, state model.ProvisioningState) {
	w.t.Helper()
	w.Finish(id, state)
}

func (w *fixture) alter(id arm.ClusterID, change func(*store.ClusterDocument)) {
	w.t.Helper()
	w.Alter(id, change)
}

func (w *fixture) ready(version, name string) arm.ClusterID {
	w.t.Helper()
	return w.Ready(version, name)
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func newID() string { return uuid.NewString() }

func lower(s string) string { return strings.ToLower(s) }
