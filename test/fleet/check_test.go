package fleet

import (
	"log/slog"
	"testing"
	"time"

	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/openshift"
)

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
		at, err := access.Open("127.0.0.1", 2)
		if err != nil {
			b.Fatal(err)
		}
		l := &collectors.Look{Cluster: &collectors.Cluster{ResourceID: "/subscriptions/s/resourcegroups/g/providers/microsoft.redhatopenshift/openshiftclusters/c", Domain: "c.example"},
			API: at, Emit: metrics.Discard{}, Log: slog.New(slog.DiscardHandler), Now: time.Now}
		if err := l.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		at.Close()
	}
}
