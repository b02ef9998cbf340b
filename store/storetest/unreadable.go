package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
)

// unreadableClusters returns clusters that cannot be read, by a part of the error.
func unreadableClusters() map[string]string {
	return map[string]string{
		"cluster is a JSON string and should be an object":                                     `"canary"`,
		"cluster.properties.workerProfiles.count is a JSON string and should be a number":      `{"properties":{"workerProfiles":[{"count":"canary"}]}}`,
		"cluster.properties.workerProfiles.count is a JSON number and should be a number in r": `{"properties":{"workerProfiles":[{"count":123456789012345678901234}]}}`,
		"cluster.tags is a JSON array and should be an object":                                 `{"tags":["canary"]}`,
		"cluster.properties is a JSON array and should be an object":                           `{"properties":["Succeeded"]}`,
		"cluster.identity is a JSON array and should be an object":                             `{"identity":[]}`,
		"cluster.properties.workerProfiles is a JSON object and should be an array":            `{"properties":{"workerProfiles":{}}}`,
		"a time is not in the form of RFC 3339":                                                `{"systemData":{"createdAt":"canary"}}`,
		"cluster.internal.kubeadminPassword: the secret is not sealed text":                    `{"internal":{"kubeadminPassword":"canary"}}`,
		"the secret is not sealed text":                                                        `{"internal":{"kubeadminPassword":17}}`,
		"cluster.properties.clusterProfile.pullSecret: the secret is sealed with key 00000000": `{"properties":{"clusterProfile":{"pullSecret":"v2.00000000.canary"}}}`,
	}
}

// poisoned writes a raw document and returns its id.
func (d *database) poisoned(t *testing.T, body string) string {
	t.Helper()
	var m struct{ ID string }
	check(t, json.Unmarshal([]byte(body), &m))
	_, err := d.driver.Create(d.ctx, clusters(t), store.Record{Partition: "p", ID: m.ID, Body: []byte(body)})
	check(t, err)
	return m.ID
}

func setAside(t *testing.T, d *database) {
	reasons := map[string]string{} // by id
	before := map[string]any{}
	for reason, cluster := range unreadableClusters() {
		id := d.poisoned(t, fmt.Sprintf(`{"id":"ill-%d","partition":"p","due":0,"leaseFence":3,`+
			`"new":{"big":12345678901234567890,"text":"é<&>"},"cluster":%s}`, len(reasons), cluster))
		reasons[id], before[id] = reason, d.content(t, id)
	}
	seen := map[string]string{}
	d.Observe(func(_ context.Context, at store.Sighting, e *store.UnreadableError) {
		if at == store.DueSighting {
			seen[e.ID] = e.Reason
		}
	})
	d.create(t, "p", "well", atOnce)
	var found []*store.ClusterDocument
	d.eventually(t, "the well one is due, alone", func() bool {
		docs, aside, err := d.Clusters.Due(d.ctx, 100, 100)
		check(t, err)
		found = docs
		return aside == 0 && len(docs) == 1
	})
	if found[0].ID != "well" {
		t.Errorf("%s is due", found[0].ID)
	}
	for id, want := range reasons {
		if !strings.HasPrefix(seen[id], want) || strings.Contains(seen[id], "canary") {
			t.Errorf("%s: reason %q, want %q", id, seen[id], want)
		}
		if after := d.content(t, id); !reflect.DeepEqual(after, before[id]) {
			t.Errorf("%s was changed from\n%v to\n%v", id, before[id], after)
		}
	}
}

// content returns what is stored at p/id, without its due time.
func (d *database) content(t *testing.T, id string) any {
	t.Helper()
	r, err := d.driver.Read(d.ctx, clusters(t), "p", id)
	check(t, err)
	decoder := json.NewDecoder(strings.NewReader(string(r.Body)))
	decoder.UseNumber()
	var members map[string]any
	check(t, decoder.Decode(&members))
	delete(members, "due")
	return members
}

func pushedBack(t *testing.T, d *database) {
	for due, want := range map[float64]float64{0: 60, -5: 60, 0.001: 60, -1e30: 60} {
		id := fmt.Sprintf("a%v", due)
		d.poisoned(t, fmt.Sprintf(`{"id":%q,"partition":"p","due":%v,"cluster":"x"}`, id, due))
		d.eventually(t, id+" is set aside", func() bool {
			_, _, err := d.Clusters.Due(d.ctx, 100, 100)
			check(t, err)
			return d.due(t, id) == want
		})
	}
}

func (d *database) due(t *testing.T, id string) float64 {
	t.Helper()
	r, err := d.driver.Read(d.ctx, clusters(t), "p", id)
	check(t, err)
	due, _ := member(t, r.Body, "due").(float64)
	return due
}

// leftToOthers: a process without the database's keys postpones nothing.
func leftToOthers(t *testing.T, d *database) {
	check(t, d.CheckKeys(d.ctx))
	d.secretive(t)
	_, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Due = store.Due(0); return nil })
	check(t, err)
	other := store.New(d.driver, keyring(t, store.NewKey()))
	d.eventually(t, "the store with another key finds it", func() bool {
		docs, _, err := other.Clusters.Due(d.ctx, 10, 10)
		if len(docs) != 0 {
			t.Fatal("it was read without its key")
		}
		return errors.Is(err, store.ErrWrongKeys)
	})
	if got := d.dueIDs(t, 10); len(got) != 1 {
		t.Errorf("due for those with the keys: %v", got)
	}
}

func postponeGuard(t *testing.T, d *database) {
	doc := d.create(t, "p", "a", atOnce)
	r, err := d.driver.Read(d.ctx, clusters(t), "p", "a")
	check(t, err)
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
	check(t, err)
	postpone := func(r store.Record) error {
		_, err := d.driver.Postpone(d.ctx, clusters(t), r, time.Hour)
		return err
	}
	wantError(t, "postpone what has changed", postpone(r), store.ErrPreconditionFailed)
	r.ID, r.Body = "b", []byte(`{"id":"b","partition":"p"}`)
	wantError(t, "postpone what is not there", postpone(r), store.ErrNotFound)
	if got := d.dueIDs(t, 10); len(got) != 1 || got[0] != doc.ID {
		t.Errorf("due: %v", got)
	}
}

func unreadableInLists(t *testing.T, d *database) {
	d.create(t, "p", "a-well", nil)
	d.poisoned(t, `{"id":"b-ill","partition":"p","cluster":{"tags":["canary"]}}`)
	d.create(t, "p", "c-well", nil)
	var listed []string
	q := store.Query{Partition: "p", Limit: 1}
	for {
		docs, next, err := d.Clusters.List(d.ctx, q)
		check(t, err)
		for _, doc := range docs {
			listed = append(listed, doc.ID)
		}
		if q.Continuation = next; next == "" {
			break
		}
	}
	if strings.Join(listed, " ") != "a-well c-well" {
		t.Errorf("listed %v", listed)
	}
	page, err := d.Clusters.Page(d.ctx, store.Query{Limit: 10})
	check(t, err)
	if len(page.Documents) != 2 || len(page.Unreadable) != 1 {
		t.Fatalf("a page of %d and %d unreadable", len(page.Documents), len(page.Unreadable))
	}
	if e := page.Unreadable[0]; e.Container != "Clusters" || e.Partition != "p" || e.ID != "b-ill" || !strings.Contains(e.Reason, "cluster.tags") {
		t.Errorf("told %+v", e)
	}
	for how, read := range map[string]func() error{
		"get":    func() error { _, err := d.Clusters.Get(d.ctx, "p", "b-ill"); return err },
		"view":   func() error { _, err := d.Clusters.View(d.ctx, "p", "b-ill"); return err },
		"update": func() error { _, err := d.Clusters.Update(d.ctx, "p", "b-ill", nothing); return err },
	} {
		if err := read(); !errors.As(err, new(*store.UnreadableError)) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", how, err)
		}
	}
}
