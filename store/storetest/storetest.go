// Package storetest is the test suite of the contract of package store, which each
// driver's tests run against a real database. It uses only the contract of a
// driver, and only the database's clock.
package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
)

// patience is how long a test waits for a condition.
const patience = 15 * time.Second

// Run runs the suite. open returns an empty database each time it is called, and
// closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Driver) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *database)
	}{
		{"a document comes back as it was written", returns},
		{"a stale ETag writes and deletes nothing", etags},
		{"64 writers on one document lose no update", race},
		{"only one of many creators wins", createRace},
		{"of many that create or replace one creates and all are counted", upsertRace},
		{"an upsert says what stands in its way", upsertConflict},
		{"unique keys hold in a partition", uniqueKeys},
		{"unique keys are free again after a change or delete", freedKeys},
		{"partitions are apart", partitions},
		{"ids may hold what resource ids hold", ids},
		{"pages follow each other in order", pages},
		{"what exists during a walk is listed exactly once", walk},
		{"a foreign continuation is refused", foreignContinuation},
		{"an expired document is gone", expiry},
		{"histories and audits come newest first, page by page, and expire", journals},
		{"an expired document gives way to a new one", rebirth},
		{"only what is due is given out", due},
		{"no partition gets more than its share", fairness},
		{"what cannot be read is set aside, and nothing else of it changes", setAside},
		{"what cannot be read is pushed back further each time", pushedBack},
		{"what another process can read is not set aside", leftToOthers},
		{"a postponed document that has changed stays as it is", postponeGuard},
		{"a list leaves out what cannot be read, and a page tells of it", unreadableInLists},
		{"a sealed secret opens at its place only", binding},
		{"one of many workers gets the lease", claimRace},
		{"a lease that expires is taken over, and the old holder writes nothing more", takeover},
		{"a heartbeat keeps the lease", heartbeat},
		{"a renewed lease writes under the ETag of its renewal", renewal},
		{"a renewed lease ends too, and a late holder renews it as another version", lateRenewal},
		{"the holder keeps what others write", interleaving},
		{"a released document is due when asked, or never", release},
		{"every change is reported", changes},
		{"members of a newer release survive", unknownMembers},
		{"secrets are stored sealed", sealing},
		{"a view has no secrets and is not written", views},
		{"secrets change with the document or not at all", together},
		{"a change is made with the secrets closed, or opened if it needs them", closed},
		{"secrets that stand in the document move out of it at the next write", inline},
		{"keys rotate", rotation},
		{"an ended context is the end", endedContext},
		{"a healthy database answers a ping", ping},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			k := open(t)
			line := store.NewKey()
			test.run(t, &database{Store: store.New(k, keyring(t, line)), ctx: ctx, driver: k, keyLine: line})
		})
	}
}

// database has the collections and their driver for a test.
type database struct {
	*store.Store
	ctx     context.Context
	driver  store.Driver
	keyLine string
}

// clusters returns the container of clusters, for writing raw records.
func clusters(t *testing.T) *store.Container {
	t.Helper()
	for _, c := range store.Containers() {
		if c.Name == "Clusters" {
			return c
		}
	}
	t.Fatal("no container of clusters")
	return nil
}

func keyring(t *testing.T, lines string) *store.Keyring {
	t.Helper()
	keys, err := store.ParseKeyring([]byte(lines))
	check(t, err)
	return keys
}

func cluster(partition, id string) *store.ClusterDocument {
	doc := &store.ClusterDocument{Meta: store.Meta{ID: id, Partition: partition}}
	doc.Cluster.Name = id
	return doc
}

// create writes a cluster that change may have modified.
func (d *database) create(t *testing.T, partition, id string, change func(*store.ClusterDocument)) *store.ClusterDocument {
	t.Helper()
	doc := cluster(partition, id)
	if change != nil {
		change(doc)
	}
	check(t, d.Clusters.Create(d.ctx, doc))
	return doc
}

// raw reads the stored body of cluster a in partition p.
func (d *database) raw(t *testing.T) []byte { t.Helper(); return d.record(t).Body }

// record reads the stored cluster a in partition p.
func (d *database) record(t *testing.T) store.Record {
	t.Helper()
	r, err := d.driver.Read(d.ctx, clusters(t), "p", "a")
	check(t, err)
	return r
}

// member returns one member of stored JSON by its path.
func member(t *testing.T, body []byte, path ...any) any {
	t.Helper()
	var v any
	check(t, json.Unmarshal(body, &v))
	for _, step := range path {
		switch s := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[s]
		case int:
			list, _ := v.([]any)
			if s >= len(list) {
				return nil
			}
			v = list[s]
		}
	}
	return v
}

// eventually waits until happened returns true.
func (d *database) eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen within %v: %s", patience, what)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func wantConflict(t *testing.T, what string, err error, key string) {
	t.Helper()
	if c := (*store.ConflictError)(nil); !errors.As(err, &c) || c.UniqueKey != key {
		t.Errorf("%s: got %v, want a conflict at %q", what, err, key)
	}
}

func numbered(i int) string { return fmt.Sprintf("c%04d", i) }
