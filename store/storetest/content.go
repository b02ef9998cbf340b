package storetest

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// newer is a document with members that this release does not know, everywhere.
const newer = `{"id":"a","partition":"p","new":{"deep":[1,{"x":null}]},"cluster":{"new":12345678901,"tags":{"t":"1"},
"identity":{"userAssignedIdentities":{"/id/1":{"new":"in a map value","clientId":"c"}}},
"properties":{"new":true,"clusterProfile":{"new":0.25},"workerProfiles":[{"name":"w","new":"in an element"}]},
"internal":{"operation":{"new":"in the operation","finished":[{"name":"s","new":false}]}}}}`

func unknownMembers(t *testing.T, d *database) {
	_, err := d.keeper.Create(d.ctx, clusters(t), store.Record{Partition: "p", ID: "a", Body: []byte(newer)})
	check(t, err)
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
		c.Cluster.Location = "x"
		c.Cluster.Properties.WorkerProfiles[0].Count = 3
		c.Due = store.Due(0)
		return nil
	})
	check(t, err)
	lease := d.claim(t, "w", 60e9)
	check(t, lease.Save(d.ctx, func(c *store.ClusterDocument) error { c.Cluster.Tags["t"] = "2"; return nil }))
	check(t, lease.Release(d.ctx, nothing, nil))

	body := d.raw(t)
	for _, want := range []struct {
		value any
		path  []any
	}{
		{nil, []any{"new", "deep", 1, "x"}},
		{1.0, []any{"new", "deep", 0}},
		{12345678901.0, []any{"cluster", "new"}},
		{"in a map value", []any{"cluster", "identity", "userAssignedIdentities", "/id/1", "new"}},
		{true, []any{"cluster", "properties", "new"}},
		{0.25, []any{"cluster", "properties", "clusterProfile", "new"}},
		{"in an element", []any{"cluster", "properties", "workerProfiles", 0, "new"}},
		{3.0, []any{"cluster", "properties", "workerProfiles", 0, "count"}},
		{"in the operation", []any{"cluster", "internal", "operation", "new"}},
		{false, []any{"cluster", "internal", "operation", "finished", 0, "new"}},
		{"x", []any{"cluster", "location"}},
		{"2", []any{"cluster", "tags", "t"}},
	} {
		if got := member(t, body, want.path...); got != want.value {
			t.Errorf("%v is %v, want %v", want.path, got, want.value)
		}
	}
}

const canary = "canary-8d1f"

func (d *database) secretive(t *testing.T) {
	t.Helper()
	d.create(t, "p", "a", func(c *store.ClusterDocument) {
		c.Cluster.Properties.ClusterProfile.PullSecret = canary + "-pull"
		c.Cluster.Properties.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "visible", ClientSecret: canary + "-client"}
		c.Cluster.Internal.AdminKubeconfig = canary + "-kubeconfig"
	})
}

func sealing(t *testing.T, d *database) {
	d.secretive(t)
	body := d.raw(t)
	if bytes.Contains(body, []byte("canary")) {
		t.Error("a secret lies open in the database")
	}
	if !bytes.Contains(body, []byte("visible")) {
		t.Error("what is no secret is not there")
	}
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if string(got.Cluster.Properties.ServicePrincipalProfile.ClientSecret) != canary+"-client" ||
		string(got.Cluster.Internal.AdminKubeconfig) != canary+"-kubeconfig" {
		t.Error("a secret did not come back")
	}
}

func views(t *testing.T, d *database) {
	d.secretive(t)
	page, _, err := d.Clusters.List(d.ctx, store.Query{Partition: "p", Limit: 1})
	check(t, err)
	view, err := d.Clusters.View(d.ctx, "p", "a")
	check(t, err)
	for how, seen := range map[string]*store.ClusterDocument{"viewed": view, "listed": page[0]} {
		profile := seen.Cluster.Properties.ServicePrincipalProfile
		if profile == nil || profile.ClientID != "visible" || profile.ClientSecret != "" || seen.Cluster.Internal.AdminKubeconfig != "" {
			t.Errorf("%s: %+v", how, seen.Cluster)
		}
		if _, err := d.Clusters.Claim(d.ctx, seen, "me", time.Minute); err == nil {
			t.Errorf("%s: was written without its secrets", how)
		}
		if err := d.Clusters.Delete(d.ctx, seen); err == nil {
			t.Errorf("%s: was deleted without a version", how)
		}
	}
}

func rotation(t *testing.T, d *database) {
	d.secretive(t)
	before := d.raw(t)
	young := store.NewKey()
	rotated := store.New(d.keeper, keyring(t, young+"\n"+d.keyLine))
	doc, err := rotated.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
	check(t, err)
	if string(doc.Cluster.Properties.ClusterProfile.PullSecret) != canary+"-pull" {
		t.Error("the old key does not open any more")
	}

	onlyYoung := store.New(d.keeper, keyring(t, young))
	if doc, err = onlyYoung.Clusters.Get(d.ctx, "p", "a"); err != nil || string(doc.Cluster.Internal.AdminKubeconfig) != canary+"-kubeconfig" {
		t.Errorf("a rewrite did not seal with the newest key: %v", err)
	}
	_, err = d.Clusters.Get(d.ctx, "p", "a")
	sealed, _ := member(t, d.raw(t), "cluster", "internal", "adminKubeconfig").(string)
	parts := strings.Split(sealed, ".")
	if err == nil || len(parts) != 3 || !strings.Contains(err.Error(), parts[1]) || strings.Contains(err.Error(), parts[2]) {
		t.Errorf("without the key: %v", err)
	}
	if old, _ := member(t, before, "cluster", "internal", "adminKubeconfig").(string); strings.HasPrefix(sealed, old[:11]) {
		t.Error("the key's id did not change")
	}
}

// sealedKubeconfig is a secret of document p/a as it is stored.
func (d *database) sealedKubeconfig(t *testing.T) string {
	t.Helper()
	sealed, _ := member(t, d.raw(t), "cluster", "internal", "adminKubeconfig").(string)
	if sealed == "" {
		t.Fatal("the secret is not stored")
	}
	return sealed
}

// binding: whoever can write the database, and no more, cannot have a secret shown
// by copying it to where its own are shown.
func binding(t *testing.T, d *database) {
	d.secretive(t)
	sealed := d.sealedKubeconfig(t)
	r, err := d.keeper.Read(d.ctx, clusters(t), "p", "a")
	check(t, err)
	for what, copied := range map[string]store.Record{
		"another path":      {Partition: "p", ID: "a", ETag: r.ETag, Body: []byte(`{"id":"a","partition":"p","cluster":{"internal":{"userAdminKubeconfig":"` + sealed + `"}}}`)},
		"another document":  {Partition: "p", ID: "c", Body: []byte(`{"id":"c","partition":"p","cluster":{"internal":{"adminKubeconfig":"` + sealed + `"}}}`)},
		"another partition": {Partition: "q", ID: "a", Body: []byte(`{"id":"a","partition":"q","cluster":{"internal":{"adminKubeconfig":"` + sealed + `"}}}`)},
	} {
		write := d.keeper.Create
		if copied.ETag != "" {
			write = d.keeper.Replace
		}
		_, err := write(d.ctx, clusters(t), copied)
		check(t, err)
		if _, err = d.Clusters.Get(d.ctx, copied.Partition, copied.ID); !errors.As(err, new(*store.UnreadableError)) {
			t.Errorf("%s: the secret opens: %v", what, err)
		}
	}
}

// unbound: what a release wrote that knew no places. The text was sealed by it, with
// the key of 32 zero bytes.
func unbound(t *testing.T, d *database) {
	const key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	const sealed = "v1.66687aad.AAAAAAAAAAAAAAAArcYuXD8ZRgFrKvSiYhjKsDrmpPlDphZosDQ"
	d.poisoned(t, `{"id":"a","partition":"p","cluster":{"internal":{"adminKubeconfig":"`+sealed+`"}}}`)
	old := store.New(d.keeper, keyring(t, key))
	doc, err := old.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
	check(t, err)
	if string(doc.Cluster.Internal.AdminKubeconfig) != "canary-old" {
		t.Errorf("opened as %d bytes", len(doc.Cluster.Internal.AdminKubeconfig))
	}
	if now := d.sealedKubeconfig(t); !strings.HasPrefix(now, "v2.") {
		t.Errorf("after a write it is stored as %.12s…", now)
	}
	if doc, err = old.Clusters.Get(d.ctx, "p", "a"); err != nil || string(doc.Cluster.Internal.AdminKubeconfig) != "canary-old" {
		t.Errorf("bound, it does not open any more: %v", err)
	}
}
