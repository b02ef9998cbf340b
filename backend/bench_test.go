package backend_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// BenchmarkRecordedSteps measures how many steps a second a process records
// durably, over many clusters at once.
func BenchmarkRecordedSteps(b *testing.B) {
	const each = 20
	db := newDatabase(b)
	s, _ := db.connect(b)
	var all sync.WaitGroup
	var list []backend.ClusterStep
	for i := range each {
		list = append(list, step(fmt.Sprint("step ", i), func(context.Context, *backend.ClusterWork) error {
			if i == each-1 {
				all.Done()
			}
			return nil
		}))
	}
	var docs []*store.ClusterDocument
	for i := range (b.N + each - 1) / each {
		all.Add(1)
		docs = append(docs, request(b, s, fmt.Sprintf("00000000-0000-0000-0000-%012d", i%50), fmt.Sprint("c", i)))
	}
	b.ResetTimer()
	w := db.work(b, backend.Config{Log: slog.New(slog.DiscardHandler), Plans: plans(steps{model.Create: list})})
	w.Wake()
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(len(docs)*each)/b.Elapsed().Seconds(), "steps/s")
}

// BenchmarkOperations measures whole operations of one step under a backlog.
func BenchmarkOperations(b *testing.B) {
	db := newDatabase(b)
	s, _ := db.connect(b)
	var all sync.WaitGroup
	all.Add(b.N)
	for i := range b.N {
		request(b, s, fmt.Sprintf("00000000-0000-0000-0000-%012d", i%50), fmt.Sprint("c", i))
	}
	b.ResetTimer()
	w := db.work(b, backend.Config{Log: slog.New(slog.DiscardHandler), Plans: plans(steps{
		model.Create: {step("only", func(context.Context, *backend.ClusterWork) error { all.Done(); return nil })}})})
	w.Wake()
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "operations/s")
}

// BenchmarkPickup measures the time from the write of a new cluster to its first
// step, in the process that wrote it and in another one.
func BenchmarkPickup(b *testing.B) {
	for name, wakes := range map[string]bool{"same process": true, "other process": false} {
		b.Run(name, func(b *testing.B) {
			db := newDatabase(b)
			s, _ := db.connect(b)
			begun := make(chan time.Time, 1)
			w := db.work(b, backend.Config{PollInterval: time.Second, Log: slog.New(slog.DiscardHandler),
				Plans: plans(steps{model.Create: {step("first", func(context.Context, *backend.ClusterWork) error { begun <- time.Now(); return nil })}})})
			var delays []time.Duration
			b.ResetTimer()
			for i := range b.N {
				request(b, s, subscription, fmt.Sprint("c", i))
				written := time.Now()
				if wakes {
					w.Wake()
				}
				delays = append(delays, (<-begun).Sub(written))
			}
			slices.Sort(delays)
			b.ReportMetric(float64(delays[len(delays)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkWaiting measures what clusters cost that only wait, and how soon new work
// is picked up beside them. Each is looked at every 10 s.
func BenchmarkWaiting(b *testing.B) {
	b.Run("10000", func(b *testing.B) { measureWaiting(b, 10_000) })
}

func measureWaiting(b *testing.B, n int) {
	const gap, news = 10 * time.Second, 100 * time.Millisecond
	db := newDatabase(b)
	s, _ := db.connect(b)
	var waiting sync.Map
	var looks atomic.Int64
	begun := make(chan time.Time, 1)
	w := db.work(b, backend.Config{PollInterval: time.Second, Log: slog.New(slog.DiscardHandler),
		Plans: plans(steps{model.Create: {{Name: "waits", Timeout: time.Hour, Do: func(_ context.Context, w *backend.ClusterWork) error {
			if strings.HasPrefix(w.Resource().Name, "new") {
				begun <- time.Now()
				return nil
			}
			looks.Add(1)
			waiting.Store(w.Resource().Name, true)
			return wait.Later(gap, "a sign")
		}}}})})
	var requests sync.WaitGroup
	slots := make(chan struct{}, 50)
	for i := range n {
		slots <- struct{}{}
		requests.Go(func() {
			large(b, s, fmt.Sprintf("00000000-0000-0000-0000-%012d", i%50), fmt.Sprint("c", i))
			<-slots
		})
	}
	requests.Wait()
	w.Wake()
	for seen := 0; seen < n; time.Sleep(100 * time.Millisecond) {
		seen = 0
		waiting.Range(func(any, any) bool { seen++; return true })
	}
	time.Sleep(6 * gap) // until each lease has been renewed before
	b.ResetTimer()
	bytes, cpu, before := written(b), processorTime(b), looks.Load()
	time.Sleep(3 * gap)
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(written(b)-bytes)/seconds/1e6, "MB/s")
	b.ReportMetric((processorTime(b)-cpu).Seconds()/seconds, "cores")
	b.ReportMetric(float64(looks.Load()-before)/seconds, "looks/s")
	var delays []time.Duration
	for i := range int(3 * gap / news) {
		request(b, s, "00000000-0000-0000-0000-000000000099", fmt.Sprint("new", i))
		at := time.Now()
		w.Wake()
		delays = append(delays, (<-begun).Sub(at))
		time.Sleep(max(0, news-time.Since(at)))
	}
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds())/1000, "p99-ms")
}

// large requests a cluster whose document has the size of one that is being made, 3.4 kB.
func large(b *testing.B, s *store.Store, subscription, name string) {
	doc := request(b, s, subscription, name)
	_, err := s.Clusters.Update(b.Context(), doc.Partition, doc.ID, func(d *store.ClusterDocument) error {
		d.Cluster.Tags = map[string]string{"pad": strings.Repeat("x", 2500)}
		return nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		b.Error(err)
	}
}

// written is how many bytes the process has written so far.
func written(b *testing.B) (bytes int64) {
	b.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip(err)
	}
	for line := range strings.Lines(string(io)) {
		if rest, ok := strings.CutPrefix(line, "wchar: "); ok {
			bytes, err = strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return bytes
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
