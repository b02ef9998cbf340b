package storetest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// newer is a document with members that this release does not know, at every depth.
const newer = `{"id":"a","partition":"p","new":{"deep":[1,{"x":null}]},"cluster":{"new":12345678901,"tags":{"t":"1"},
"identity":{"userAssignedIdentities":{"/id/1":{"new":"in a map value","clientId":"c"}}},
"properties":{"new":true,"clusterProfile":{"new":0.25},"workerProfiles":[{"name":"w","new":"in an element"}]},
"internal":{"operation":{"new":"in the operation","finished":[{"name":"s","new":false}]}}}}`

func unknownMembers(t *testing.T, d *database) {
	_, err := d.driver.Create(d.ctx, clusters(t), store.Record{Partition: "p", ID: "a", Body: []byte(newer)})
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
	body, secrets := d.raw(t), d.record(t).Secrets
	if bytes.Contains(body, []byte("canary")) || bytes.Contains(secrets, []byte("canary")) || len(secrets) == 0 {
		t.Error("a secret is in plain text in the database")
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

// together: body and secrets are written with one ETag, and removed together.
func together(t *testing.T, d *database) {
	d.secretive(t)
	first := d.record(t)
	raise := func(c *store.ClusterDocument) error { c.Cluster.Internal.Revision++; return nil }
	_, err := d.Clusters.Update(d.ctx, "p", "a", raise)
	check(t, err)
	if now := d.record(t); !bytes.Equal(now.Secrets, first.Secrets) {
		t.Error("secrets that did not change were sealed again")
	}
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
		c.Cluster.Internal.AdminKubeconfig = canary + "-2"
		return nil
	})
	check(t, err)
	second := d.record(t)
	if bytes.Equal(second.Secrets, first.Secrets) {
		t.Error("a secret that changed was not written")
	}
	stale := first
	stale.SecretsKept = false
	_, err = d.driver.Replace(d.ctx, clusters(t), stale)
	wantError(t, "a write of the version before", err, store.ErrPreconditionFailed)
	if now := d.record(t); !bytes.Equal(now.Secrets, second.Secrets) {
		t.Error("a refused write changed the secrets")
	}
	doc, err := d.Clusters.Get(d.ctx, "p", "a")
	if err != nil || string(doc.Cluster.Internal.AdminKubeconfig) != canary+"-2" ||
		string(doc.Cluster.Properties.ClusterProfile.PullSecret) != canary+"-pull" {
		t.Errorf("a secret did not come back: %v", err)
	}
	_, err = d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
		c.Cluster.Properties.ClusterProfile.PullSecret, c.Cluster.Internal.AdminKubeconfig = "", ""
		c.Cluster.Properties.ServicePrincipalProfile = nil
		return nil
	})
	check(t, err)
	if now := d.record(t); now.Secrets != nil {
		t.Errorf("without a secret there are %d bytes of them", len(now.Secrets))
	}
	d.atSecondTime(t)
}

// atSecondTime: a document with the id of a deleted one has nothing of it.
func (d *database) atSecondTime(t *testing.T) {
	t.Helper()
	doc, err := d.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
		c.Cluster.Internal.SSHKey = canary
		return nil
	})
	check(t, err)
	check(t, d.Clusters.Delete(d.ctx, doc))
	d.create(t, "p", "a", nil)
	if now := d.record(t); now.Secrets != nil {
		t.Error("a deleted document's secrets are there still")
	}
}

func closed(t *testing.T, d *database) {
	d.secretive(t)
	before := d.record(t)
	tag := func(c *store.ClusterDocument) error { c.Cluster.Tags = map[string]string{"a": "b"}; return nil }
	doc, err := d.Clusters.UpdateSealed(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
		if strings.Contains(string(c.Cluster.Internal.AdminKubeconfig), canary) || c.Cluster.Internal.AdminKubeconfig == "" {
			t.Error("a closed secret is open or gone")
		}
		return tag(c)
	})
	check(t, err)
	lease := func() { // it then continues like any other
		_, err := d.Clusters.UpdateSealed(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Due = store.Due(0); return nil })
		check(t, err)
		l := d.claim(t, "w", time.Minute)
		if string(l.Doc().Cluster.Internal.AdminKubeconfig) != canary+"-kubeconfig" {
			t.Error("a worker does not get the secrets")
		}
		check(t, l.Save(d.ctx, tag))
		check(t, l.Release(d.ctx, nothing, nil))
	}
	lease()
	if now := d.record(t); !bytes.Equal(now.Secrets, before.Secrets) || doc.ETag == "" {
		t.Error("closed secrets were sealed again")
	}
	runs := 0
	_, err = d.Clusters.UpdateSealed(d.ctx, "p", "a", func(c *store.ClusterDocument) error {
		if runs++; runs == 1 {
			return store.ErrSealed
		}
		c.Cluster.Location = string(c.Cluster.Internal.AdminKubeconfig)
		return nil
	})
	check(t, err)
	_, err = d.Clusters.UpdateSealed(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Internal.SSHKey = "new"; return nil })
	check(t, err)
	got, err := d.Clusters.Get(d.ctx, "p", "a")
	check(t, err)
	if got.Cluster.Location != canary+"-kubeconfig" || got.Cluster.Internal.SSHKey != "new" ||
		string(got.Cluster.Properties.ClusterProfile.PullSecret) != canary+"-pull" {
		t.Errorf("in the end location %q", got.Cluster.Location)
	}
}

func rotation(t *testing.T, d *database) {
	d.secretive(t)
	old := keyOf(d.record(t))
	young := store.NewKey()
	rotated := store.New(d.driver, keyring(t, young+"\n"+d.keyLine))
	doc, err := rotated.Clusters.Update(d.ctx, "p", "a", func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
	check(t, err)
	if string(doc.Cluster.Properties.ClusterProfile.PullSecret) != canary+"-pull" {
		t.Error("the old key does not open any more")
	}

	onlyYoung := store.New(d.driver, keyring(t, young))
	if doc, err = onlyYoung.Clusters.Get(d.ctx, "p", "a"); err != nil || string(doc.Cluster.Internal.AdminKubeconfig) != canary+"-kubeconfig" {
		t.Errorf("a rewrite did not seal with the newest key: %v", err)
	}
	now := keyOf(d.record(t))
	if _, err = d.Clusters.Get(d.ctx, "p", "a"); err == nil || !strings.Contains(err.Error(), "sealed with key "+now) {
		t.Errorf("without the key: %v", err)
	}
	if now == old {
		t.Error("the key's id did not change")
	}
}

// keyOf returns the id of the key with which a record's secrets are encrypted.
func keyOf(r store.Record) string { return hex.EncodeToString(r.Secrets[1:5]) }

// binding: write access to the database is not enough to disclose a secret by
// copying it to another place.
func binding(t *testing.T, d *database) {
	d.secretive(t)
	r := d.record(t)
	for what, copied := range map[string]store.Record{
		"another path":      {Partition: "p", ID: "a", ETag: r.ETag, Body: []byte(`{"id":"a","partition":"p","cluster":{"internal":{"userAdminKubeconfig":"v3.apart"}}}`)},
		"another document":  {Partition: "p", ID: "c", Body: []byte(`{"id":"c","partition":"p","cluster":{"internal":{"adminKubeconfig":"v3.apart"}}}`)},
		"another partition": {Partition: "q", ID: "a", Body: []byte(`{"id":"a","partition":"q","cluster":{"internal":{"adminKubeconfig":"v3.apart"}}}`)},
	} {
		write := d.driver.Create
		if copied.ETag != "" {
			write = d.driver.Replace
		}
		copied.Secrets = r.Secrets
		_, err := write(d.ctx, clusters(t), copied)
		check(t, err)
		if _, err = d.Clusters.Get(d.ctx, copied.Partition, copied.ID); !errors.As(err, new(*store.UnreadableError)) {
			t.Errorf("%s: the secret opens: %v", what, err)
		}
	}
}

// Secrets as earlier releases stored them in the document, the second bound to its
// place, with the key of 32 zero bytes.
const (
	zeroKey     = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	unboundText = "v1.66687aad.AAAAAAAAAAAAAAAArcYuXD8ZRgFrKvSiYhjKsDrmpPlDphZosDQ"
	boundText   = "v2.66687aad.uoxQL7KobzCNxBAS1jQurjFe7YA7_rWG9KM2d5PD7XPkYg5uYo0"
)

func inline(t *testing.T, d *database) {
	for name, sealed := range map[string]string{"unbound": unboundText, "bound": boundText} {
		id := d.poisoned(t, `{"id":"`+name+`","partition":"p","cluster":{"internal":{"adminKubeconfig":"`+sealed+`"}}}`)
		old := store.New(d.driver, keyring(t, zeroKey))
		view, err := old.Clusters.View(d.ctx, "p", id)
		if err != nil || view.Cluster.Internal.AdminKubeconfig != "" {
			t.Errorf("%s: viewed with the secret, or %v", name, err)
		}
		doc, err := old.Clusters.UpdateSealed(d.ctx, "p", id, func(c *store.ClusterDocument) error { c.Cluster.Location = "x"; return nil })
		check(t, err)
		if string(doc.Cluster.Internal.AdminKubeconfig) != "canary-old" {
			t.Errorf("%s: opened as %d bytes", name, len(doc.Cluster.Internal.AdminKubeconfig))
		}
		r, err := d.driver.Read(d.ctx, clusters(t), "p", id)
		check(t, err)
		if bytes.Contains(r.Body, []byte("66687aad")) || len(r.Secrets) == 0 {
			t.Errorf("%s: after a write it is stored as %s", name, r.Body)
		}
		if doc, err = old.Clusters.Get(d.ctx, "p", id); err != nil || string(doc.Cluster.Internal.AdminKubeconfig) != "canary-old" {
			t.Errorf("%s: moved, it does not open any more: %v", name, err)
		}
	}
}
