package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
)

func nothing(*store.ClusterDocument) error { return nil }

// dueIDs returns the due ids, sorted: at most limit, and 10 of a partition.
func (d *database) dueIDs(t *testing.T, limit int) (ids []string) {
	t.Helper()
	docs, _, err := d.Clusters.Due(d.ctx, 10, limit)
	check(t, err)
	for _, doc := range docs {
		ids = append(ids, doc.ID)
	}
	slices.Sort(ids)
	return ids
}

// claim waits until the document is due and takes its lease.
func (d *database) claim(t *testing.T, owner string, ttl time.Duration) (lease *store.Lease[store.ClusterDocument]) {
	t.Helper()
	d.eventually(t, owner+" gets the lease", func() bool {
		docs, _, err := d.Clusters.Due(d.ctx, 10, 10)
		check(t, err)
		if len(docs) == 0 {
			return false
		}
		lease, err = d.Clusters.Claim(d.ctx, docs[0], owner, ttl)
		check(t, err)
		return true
	})
	return lease
}

func atOnce(c *store.ClusterDocument) { c.Due = store.Due(0) }

func due(t *testing.T, d *database) {
	d.create(t, "p", "idle", nil)
	d.create(t, "p", "later", func(c *store.ClusterDocument) { c.Due = store.Due(time.Hour) })
	d.create(t, "p", "soon", func(c *store.ClusterDocument) { c.Due = store.Due(time.Second) })
	d.create(t, "p", "now", atOnce)
	d.create(t, "q", "overdue", func(c *store.ClusterDocument) { c.Due = store.Due(-time.Minute) })
	d.eventually(t, "what is due at once is due", func() bool {
		return slices.Contains(d.dueIDs(t, 10), "now")
	})
	d.eventually(t, "what is due in a second is due", func() bool {
		return slices.Equal(d.dueIDs(t, 10), []string{"now", "overdue", "soon"})
	})
	if got := d.dueIDs(t, 2); len(got) != 2 {
		t.Errorf("limit 2 gave %v", got)
	}
	_, err := d.Clusters.Update(d.ctx, "p", "now", func(c *store.ClusterDocument) error { c.Due = nil; return nil })
	check(t, err)
	if got := d.dueIDs(t, 10); slices.Contains(got, "now") {
		t.Errorf("without Due it is still due: %v", got)
	}
}

func fairness(t *testing.T, d *database) {
	for i := range 30 {
		d.create(t, "crowd", numbered(i), atOnce)
	}
	d.create(t, "single", "s1", atOnce)
	d.create(t, "couple", "t1", atOnce)
	d.create(t, "couple", "t2", atOnce)
	share := map[string]int{}
	d.eventually(t, "two of each partition are due", func() bool {
		docs, _, err := d.Clusters.Due(d.ctx, 2, 10)
		check(t, err)
		clear(share)
		for _, doc := range docs {
			share[doc.Partition]++
		}
		return len(docs) == 5
	})
	if share["crowd"] != 2 || share["single"] != 1 || share["couple"] != 2 {
		t.Errorf("shares are %v", share)
	}
}

func claimRace(t *testing.T, d *database) {
	d.create(t, "p", "a", atOnce)
	docs, _, err := d.Clusters.Due(d.ctx, 1, 1)
	check(t, err)
	if len(docs) != 1 {
		t.Fatalf("%d are due", len(docs))
	}
	var mu sync.Mutex
	var won []*store.Lease[store.ClusterDocument]
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			lease, err := d.Clusters.Claim(d.ctx, docs[0], numbered(i), time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, lease)
			} else if !errors.Is(err, store.ErrPreconditionFailed) {
				t.Errorf("worker %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if len(won) != 1 {
		t.Fatalf("%d workers got the lease", len(won))
	}
	if doc := won[0].Doc(); doc.Fence != 1 || doc.Owner == "" || doc.Lost != 0 {
		t.Errorf("claimed with fence %d by %q, lost %d", doc.Fence, doc.Owner, doc.Lost)
	}
	if docs[0].Fence != 0 || docs[0].Owner != "" {
		t.Error("Claim changed the caller's document")
	}
	if got := d.dueIDs(t, 10); len(got) != 0 {
		t.Errorf("a leased document is due: %v", got)
	}
}

func takeover(t *testing.T, d *database) {
	d.create(t, "p", "a", atOnce)
	old := d.claim(t, "old", time.Second)
	young := d.claim(t, "young", time.Minute)
	if doc := young.Doc(); doc.Fence != 2 || doc.Lost != 1 || doc.Owner != "young" {
		t.Errorf("taken over with fence %d, lost %d, owner %q", doc.Fence, doc.Lost, doc.Owner)
	}
	poison := func(c *store.ClusterDocument) error { c.Cluster.Location = "poison"; return nil }
	wantError(t, "save by the old holder", old.Save(d.ctx, poison), store.ErrLeaseLost)
	wantError(t, "renewal by the old holder", old.Renew(d.ctx, nothing), store.ErrLeaseLost)
	wantError(t, "look by the old holder", old.Refresh(d.ctx, nothing), store.ErrLeaseLost)
	wantError(t, "release by the old holder", old.Release(d.ctx, poison, nil), store.ErrLeaseLost)
	wantError(t, "delete by the old holder", old.Delete(d.ctx), store.ErrLeaseLost)
	check(t, young.Save(d.ctx, func(c *store.ClusterDocument) error { c.Cluster.Name = "good"; return nil }))
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if got.Cluster.Location == "poison" || got.Cluster.Name != "good" || got.Owner != "young" {
		t.Errorf("stored location %q, name %q, owner %q", got.Cluster.Location, got.Cluster.Name, got.Owner)
	}
	check(t, young.Delete(d.ctx))
	wantError(t, "save of the deleted", young.Renew(d.ctx, nothing), store.ErrLeaseLost)
	_, err = d.Clusters.Get(d.ctx, "p", "a")
	wantError(t, "get of the deleted", err, store.ErrNotFound)
}

func heartbeat(t *testing.T, d *database) {
	d.create(t, "p", "a", atOnce)
	lease := d.claim(t, "w", 3*time.Second)
	for range 8 {
		time.Sleep(500 * time.Millisecond)
		check(t, lease.Renew(d.ctx, nothing))
		if got := d.dueIDs(t, 10); len(got) != 0 {
			t.Fatalf("due in spite of the heartbeat: %v", got)
		}
	}
}

func renewal(t *testing.T, d *database) {
	d.create(t, "p", "a", atOnce)
	lease := d.claim(t, "w", time.Minute)
	check(t, lease.Save(d.ctx, func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil }))
	before, err := d.driver.Read(d.ctx, clusters(t), "p", "a")
	check(t, err)
	check(t, lease.Renew(d.ctx, nothing))
	after, err := d.driver.Read(d.ctx, clusters(t), "p", "a")
	check(t, err)
	if string(after.Body) != string(before.Body) {
		t.Errorf("a renewal made %s of %s", after.Body, before.Body)
	}
	check(t, lease.Save(d.ctx, func(c *store.ClusterDocument) error { c.Cluster.Name = "n"; return nil }))
	check(t, lease.Renew(d.ctx, nothing))
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "y"; return nil })
	check(t, err)
	if got := lease.Doc().Cluster.Location; got != "x" {
		t.Errorf("before it looks the holder sees %q", got)
	}
	check(t, lease.Refresh(d.ctx, nothing))
	if got := lease.Doc().Cluster.Location; got != "y" {
		t.Errorf("after it looked the holder sees %q", got)
	}
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "z"; return nil })
	check(t, err)
	check(t, lease.Renew(d.ctx, nothing))
	if got := lease.Doc().Cluster.Location; got != "z" {
		t.Errorf("after a renewal over another's write the holder sees %q", got)
	}
	check(t, lease.Delete(d.ctx))
	wantError(t, "refresh of the deleted", lease.Refresh(d.ctx, nothing), store.ErrLeaseLost)
}

func lateRenewal(t *testing.T, d *database) {
	d.create(t, "p", "a", atOnce)
	const ttl = 2 * time.Second
	lease := d.claim(t, "w", ttl)
	for range 2 {
		time.Sleep(ttl / 2)
		check(t, lease.Renew(d.ctx, nothing))
		if got := d.dueIDs(t, 10); len(got) != 0 {
			t.Fatalf("due in spite of the renewal: %v", got)
		}
	}
	var seen []*store.ClusterDocument
	d.eventually(t, "it is due when it is renewed no more", func() (due bool) {
		var err error
		seen, _, err = d.Clusters.Due(d.ctx, 10, 10)
		check(t, err)
		return len(seen) == 1
	})
	check(t, lease.Renew(d.ctx, nothing)) // late, but no other worker has claimed it
	_, err := d.Clusters.Claim(d.ctx, seen[0], "late", ttl)
	wantError(t, "claim of what was renewed since it was seen due", err, store.ErrPreconditionFailed)
	check(t, lease.Save(d.ctx, func(c *store.ClusterDocument) error { c.Cluster.Name = "n"; return nil }))
	check(t, lease.Renew(d.ctx, nothing))
	check(t, lease.Release(d.ctx, nothing, nil))
	time.Sleep(ttl + time.Second)
	if got := d.dueIDs(t, 10); len(got) != 0 {
		t.Errorf("a renewal outlives its lease: %v", got)
	}
}

func interleaving(t *testing.T, d *database) {
	d.create(t, "p", "a", atOnce)
	lease := d.claim(t, "w", time.Minute)
	_, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
		c.Cluster.Tags = map[string]string{"cancel": "yes"}
		return nil
	})
	check(t, err)
	var saw string
	check(t, lease.Save(d.ctx, func(c *store.ClusterDocument) error {
		saw = c.Cluster.Tags["cancel"]
		c.Cluster.Location = "x"
		return nil
	}))
	doc := lease.Doc()
	if saw != "yes" || doc.Cluster.Tags["cancel"] != "yes" || doc.Cluster.Location != "x" {
		t.Errorf("saw %q, then %+v at %q", saw, doc.Cluster.Tags, doc.Cluster.Location)
	}
	if doc.Owner != "w" || doc.Fence != 1 || doc.Due == nil || *doc.Due != 60 {
		t.Errorf("owner %q, fence %d, due %v", doc.Owner, doc.Fence, doc.Due)
	}

	const steps = 10
	var group sync.WaitGroup
	for i := range 4 { // concurrent writes, renewals and steps
		group.Go(func() {
			_, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
				c.Cluster.Tags[numbered(i)] = "yes"
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			if err := lease.Renew(d.ctx, nothing); err != nil {
				t.Error(err)
			}
		})
	}
	for range steps {
		check(t, lease.Save(d.ctx, func(c *store.ClusterDocument) error { c.Cluster.Internal.Revision++; return nil }))
	}
	group.Wait()
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if len(got.Cluster.Tags) != 5 || got.Cluster.Internal.Revision != steps {
		t.Errorf("kept %v and %d of %d steps", got.Cluster.Tags, got.Cluster.Internal.Revision, steps)
	}
	stop := errors.New("stop")
	wantError(t, "save that is stopped", lease.Save(d.ctx, func(*store.ClusterDocument) error { return stop }), stop)
	check(t, lease.Save(d.ctx, func(*store.ClusterDocument) error { return store.ErrUnchanged }))
}

func release(t *testing.T, d *database) {
	d.create(t, "p", "a", atOnce)
	lease := d.claim(t, "w", time.Minute)
	soon := time.Duration(0)
	check(t, lease.Release(d.ctx, func(*store.ClusterDocument) error { return store.ErrUnchanged }, &soon))
	wantError(t, "save after the release", lease.Save(d.ctx, nothing), store.ErrLeaseLost)

	lease = d.claim(t, "w", time.Minute)
	if doc := lease.Doc(); doc.Lost != 0 || doc.Fence != 2 {
		t.Errorf("a lease given back counts as lost: %d, fence %d", doc.Lost, doc.Fence)
	}
	later := time.Hour
	check(t, lease.Release(d.ctx, func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil }, &later))
	wantError(t, "a heartbeat that comes after the release", lease.Renew(d.ctx, nothing), store.ErrLeaseLost)
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if got.Owner != "" || got.Cluster.Location != "x" || got.Due == nil || *got.Due != 3600 {
		t.Errorf("released with owner %q, location %q, due %v", got.Owner, got.Cluster.Location, got.Due)
	}
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Due = store.Due(0); return nil })
	check(t, err)
	lease = d.claim(t, "w", time.Minute)
	check(t, lease.Release(d.ctx, nothing, nil))
	if got, err = d.Clusters.Get(d.ctx, "p", "a"); err != nil || got.Due != nil || got.Fence != 3 {
		t.Errorf("without work left: due %v, fence %d, %v", got.Due, got.Fence, err)
	}
	if ids := d.dueIDs(t, 10); len(ids) != 0 {
		t.Errorf("due: %v", ids)
	}
}
