package bench

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/harness"
)

// BenchmarkPickup measures from the answer to a create until its first step has
// begun, in the process that answered and in another one.
func BenchmarkPickup(b *testing.B) {
	b.Run("one-process", func(b *testing.B) {
		path := b.TempDir() + "/aro.db"
		planes := harness.NewControlPlanes(b, harness.Behaviour{Boot: time.Hour})
		measurePickup(b, path, start(b, harness.Options{Store: "sqlite:" + path, ControlPlanes: planes.Address}))
	})
	b.Run("two-processes", func(b *testing.B) {
		path := b.TempDir() + "/aro.db"
		planes := harness.NewControlPlanes(b, harness.Behaviour{Boot: time.Hour})
		front := start(b, harness.Options{Store: "sqlite:" + path, Args: []string{"--backend=false"}})
		start(b, harness.Options{Store: "sqlite:" + path, ControlPlanes: planes.Address}) // its API is not used
		measurePickup(b, path, front)
	})
}

const (
	// pickups are created in one measurement, and then one begins every pickupPace
	// on average, at no moment that a poll could fall in step with.
	pickups    = 200
	pickupPace = 20 * time.Millisecond
)

func measurePickup(b *testing.B, path string, p *harness.Process) {
	c := newCaller(p)
	c.register(b)
	d := openAt(b, path)
	var delays []time.Duration
	for b.Loop() {
		first := len(delays)
		answered := createPaced(b, c, first)
		for i, at := range answered {
			delays = append(delays, max(0, d.firstStep(b, first+i).Sub(at)))
		}
	}
	slices.Sort(delays)
	b.ReportMetric(milliseconds(delays[len(delays)/2]), "p50-ms")
	b.ReportMetric(milliseconds(delays[len(delays)*99/100]), "p99-ms")
	b.ReportMetric(milliseconds(delays[len(delays)-1]), "max-ms")
}

// createPaced creates clusters from number first on and returns when each was answered.
func createPaced(b *testing.B, c *caller, first int) []time.Time {
	answered := make([]time.Time, pickups)
	var creates sync.WaitGroup
	for i := range answered {
		creates.Go(func() {
			id := clusterID(first + i)
			status, err := c.send(http.MethodPut, path(id), createBody(b, id))
			if answered[i] = time.Now(); err != nil || status != http.StatusCreated {
				b.Errorf("a create answered %d: %v", status, err)
			}
		})
		time.Sleep(rand.N(2 * pickupPace))
	}
	creates.Wait()
	return answered
}

// firstStep is when the first step of the cluster's create began.
func (d *database) firstStep(b *testing.B, n int) time.Time {
	b.Helper()
	id := clusterID(n)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		doc, err := d.store.Clusters.View(b.Context(), id.Partition(), id.Key())
		if err != nil {
			b.Fatal(err)
		}
		if op := doc.Cluster.Internal.Operation; op != nil && len(op.Finished) > 0 {
			return op.Finished[0].StartedAt
		}
	}
	b.Fatalf("cluster %d was not picked up", n)
	return time.Time{}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
