package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/aro-rp/aro/store"
)

func FuzzContinuation(f *testing.F) {
	s, err := openStore(f.Context(), filepath.Join(f.TempDir(), "aro.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	for _, id := range []string{"a", "b", "c"} {
		if err := s.Clusters.Create(f.Context(), &store.ClusterDocument{Meta: store.Meta{Partition: "p", ID: id}}); err != nil {
			f.Fatal(err)
		}
	}
	_, next, err := s.Clusters.List(f.Context(), store.Query{Partition: "p", Limit: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("p", "", next)
	f.Add("", "a", "AAAA")
	f.Fuzz(func(t *testing.T, partition, prefix, continuation string) {
		docs, _, err := s.Clusters.List(t.Context(), store.Query{Partition: partition, Prefix: prefix, Continuation: continuation, Limit: 2})
		if err != nil && !errors.Is(err, store.ErrBadContinuation) {
			t.Fatal(err)
		}
		for _, doc := range docs {
			if partition != "" && doc.Partition != partition {
				t.Fatalf("a document of partition %q", doc.Partition)
			}
		}
	})
}
