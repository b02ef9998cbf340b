package store_test

import (
	"context"
	"testing"

	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/storetest"
)

// memory is a driver that always reads the same record and writes nothing, so
// that only the codec is measured.
type memory struct {
	store.Driver
	record store.Record
}

func (m *memory) Read(context.Context, *store.Container, string, string) (store.Record, error) {
	return m.record, nil
}

func (m *memory) Create(_ context.Context, _ *store.Container, r store.Record) (store.Record, error) {
	m.record = r
	return r, nil
}

func BenchmarkCodec(b *testing.B) {
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		b.Fatal(err)
	}
	m := &memory{}
	s := store.New(m, keys)
	doc := storetest.SampleCluster(1)
	encode := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Clusters.Create(b.Context(), doc); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(m.record.Body)), "B/document")
	}
	b.Run("encode", encode)
	b.Run("decode", func(b *testing.B) {
		if err := s.Clusters.Create(b.Context(), doc); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Clusters.Get(b.Context(), "", ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}
