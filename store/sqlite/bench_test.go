package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/storetest"
)

func benchStore(b *testing.B) *store.Store {
	b.Helper()
	s, err := openStore(b.Context(), filepath.Join(b.TempDir(), "aro.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// fill creates n clusters with many writers at once.
func fill(b *testing.B, s *store.Store, n int) {
	b.Helper()
	var next atomic.Int64
	errs := make(chan error, 128)
	for range cap(errs) {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					errs <- nil
					return
				}
				if err := s.Clusters.Create(context.Background(), storetest.SampleCluster(i)); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkStore(b *testing.B) {
	s := benchStore(b)
	fill(b, s, 1000)
	doc := storetest.SampleCluster(500)
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := s.Clusters.Get(b.Context(), doc.Partition, doc.ID)
			must(b, err)
		}
	})
	b.Run("Get parallel", func(b *testing.B) {
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				_, err := s.Clusters.Get(b.Context(), doc.Partition, doc.ID)
				must(b, err)
			}
		})
	})
	b.Run("List 100", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			page, _, err := s.Clusters.List(b.Context(), store.Query{Partition: doc.Partition, Limit: 100})
			must(b, err)
			if len(page) != 100 {
				b.Fatalf("%d documents", len(page))
			}
		}
	})
	var next atomic.Int64
	next.Store(1000)
	b.Run("Create", func(b *testing.B) {
		for b.Loop() {
			must(b, s.Clusters.Create(b.Context(), storetest.SampleCluster(int(next.Add(1)))))
		}
	})
	b.Run("Create parallel 32", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				must(b, s.Clusters.Create(b.Context(), storetest.SampleCluster(int(next.Add(1)))))
			}
		})
	})
	b.Run("Update", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Clusters.Update(b.Context(), doc.Partition, doc.ID, raiseOne)
			must(b, err)
		}
	})
	b.Run("Save parallel 32", func(b *testing.B) { // recorded steps of 32 clusters at once
		var worker atomic.Int64
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			mine, err := s.Clusters.Get(b.Context(), doc.Partition, storetest.SampleCluster(int(worker.Add(1))).ID)
			must(b, err)
			lease, err := s.Clusters.Claim(b.Context(), mine, "bench", time.Minute)
			must(b, err)
			for p.Next() {
				must(b, lease.Save(b.Context(), raiseOne))
			}
		})
	})
}

func raiseOne(c *store.ClusterDocument) error {
	c.Cluster.Internal.Revision++
	return nil
}

// BenchmarkGrowth shows that reads cost the same however many clusters there are.
func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		if n > 1000 && testing.Short() {
			continue
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := benchStore(b)
			fill(b, s, n)
			b.Run("Get", func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					doc := storetest.SampleCluster(i * 7919 % n)
					_, err := s.Clusters.Get(b.Context(), doc.Partition, doc.ID)
					must(b, err)
				}
			})
			b.Run("List 100", func(b *testing.B) {
				partition := storetest.SampleCluster(n - 1).Partition
				for b.Loop() {
					_, _, err := s.Clusters.List(b.Context(), store.Query{Partition: partition, Limit: 100})
					must(b, err)
				}
			})
			b.Run("Due none", func(b *testing.B) {
				for b.Loop() {
					_, _, err := s.Clusters.Due(b.Context(), 2, 20)
					must(b, err)
				}
			})
			b.Run("Due and claim", func(b *testing.B) { claimAll(b, s, n) })
			b.Run("Due among all due", func(b *testing.B) { dueAmongAll(b, s, n) })
		})
	}
}

// claimAll has 20 clusters due and measures finding and claiming one.
func claimAll(b *testing.B, s *store.Store, n int) {
	for i := range 20 {
		doc := storetest.SampleCluster(i * (n / 20))
		_, err := s.Clusters.Update(b.Context(), doc.Partition, doc.ID, func(c *store.ClusterDocument) error {
			c.Due = store.Due(0)
			return nil
		})
		must(b, err)
	}
	again := time.Duration(0)
	for b.Loop() {
		docs, _, err := s.Clusters.Due(b.Context(), 20, 20)
		must(b, err)
		lease, err := s.Clusters.Claim(b.Context(), docs[0], "bench", time.Minute)
		must(b, err)
		must(b, lease.Release(b.Context(), func(*store.ClusterDocument) error { return store.ErrUnchanged }, &again))
	}
}

// dueAmongAll measures the worst case: everything is due.
func dueAmongAll(b *testing.B, s *store.Store, n int) {
	if os.Getenv("ARO_BENCH_ALL_DUE") == "" {
		b.Skip("set ARO_BENCH_ALL_DUE: it rewrites all documents")
	}
	for i := range n {
		doc := storetest.SampleCluster(i)
		_, err := s.Clusters.Update(b.Context(), doc.Partition, doc.ID, func(c *store.ClusterDocument) error {
			if c.Due != nil {
				return store.ErrUnchanged
			}
			c.Due = store.Due(0)
			return nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		docs, _, err := s.Clusters.Due(b.Context(), 2, 20)
		must(b, err)
		if len(docs) != 20 && n > 20_000 {
			b.Fatalf("%d are due", len(docs))
		}
	}
}
