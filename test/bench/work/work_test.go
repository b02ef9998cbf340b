package work

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000b1"
	clusters     = "/subscriptions/" + subscription + "/resourceGroups/group/providers/Microsoft.RedHatOpenShift/openShiftClusters"
	version      = "?api-version=2023-11-22"
	// finished is how many clusters there are, more than a list shows at a time.
	finished = 400
)

// database has 400 finished clusters in one group.
type database struct {
	// size of the file.
	size    int64
	store   *store.Store
	handler http.Handler
}

func open(b *testing.B) *database {
	b.Helper()
	path := filepath.Join(b.TempDir(), "aro.db")
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	must(b, err)
	connect := func() *store.Store {
		driver, err := sqlite.Open(b.Context(), path)
		must(b, err)
		return store.New(driver, keys)
	}
	s := connect()
	fill(b, s)
	must(b, s.Close()) // which moves everything into the one file
	file, err := os.Stat(path)
	must(b, err)
	d := &database{size: file.Size(), store: connect()}
	b.Cleanup(func() { _ = d.store.Close() })
	d.handler = handler(b, d.store)
	return d
}

func fill(b *testing.B, s *store.Store) {
	b.Helper()
	registered := store.NewSubscription(subscription)
	registered.Subscription.State = model.Registered
	must(b, s.Subscriptions.Create(b.Context(), registered))
	var writers sync.WaitGroup
	for n := range finished {
		writers.Go(func() {
			if err := s.Clusters.Create(b.Context(), cluster(n)); err != nil {
				b.Error(err)
			}
		})
	}
	writers.Wait()
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// sink is a response writer that keeps nothing but the status.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

func (d *database) send(b *testing.B, verb, target string, body []byte) {
	r := httptest.NewRequestWithContext(b.Context(), verb, target, bytes.NewReader(body))
	r.Host = "localhost"
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w := sink{header: http.Header{}, status: http.StatusOK}
	d.handler.ServeHTTP(&w, r)
	if w.status != http.StatusOK {
		b.Fatalf("%s %s: %d", verb, target, w.status)
	}
}

// timed reports the processor time of an operation, which other programs on the
// machine disturb less than its duration. Call what it returns at the end.
func timed(b *testing.B) func() {
	b.ReportAllocs()
	before := cpuTime()
	return func() { b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op") }
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails on bad arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkGET(b *testing.B) {
	d := open(b)
	defer timed(b)()
	for i := 0; b.Loop(); i++ {
		d.send(b, "GET", fmt.Sprintf("%s/%s%s", clusters, name(i%finished), version), nil)
	}
}

func BenchmarkLIST(b *testing.B) {
	d := open(b)
	defer timed(b)()
	for b.Loop() {
		d.send(b, "GET", clusters+version, nil)
	}
}

// BenchmarkPATCH changes the tags of a cluster, durably.
func BenchmarkPATCH(b *testing.B) {
	d := open(b)
	defer timed(b)()
	for i := 0; b.Loop(); i++ {
		d.send(b, "PATCH", fmt.Sprintf("%s/%s%s", clusters, name(i%finished), version), fmt.Appendf(nil, `{"tags":{"change":"%d"}}`, i))
	}
}

// BenchmarkStep records progress of a leased cluster, durably, and reports what that
// writes to the disk. It reports what a cluster takes of the file, too.
func BenchmarkStep(b *testing.B) {
	d := open(b)
	doc, err := d.store.Clusters.Get(b.Context(), subscription, "group|"+name(0))
	must(b, err)
	lease, err := d.store.Clusters.Claim(b.Context(), doc, "bench", time.Hour)
	must(b, err)
	before, report := written(b), timed(b)
	for b.Loop() {
		must(b, lease.Save(context.Background(), func(c *store.ClusterDocument) error {
			c.Cluster.Internal.Revision++
			return nil
		}))
	}
	report()
	b.ReportMetric(float64(written(b)-before)/float64(b.N), "written-B/op")
	b.ReportMetric(float64(d.size)/finished, "file-B/cluster")
}

// written is how many bytes the process has written to files so far.
func written(b *testing.B) (n int64) {
	b.Helper()
	text, err := os.ReadFile("/proc/self/io")
	must(b, err)
	_, found, _ := bytes.Cut(text, []byte("wchar: "))
	if _, err := fmt.Sscan(string(found), &n); err != nil {
		b.Fatal(err)
	}
	return n
}
