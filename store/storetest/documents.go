package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
)

func returns(t *testing.T, d *database) {
	before := time.Now()
	doc := d.create(t, "p", "a", func(c *store.ClusterDocument) { c.Cluster.Tags = map[string]string{"k": "<&>\u2028é"} })
	if doc.ETag == "" || doc.WrittenAt.Before(before.Add(-time.Minute)) || doc.WrittenAt.After(time.Now().Add(time.Minute)) {
		t.Errorf("written with ETag %q at %v", doc.ETag, doc.WrittenAt)
	}
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if got.Cluster.Tags["k"] != "<&>\u2028é" || got.ID != "a" || got.Partition != "p" {
		t.Errorf("read %+v", got.Cluster.Tags)
	}
	if got.ETag != doc.ETag || got.WrittenAt.Sub(doc.WrittenAt).Abs() > time.Second {
		t.Errorf("read version %s of %v, wrote %s of %v", got.ETag, got.WrittenAt, doc.ETag, doc.WrittenAt)
	}
	wantConflict(t, "second create", d.Clusters.Create(d.ctx, cluster("p", "a")), "")
	_, err = d.Clusters.Get(d.ctx, "p", "b")
	wantError(t, "get of nothing", err, store.ErrNotFound)
	_, err = d.Operations.Get(d.ctx, "p", "a")
	wantError(t, "get from another container", err, store.ErrNotFound)
}

func etags(t *testing.T, d *database) {
	first := d.create(t, "p", "a", nil)
	second, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
	check(t, err)
	if second.ETag == first.ETag {
		t.Errorf("a write left the ETag %s", first.ETag)
	}
	clusters := clusters(t)
	stale := store.Record{Partition: "p", ID: "a", ETag: first.ETag, Body: []byte(`{"id":"a","partition":"p"}`)}
	for name, etag := range map[string]string{"stale": first.ETag, "foreign": `"nonsense"`} {
		stale.ETag = etag
		_, err = d.driver.Replace(d.ctx, clusters, stale)
		wantError(t, name+" replace", err, store.ErrPreconditionFailed)
		wantError(t, name+" delete", d.driver.Delete(d.ctx, clusters, "p", "a", etag), store.ErrPreconditionFailed)
	}
	if got, err := d.Clusters.Get(d.ctx, "p", "a"); err != nil || got.Cluster.Location != "x" || got.ETag != second.ETag {
		t.Errorf("a refused write left %v, %v", got, err)
	}
	unchanged, err := d.Clusters.Update(d.ctx, "p", "a", func(*store.ClusterDocument) error { return store.ErrUnchanged })
	check(t, err)
	if unchanged.ETag != second.ETag {
		t.Error("ErrUnchanged wrote")
	}
	stop := errors.New("stop")
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(*store.ClusterDocument) error { return stop })
	wantError(t, "update that is stopped", err, stop)

	check(t, d.Clusters.Delete(d.ctx, second))
	wantError(t, "delete of the deleted", d.Clusters.Delete(d.ctx, second), store.ErrNotFound)
	_, err = d.driver.Replace(d.ctx, clusters, stale)
	wantError(t, "replace of the deleted", err, store.ErrNotFound)
	again := d.create(t, "p", "a", nil)
	if again.ETag == first.ETag || again.ETag == second.ETag {
		t.Error("the ETag of a deleted document came back")
	}
}

func race(t *testing.T, d *database) {
	const writers, updates = 64, 2
	d.create(t, "p", "a", nil)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for range updates {
				_, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
					c.Cluster.Internal.Revision++
					if c.Cluster.Tags == nil {
						c.Cluster.Tags = map[string]string{}
					}
					n, _ := strconv.Atoi(c.Cluster.Tags[numbered(w)])
					c.Cluster.Tags[numbered(w)] = strconv.Itoa(n + 1)
					return nil
				})
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	group.Wait()
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if got.Cluster.Internal.Revision != writers*updates {
		t.Errorf("%d updates left revision %d", writers*updates, got.Cluster.Internal.Revision)
	}
	for w := range writers {
		if n := got.Cluster.Tags[numbered(w)]; n != strconv.Itoa(updates) {
			t.Errorf("writer %d has %q of %d updates", w, n, updates)
		}
	}
}

func createRace(t *testing.T, d *database) {
	var won, lost atomic.Int32
	var group sync.WaitGroup
	for i := range 32 {
		group.Go(func() {
			doc := cluster("p", "same")
			doc.ClientIdentity = numbered(i)
			err := d.Clusters.Create(d.ctx, doc)
			if err == nil {
				won.Add(1)
			} else if errors.As(err, new(*store.ConflictError)) {
				lost.Add(1)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 || lost.Load() != 31 {
		t.Errorf("%d creators won, %d lost", won.Load(), lost.Load())
	}
}

func uniqueKeys(t *testing.T, d *database) {
	dress := func(group, client string) func(*store.ClusterDocument) {
		return func(c *store.ClusterDocument) { c.ManagedResourceGroup, c.ClientIdentity = group, client }
	}
	d.create(t, "p", "a", dress("/g/1", "client1"))
	d.create(t, "p", "b", dress("/g/2", ""))
	d.create(t, "p", "c", dress("", "")) // absent keys are not compared
	d.create(t, "p", "d", dress("", ""))
	d.create(t, "q", "a", dress("/g/1", "client1")) // nor are those of other partitions

	for _, test := range []struct{ id, group, client, key string }{
		{"e", "/g/1", "other", "managedResourceGroup"},
		{"e", "/g/9", "client1", "clientIdentity"},
		{"a", "/g/8", "client8", ""},
	} {
		doc := cluster("p", test.id)
		dress(test.group, test.client)(doc)
		wantConflict(t, "create "+test.id+" with "+test.group+" "+test.client, d.Clusters.Create(d.ctx, doc), test.key)
	}
	_, err := d.Clusters.Update(d.ctx, "p", "b", func(c *store.ClusterDocument) error { c.ClientIdentity = "client1"; return nil })
	wantConflict(t, "update", err, "clientIdentity")
	if got, err := d.Clusters.Get(d.ctx, "p", "b"); err != nil || got.ClientIdentity != "" {
		t.Errorf("a refused update left %v, %v", got, err)
	}
}

func freedKeys(t *testing.T, d *database) {
	owner := func(c *store.ClusterDocument) { c.ClientIdentity = "client" }
	d.create(t, "p", "a", owner)
	_, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.ClientIdentity = ""; return nil })
	check(t, err)
	b := d.create(t, "p", "b", owner)
	check(t, d.Clusters.Delete(d.ctx, b))
	d.create(t, "p", "c", owner)
}

func partitions(t *testing.T, d *database) {
	p := d.create(t, "p", "same", nil)
	q := d.create(t, "q", "same", nil)
	check(t, d.Clusters.Delete(d.ctx, p))
	if got, err := d.Clusters.Get(d.ctx, "q", "same"); err != nil || got.ETag != q.ETag {
		t.Errorf("the other partition's document: %v, %v", got, err)
	}
	page, _, err := d.Clusters.List(d.ctx, store.Query{Partition: "p", Limit: 10})
	if err != nil || len(page) != 0 {
		t.Errorf("the emptied partition lists %d, %v", len(page), err)
	}
}

func ids(t *testing.T, d *database) {
	for _, id := range []string{"a b", "a%2Fb", "a|b.c-d_e(f)", "ünï-köd", "a'b\"c"} {
		doc := d.create(t, "p", id, nil)
		got, err := d.Clusters.Update(d.ctx, "p", id, func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
		if err != nil || got.ID != id {
			t.Errorf("%q: %v", id, err)
			continue
		}
		page, _, err := d.Clusters.List(d.ctx, store.Query{Partition: "p", Prefix: id, Limit: 10})
		if err != nil || len(page) != 1 || page[0].ETag == doc.ETag {
			t.Errorf("%q: %d listed, %v", id, len(page), err)
		}
		wantError(t, id, d.Clusters.Delete(d.ctx, got), nil)
	}
}

func endedContext(t *testing.T, d *database) {
	doc := d.create(t, "p", "a", nil)
	ctx, cancel := context.WithCancel(d.ctx)
	cancel()
	_, err := d.Clusters.Get(ctx, "p", "a")
	wantError(t, "get", err, context.Canceled)
	wantError(t, "create", d.Clusters.Create(ctx, cluster("p", "b")), context.Canceled)
	wantError(t, "delete", d.Clusters.Delete(ctx, doc), context.Canceled)
	_, _, err = d.Clusters.List(ctx, store.Query{Limit: 1})
	wantError(t, "list", err, context.Canceled)
	_, _, err = d.Clusters.Due(ctx, 1, 1)
	wantError(t, "due", err, context.Canceled)
	_, err = d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
}

func ping(t *testing.T, d *database) { check(t, d.Ping(d.ctx)) }
