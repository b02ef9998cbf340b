package storetest

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aro-rp/aro/store"
)

func upsertRace(t *testing.T, d *database) {
	const writers = 16
	var group sync.WaitGroup
	var created atomic.Int32
	for w := range writers {
		group.Go(func() {
			isNew := false
			upsert := d.Clusters.Upsert
			if w%2 == 0 {
				upsert = d.Clusters.UpsertSealed
			}
			_, err := upsert(d.ctx, "p", "a", func() *store.ClusterDocument { return cluster("p", "a") }, func(doc *store.ClusterDocument) error {
				isNew = doc.ETag == ""
				doc.Cluster.Internal.Revision++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if isNew {
				created.Add(1)
			}
		})
	}
	group.Wait()
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if created.Load() != 1 || got.Cluster.Internal.Revision != writers {
		t.Errorf("%d created it, and %d of %d changes are in it", created.Load(), got.Cluster.Internal.Revision, writers)
	}
}

func upsertConflict(t *testing.T, d *database) {
	d.create(t, "p", "a", func(c *store.ClusterDocument) { c.ManagedResourceGroup = "group" })
	calls := 0
	fresh := func() *store.ClusterDocument { return cluster("p", "b") }
	_, err := d.Clusters.Upsert(d.ctx, "p", "b", fresh, func(doc *store.ClusterDocument) error {
		calls++
		doc.ManagedResourceGroup = "group"
		return nil
	})
	wantConflict(t, "the unique key of another", err, "managedResourceGroup")
	if calls != 1 {
		t.Errorf("it was tried %d times", calls)
	}
	doc, err := d.Clusters.Upsert(d.ctx, "p", "a", fresh, func(*store.ClusterDocument) error { return store.ErrUnchanged })
	check(t, err)
	if doc.ID != "a" || doc.ManagedResourceGroup != "group" {
		t.Errorf("unchanged it is %+v", doc)
	}
	// It is deleted while it is changed.
	first := true
	doc, err = d.Clusters.Upsert(d.ctx, "p", "a", func() *store.ClusterDocument { return cluster("p", "a") }, func(doc *store.ClusterDocument) error {
		if first {
			first = false
			if doc.ETag == "" {
				t.Error("it is new")
			}
			again, err := d.Clusters.Get(d.ctx, "p", "a")
			check(t, err)
			check(t, d.Clusters.Delete(d.ctx, again))
		}
		doc.Cluster.Location = "x"
		return nil
	})
	check(t, err)
	if doc.Cluster.Location != "x" || doc.ManagedResourceGroup != "" {
		t.Errorf("after the delete it is %+v", doc)
	}
}
