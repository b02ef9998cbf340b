package bench

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/harness"
)

// few and many are the numbers of clusters that growth is measured between.
const (
	few  = 1_000
	many = 100_000
)

// BenchmarkGrowth compares what many clusters cost with what few do, the baseline.
func BenchmarkGrowth(b *testing.B) {
	for _, test := range []struct {
		name string
		run  func(b *testing.B, d *database, n int)
	}{
		{"GET", func(b *testing.B, d *database, n int) {
			s, i := d.server(b), 0
			serve(b, s, http.StatusOK, func() *http.Request {
				i++
				return again("GET", path(clusterID(i*7919%n)))()
			})
		}},
		{"LIST", func(b *testing.B, d *database, _ int) { serve(b, d.server(b), http.StatusOK, again("GET", listPath())) }},
		{"due", func(b *testing.B, d *database, n int) { d.offer(b, n/2); d.due(b) }},
		{"claim", func(b *testing.B, d *database, n int) { d.offer(b, n/2); d.claims(b) }},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.Run("baseline", func(b *testing.B) { test.run(b, openWarm(b, filled(b, few)), few) })
			b.Run(fmt.Sprint(many), func(b *testing.B) { test.run(b, openWarm(b, filled(b, many)), many) })
		})
	}
}

// openWarm opens a database of which the operating system has every page at hand:
// what grows is to be measured, not the disk.
func openWarm(b *testing.B, path string) *database {
	b.Helper()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(io.Discard, file); err != nil {
		b.Fatal(err)
	}
	return openAt(b, path)
}

// offer makes one cluster due, and no other.
func (d *database) offer(b *testing.B, n int) {
	b.Helper()
	doc := cluster(b, clusterID(n))
	// A copy, whose secrets cannot be opened, makes way for a cluster whose can.
	copied, err := d.driver.Read(b.Context(), clustersContainer(), doc.Partition, doc.ID)
	if err != nil {
		b.Fatal(err)
	}
	if err := d.driver.Delete(b.Context(), clustersContainer(), doc.Partition, doc.ID, copied.ETag); err != nil {
		b.Fatal(err)
	}
	doc.Due, doc.Owner = store.Due(0), ""
	if err := d.store.Clusters.Create(b.Context(), doc); err != nil {
		b.Fatal(err)
	}
}

// due looks for work as a worker does.
func (d *database) due(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		docs, _, err := d.store.Clusters.Due(b.Context(), 1, 200)
		if err != nil || len(docs) != 1 {
			b.Fatalf("%d clusters are due: %v", len(docs), err)
		}
	}
}

// claims finds the due cluster, claims it and releases it, durably.
func (d *database) claims(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		docs, _, err := d.store.Clusters.Due(b.Context(), 1, 200)
		if err != nil || len(docs) != 1 {
			b.Fatalf("%d clusters are due: %v", len(docs), err)
		}
		lease, err := d.store.Clusters.Claim(b.Context(), docs[0], "worker", time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if err := lease.Release(b.Context(), func(*store.ClusterDocument) error { return store.ErrUnchanged }, new(time.Duration)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory reports how much memory a process has resident that serves
// many clusters, after many requests.
func BenchmarkMemory(b *testing.B) {
	source := filled(b, many)
	for b.Loop() {
		p := start(b, harness.Options{Store: "sqlite:" + source, Args: []string{"--backend=false"}})
		c := newCaller(p)
		const gets, lists = 20_000, 500
		var callers sync.WaitGroup
		for client := range clients {
			callers.Go(func() {
				for i := client; i < gets+lists; i += clients {
					target := path(clusterID(i * 7919 % many))
					if i >= gets {
						target = listPath()
					}
					if status, err := c.send(http.MethodGet, target, nil); err != nil || status != http.StatusOK {
						b.Errorf("GET %s answered %d: %v", target, status, err)
						return
					}
				}
			})
		}
		callers.Wait()
		b.ReportMetric(c.resident(b), "MiB-resident")
		if err := p.Stop(); err != nil {
			b.Fatal(err)
		}
	}
}

// resident is the process's resident memory in MiB, by its own metrics.
func (c *caller) resident(b *testing.B) float64 {
	b.Helper()
	answer, err := c.http.Get(c.base + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "process_resident_memory_bytes "); ok {
			bytes, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			return bytes / (1 << 20)
		}
	}
	b.Fatal("the metrics do not tell the resident memory")
	return 0
}

// filled is the path of a database with n clusters. It is filled once and kept
// until the process ends, as filling takes long.
func filled(b *testing.B, n int) string {
	b.Helper()
	path := filepath.Join(scratch, strconv.Itoa(n), "aro.db")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	d := openAt(b, path)
	d.register(b, subscription)
	d.fill(b, n)
	return path
}
