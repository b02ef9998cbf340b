package rp

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

// emitted keeps the values of metrics.
type emitted struct {
	metrics.Discard
	mu     sync.Mutex
	values map[string]int64
	after  func()
}

func (e *emitted) EmitGauge(name string, value int64, dims map[string]string) {
	if err := metrics.Undeclared(name, dims); err != nil {
		panic(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.values[name+" "+dims["resourceId"]] = value
	e.after()
}

func TestClustersThatWaitAndMaintenanceAreEmitted(t *testing.T) {
	k, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(k, keys)
	for _, name := range []string{"waits", "waits-too", "later"} {
		doc := store.NewCluster(arm.ClusterID{SubscriptionID: "s", ResourceGroup: "g", Name: name})
		if doc.Due = store.Due(0); name == "later" {
			doc.Due = nil
		}
		if err := s.Clusters.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	e := &emitted{values: map[string]int64{}}
	e.after = func() {
		if len(e.values) == 2 {
			end()
		}
	}
	if err := heartbeat(ctx, e, "build", s); err != nil {
		t.Fatal(err)
	}
	service.Maintenance(e)(ctx, "/c")
	if e.values["database.openshiftclusters.queue.length "] != 2 || e.values["frontend.maintenance.unplanned /c"] != 1 {
		t.Errorf("emitted: %v, want a queue of 2 and maintenance of /c", e.values)
	}
}
