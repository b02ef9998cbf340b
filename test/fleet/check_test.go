package fleet

import (
	"log/slog"
	"testing"
	"time"

	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/openshift"
)

// check looks at a cluster once.
func check(t testing.TB, access *openshift.Access) {
	t.Helper()
	at, err := access.Open("127.0.0.1", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	l := &collectors.Look{Cluster: &collectors.Cluster{ResourceID: "/subscriptions/s/resourcegroups/g/providers/microsoft.redhatopenshift/openshiftclusters/c", Domain: "c.example"},
		API: at, Emit: metrics.Discard{}, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	if err := l.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestACheckTakesTwoConnections of which one is for the forwarded port, and leaves none open.
func TestACheckTakesTwoConnections(t *testing.T) {
	api := apiServers(t)
	access, err := openshift.ReadKubeconfig([]byte(api.kubeconfig("well", "one")))
	if err != nil {
		t.Fatal(err)
	}
	const checks = 3
	for range checks {
		check(t, access)
	}
	if n := api.accepted.Load(); n != 2*checks {
		t.Errorf("%d checks take %d connections", checks, n)
	}
	for deadline := time.Now().Add(patience); api.connections.Load() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections stay open", api.connections.Load())
		}
	}
}

// BenchmarkCheck is one check of a cluster, from the connection to the last metric. The
// stub of the API server runs in the same process.
func BenchmarkCheck(b *testing.B) {
	api := apiServers(b)
	access, err := openshift.ReadKubeconfig([]byte(api.kubeconfig("well", "one")))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		check(b, access)
	}
}
