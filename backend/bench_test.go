package backend_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// BenchmarkRecordedSteps measures how many steps a second a process records
// durably, over many clusters at once.
func BenchmarkRecordedSteps(b *testing.B) {
	const each = 20
	db := newDatabase(b)
	s, _ := db.connect(b)
	var all sync.WaitGroup
	var list []pipeline.Step
	for i := range each {
		list = append(list, step(fmt.Sprint("step ", i), func(context.Context, *pipeline.Work) error {
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
		model.Create: {step("only", func(context.Context, *pipeline.Work) error { all.Done(); return nil })}})})
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
				Plans: plans(steps{model.Create: {step("first", func(context.Context, *pipeline.Work) error { begun <- time.Now(); return nil })}})})
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
