package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// list walks all pages of q and returns "partition/id" of each document.
func (d *database) list(t *testing.T, q store.Query, between func(page int)) (found []string) {
	t.Helper()
	for n := 0; ; n++ {
		docs, next, err := d.Clusters.List(d.ctx, q)
		check(t, err)
		if len(docs) > q.Limit {
			t.Fatalf("page of %d, limit %d", len(docs), q.Limit)
		}
		for _, doc := range docs {
			found = append(found, doc.Partition+"/"+doc.ID)
		}
		if q.Continuation = next; next == "" {
			return found
		}
		if n > 1000 {
			t.Fatal("the walk does not end")
		}
		if between != nil {
			between(n)
		}
	}
}

func pages(t *testing.T, d *database) {
	for _, partition := range []string{"p", "q"} {
		for _, id := range []string{"b-3", "a-1", "b-1", "b_x", "b-2", "B-0", "c-1"} {
			d.create(t, partition, id, nil)
		}
	}
	for _, limit := range []int{1, 2, 3, 100} {
		name := fmt.Sprintf("limit %d", limit)
		got := d.list(t, store.Query{Partition: "p", Limit: limit}, nil)
		if want := []string{"p/B-0", "p/a-1", "p/b-1", "p/b-2", "p/b-3", "p/b_x", "p/c-1"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %v", name, got)
		}
		got = d.list(t, store.Query{Partition: "p", Prefix: "b-", Limit: limit}, nil)
		if want := []string{"p/b-1", "p/b-2", "p/b-3"}; !slices.Equal(got, want) {
			t.Errorf("%s: prefix got %v", name, got)
		}
		got = d.list(t, store.Query{Prefix: "b-", Limit: limit}, nil)
		slices.Sort(got)
		if want := []string{"p/b-1", "p/b-2", "p/b-3", "q/b-1", "q/b-2", "q/b-3"}; !slices.Equal(got, want) {
			t.Errorf("%s: all partitions got %v", name, got)
		}
	}
	if got := d.list(t, store.Query{Partition: "nobody", Limit: 5}, nil); len(got) != 0 {
		t.Errorf("an empty partition lists %v", got)
	}
}

func walk(t *testing.T, d *database) {
	const staying = 60
	var want []string
	for i := range staying {
		d.create(t, "p", numbered(i)+"-stays", nil)
		want = append(want, "p/"+numbered(i)+"-stays")
	}
	passing := make([]*store.ClusterDocument, staying)
	for i := range passing {
		passing[i] = d.create(t, "p", numbered(i)+"-goes", nil)
	}
	var group sync.WaitGroup
	defer group.Wait()
	got := d.list(t, store.Query{Partition: "p", Limit: 7}, func(page int) {
		group.Go(func() { // documents are created, deleted and changed during the walk
			i := (page * 7) % staying
			_ = d.Clusters.Create(d.ctx, cluster("p", numbered(i)+"-new"))
			_ = d.Clusters.Delete(d.ctx, passing[i])
			_, _ = d.Clusters.Update(d.ctx, "p", numbered(staying-1-i)+"-stays", func(c *store.ClusterDocument) error {
				c.Cluster.Internal.Revision++
				return nil
			})
		})
	})
	var stayed []string
	for _, id := range got {
		if slices.Contains(want, id) {
			stayed = append(stayed, id)
		}
	}
	if !slices.Equal(stayed, want) {
		t.Errorf("of %d documents that stayed the walk found %d: %v", len(want), len(stayed), stayed)
	}
	slices.Sort(got)
	if unique := len(slices.Compact(slices.Clone(got))); unique != len(got) {
		t.Errorf("%d documents came twice", len(got)-unique)
	}
}

func foreignContinuation(t *testing.T, d *database) {
	for i := range 4 {
		d.create(t, "p", numbered(i), nil)
	}
	_, next, err := d.Clusters.List(d.ctx, store.Query{Partition: "p", Prefix: "c", Limit: 2})
	check(t, err)
	for name, q := range map[string]store.Query{
		"garbage":                {Partition: "p", Prefix: "c", Continuation: "%%% no continuation", Limit: 2},
		"another partition":      {Partition: "q", Prefix: "c", Continuation: next, Limit: 2},
		"another prefix":         {Partition: "p", Prefix: "x", Continuation: next, Limit: 2},
		"cut":                    {Partition: "p", Prefix: "c", Continuation: next[:len(next)/2], Limit: 2},
		"partition is left away": {Prefix: "c", Continuation: next, Limit: 2},
	} {
		_, _, err := d.Clusters.List(d.ctx, q)
		wantError(t, name, err, store.ErrBadContinuation)
	}
}

func expiry(t *testing.T, d *database) {
	mortal := func(c *store.ClusterDocument) { c.TTL = 1; c.Due = store.Due(0) }
	doc := d.create(t, "p", "mortal", mortal)
	d.create(t, "p", "lasting", func(c *store.ClusterDocument) { c.TTL = 3600 })
	d.create(t, "p", "eternal", nil)
	d.eventually(t, "get does not find the expired", func() bool {
		_, err := d.Clusters.Get(d.ctx, "p", "mortal")
		return err != nil
	})
	_, err := d.Clusters.Get(d.ctx, "p", "mortal")
	wantError(t, "get", err, store.ErrNotFound)
	wantError(t, "delete", d.Clusters.Delete(d.ctx, doc), store.ErrNotFound)
	_, err = d.Clusters.Claim(d.ctx, doc, "w", time.Minute)
	wantError(t, "claim", err, store.ErrNotFound)
	if got := d.list(t, store.Query{Partition: "p", Limit: 10}, nil); !slices.Equal(got, []string{"p/eternal", "p/lasting"}) {
		t.Errorf("listed %v", got)
	}
	if docs, _, err := d.Clusters.Due(d.ctx, 10, 10); err != nil || len(docs) != 0 {
		t.Errorf("%d are due, %v", len(docs), err)
	}
}

func rebirth(t *testing.T, d *database) {
	d.create(t, "p", "a", func(c *store.ClusterDocument) { c.TTL = 1; c.ClientIdentity = "client" })
	d.eventually(t, "the unique key is free", func() bool {
		doc := cluster("p", "b")
		doc.ClientIdentity = "client"
		return d.Clusters.Create(d.ctx, doc) == nil
	})
	d.create(t, "p", "a", nil)
}

func changes(t *testing.T, d *database) {
	mark := ""
	seen := map[string]string{} // id to ETag
	read := func() {
		for {
			docs, next, more, err := d.Clusters.Changes(d.ctx, mark)
			check(t, err)
			for _, doc := range docs {
				seen[doc.ID] = doc.ETag
			}
			if mark = next; !more {
				return
			}
		}
	}
	told := func(what, id, etag string) {
		t.Helper()
		d.eventually(t, what, func() bool { read(); return seen[id] == etag })
	}
	a := d.create(t, "p", "a", nil)
	b := d.create(t, "q", "b", nil)
	told("the first documents are reported", "a", a.ETag)
	told("those of all partitions", "b", b.ETag)

	a, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
	check(t, err)
	told("a change is reported", "a", a.ETag)

	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() { _ = d.Clusters.Create(d.ctx, cluster(numbered(i%3), numbered(i))) })
	}
	for range 5 {
		read()
	}
	group.Wait()
	d.eventually(t, "all 22 documents are reported", func() bool { read(); return len(seen) == 22 })
	if _, _, _, err := d.Clusters.Changes(d.ctx, "no mark"); err == nil {
		t.Error("a foreign mark is taken")
	}
}

// journals are the containers to which is only added.
func journals(t *testing.T, d *database) {
	id := arm.ClusterID{SubscriptionID: "11111111-1111-4111-8111-111111111111", ResourceGroup: "g", Name: "c"}
	other := id
	other.Name = "d"
	begin := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	for _, i := range []int{1, 0, 2} {
		at := begin.Add(time.Duration(i) * time.Minute)
		entry := store.NewHistory(id, numbered(i), at)
		entry.Entry.OperationID = numbered(i)
		records := store.NewAudit(at, numbered(i))
		records.Records = []model.AuditRecord{{At: at, Operation: numbered(i), Status: 200, DryRun: true}}
		if i == 0 {
			entry.TTL, records.TTL = 1, 1
		}
		check(t, d.History.Create(d.ctx, entry))
		check(t, d.Audit.Create(d.ctx, records))
		wantConflict(t, "second create", d.History.Create(d.ctx, store.NewHistory(id, numbered(i), at)), "")
	}
	check(t, d.History.Create(d.ctx, store.NewHistory(other, "x", begin)))
	check(t, d.Audit.Create(d.ctx, store.NewAudit(begin.Add(time.Hour), "x")))
	want := []string{numbered(2), numbered(1)}
	read := func() (history, audit []string) {
		history = walkAll(d.ctx, t, d.History, store.HistoryPartition(id), func(doc *store.HistoryDocument) string { return doc.Entry.OperationID })
		audit = walkAll(d.ctx, t, d.Audit, store.AuditPartition(begin), func(doc *store.AuditDocument) string {
			if r := doc.Records[0]; r.Status != 200 || !r.DryRun || r.At.IsZero() {
				t.Errorf("a record is %+v", r)
			}
			return doc.Records[0].Operation
		})
		return history, audit
	}
	d.eventually(t, "the oldest expire, and the others come newest first", func() bool {
		history, audit := read()
		return slices.Equal(history, want) && slices.Equal(audit, want)
	})
}

// walkAll returns a text of each document of a partition, in pages of one.
func walkAll[T any](ctx context.Context, t *testing.T, from *store.Collection[T], partition string, text func(*T) string) (all []string) {
	t.Helper()
	q := store.Query{Partition: partition, Limit: 1}
	for {
		docs, next, err := from.List(ctx, q)
		check(t, err)
		for _, doc := range docs {
			all = append(all, text(doc))
		}
		if q.Continuation = next; next == "" {
			return all
		}
	}
}
