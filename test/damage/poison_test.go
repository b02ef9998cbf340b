package damage

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/harness"
)

// TestDamagedClustersHoldUpNothing: with 20 of them in the same subscription clusters
// are created, changed, listed and deleted, and they are reported to engineers.
func TestDamagedClustersHoldUpNothing(t *testing.T) {
	const ill = 20
	s := newStage(t, func(s *stage) { s.poison(ill) })
	for _, name := range []string{"a", "b"} {
		if err := s.put(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "b"} {
		if err := s.await(name, "Succeeded"); err != nil {
			t.Fatal(err)
		}
	}
	s.eventually("the metric tells of each", func() bool {
		return strings.Contains(s.health("/metrics"), fmt.Sprintf(`aro_store_unreadable_documents_total{container="Clusters",met="due"} %d`, ill))
	})
	if s.health("/healthz/ready"); strings.Contains(s.worker.Output(), "canary") {
		t.Error("the log tells what stands in a document")
	}
	list := s.ask(harness.Request{Method: http.MethodGet, Path: "/admin/clusters?unreadable=true"})
	if got, _ := list.JSON["value"].([]any); len(got) != ill || strings.Contains(string(list.Body), "canary") {
		t.Errorf("the admin list has %d of %d: %s", len(got), ill, list)
	}

	s.tell("Deleted")
	for _, name := range []string{"a", "b"} {
		if err := s.await(name, "gone"); err != nil {
			t.Errorf("a deleted subscription: %v", err)
		}
	}
}

// TestARepairedClusterGoesOnAtOnce, though it was set aside for a minute.
func TestARepairedClusterGoesOnAtOnce(t *testing.T) {
	s := newStage(t, nil)
	ids := s.poison(1)
	s.eventually("it is set aside", func() bool {
		return strings.Contains(s.worker.Output(), `"msg":"document cannot be read","met":"due"`)
	})
	path := "/admin/documents/Clusters/" + ids[0].Partition() + "/" + strings.ReplaceAll(ids[0].Key(), "|", "%7C")
	r := s.ask(harness.Request{Method: http.MethodPatch, Path: path,
		Body: harness.Object{"cluster": harness.Object{"properties": harness.Object{"clusterProfile": nil}}}})
	if r.Status != http.StatusNoContent {
		t.Fatal(r)
	}
	s.eventually("a worker takes it", func() bool {
		return strings.Contains(s.worker.Output(), "document was due without an operation")
	})
}

var speed = flag.Bool("speed", false, "measure how fast clusters are created beside damaged documents, over five rounds of about ten seconds")

// TestDamageCostsNoSpeed compares how many clusters are created per second with 100
// damaged documents and with none. On a busy machine one round shows only that damage
// does not stop the others; with -speed the median of five long rounds, in alternating
// order, must be at least 0.95. A round has to be long: all damaged documents are
// postponed in its first tenth of a second.
func TestDamageCostsNoSpeed(t *testing.T) {
	rounds, creates, want := 1, 300, 0.3
	if *speed {
		rounds, creates, want = 5, 3000, 0.95
	}
	var ratios []float64
	for round := range rounds {
		rate := map[int]float64{}
		for i := range 2 {
			damaged := 100 * ((round + i) % 2)
			t.Run(fmt.Sprintf("round %d, %d damaged", round, damaged), func(t *testing.T) {
				rate[damaged] = createsPerSecond(t, damaged, creates)
			})
		}
		ratios = append(ratios, rate[100]/rate[0])
		t.Logf("creates per second: %.1f beside none, %.1f beside 100 damaged documents", rate[0], rate[100])
	}
	if got := median(ratios); got < want {
		t.Errorf("the median ratio is %.3f, want at least %.2f", got, want)
	} else {
		t.Logf("median ratio %.3f", got)
	}
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func createsPerSecond(t *testing.T, damaged, creates int) float64 {
	const clients = 8
	s := newStage(t, func(s *stage) { s.poison(damaged) })
	began := time.Now()
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for i := client; i < creates; i += clients {
				if err := s.put(fmt.Sprintf("c%d", i)); err != nil {
					t.Error(err)
					return
				}
			}
			for i := client; i < creates; i += clients {
				if err := s.await(fmt.Sprintf("c%d", i), "Succeeded"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return float64(creates) / time.Since(began).Seconds()
}
