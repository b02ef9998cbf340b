package simulated_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/simulated"
	"github.com/aro-rp/aro/test/simulated/provider"
)

// BenchmarkWritesOfACreate counts what a create writes into the cluster's document, by how
// long its machines take to boot.
func BenchmarkWritesOfACreate(b *testing.B) {
	for _, boot := range []time.Duration{0, time.Minute} {
		b.Run(fmt.Sprint("boot-", boot), func(b *testing.B) { measureWrites(b, boot) })
	}
}

func measureWrites(b *testing.B, boot time.Duration) {
	k, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "aro.db"))
	if err != nil {
		b.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		b.Fatal(err)
	}
	count := &counting{Driver: k}
	s := &service{t: b, store: store.New(count, keys)}
	b.Cleanup(func() { s.store.Close() })
	s.worker, err = backend.New(backend.Config{Store: s.store, Log: slog.New(slog.DiscardHandler),
		Plans: simulated.Plans(simulated.Dependencies{Machines: &booting{boot: boot}, Billing: s.store.Billing, Build: "build-1"})})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.worker.Run(ctx) }()
	for b.Loop() {
		doc := s.create()
		for running := true; running; time.Sleep(20 * time.Millisecond) {
			now, err := s.store.Clusters.Get(b.Context(), doc.Partition, doc.ID)
			if err != nil {
				b.Fatal(err)
			}
			running = now.Cluster.Internal.Operation != nil
			if state := now.Cluster.Properties.ProvisioningState; !running && state != model.Succeeded {
				b.Fatalf("the cluster is %s", state)
			}
		}
		now, err := s.store.Clusters.Get(b.Context(), doc.Partition, doc.ID)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.store.Clusters.Delete(b.Context(), now); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(count.writes.Load())/float64(b.N), "writes")
	b.ReportMetric(float64(count.bytes.Load())/float64(b.N)/1000, "body-kB")
	stop()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// counting counts the writes to documents of clusters, and the bytes of bodies in them.
type counting struct {
	store.Driver
	writes, bytes atomic.Int64
}

func (k *counting) count(c *store.Container, body []byte) {
	if c.Name == "Clusters" {
		k.writes.Add(1)
		k.bytes.Add(int64(len(body)))
	}
}

func (k *counting) Create(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	k.count(c, r.Body)
	return k.Driver.Create(ctx, c, r)
}

func (k *counting) Replace(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	k.count(c, r.Body)
	return k.Driver.Replace(ctx, c, r)
}

func (k *counting) Postpone(ctx context.Context, c *store.Container, r store.Record, after time.Duration) (store.Record, error) {
	k.count(c, nil)
	return k.Driver.Postpone(ctx, c, r, after)
}

// booting are machines that need their time.
type booting struct {
	boot time.Duration

	spec  provider.Spec
	began time.Time
}

func (m *booting) Apply(ctx context.Context, s provider.Spec) (provider.Status, error) {
	m.spec = s
	if m.began.IsZero() {
		m.began = time.Now()
	}
	return m.Get(ctx, s.ID)
}

func (m *booting) Get(context.Context, string) (provider.Status, error) {
	s := provider.Status{NodesWanted: m.spec.Masters.Count, Message: "booting"}
	for _, w := range m.spec.Workers {
		s.NodesWanted += w.Count
	}
	if time.Since(m.began) < m.boot {
		return s, nil
	}
	s.APIServerReady, s.APIServerURL, s.APIServerIP, s.Message = true, "https://127.0.0.1:6443/", "127.0.0.1", ""
	s.ConsoleURL, s.IngressIP, s.NodesReady = "https://console/", "127.0.0.2", s.NodesWanted
	s.AdminKubeconfig, s.KubeadminPassword = []byte(canary), canary
	return s, nil
}

func (m *booting) Remove(context.Context, string) (bool, error) { return true, nil }
