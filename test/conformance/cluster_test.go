package conformance

import (
	"context"
	"net/http"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// cluster is one that a check made; the end of the check deletes it.
type cluster struct {
	id   arm.ClusterID
	path string
	// body is what it was created with, version the api-version of that.
	body    harness.Object
	version string
	// created is the answer to the create.
	created *harness.Reply
}

// begin creates a cluster and does not wait. edit may change the body.
func (t *T) begin(prefix, version string, edit func(harness.Object)) *cluster {
	t.Helper()
	return t.beginAs(t.id(prefix), version, edit)
}

func (t *T) beginAs(id arm.ClusterID, version string, edit func(harness.Object)) *cluster {
	t.Helper()
	c := &cluster{id: id, path: id.String(), version: version, body: harness.Body(version, id, t.location)}
	if edit != nil {
		edit(c.body)
	}
	t.Cleanup(func() { t.kit.discard(c) })
	c.created = t.want(t.put(c.path, version, c.body), http.StatusCreated)
	return c
}

// discard deletes without asking how it went; whatever a check left behind ends here.
func (k *kit) discard(c *cluster) {
	k.held.Delete(c.id.Name)
	_, _ = k.client.Do(context.Background(), harness.Request{Method: http.MethodDelete, Path: c.path, Version: harness.Newest})
}

// ready creates a cluster and waits until that succeeded.
func (t *T) ready(prefix, version string, edit func(harness.Object)) *cluster {
	t.Helper()
	t.needs(t.can.getReady)
	c := t.begin(prefix, version, edit)
	t.succeeds(c.created)
	return c
}

// busy creates a cluster that stays Creating until it is let go.
func (t *T) busy() *cluster {
	t.Helper()
	id := t.id("busy")
	t.held.Store(id.Name, true)
	return t.beginAs(id, harness.Newest, nil)
}

// letGo lets a held cluster get ready.
func (t *T) letGo(c *cluster) { t.held.Delete(c.id.Name) }

// shared is a ready cluster that checks may read and must not change.
func (t *T) shared() *cluster {
	t.Helper()
	t.needs(t.can.getReady)
	t.once.Do(func() {
		id := t.id("shared")
		c := &cluster{id: id, path: id.String(), version: harness.Newest, body: harness.Body(harness.Newest, id, t.location)}
		c.created = t.want(t.put(c.path, c.version, c.body), http.StatusCreated)
		t.succeeds(c.created)
		t.kit.common = c
	})
	if t.common == nil {
		t.Fatalf("the shared cluster could not be created")
	}
	return t.common
}

// work is a PATCH that makes a worker act on a cluster, in every api-version.
func work(salt string) harness.Object {
	return harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": harness.ClientSecretCanary + salt}}}
}

func (t *T) groupPath() string {
	return "/subscriptions/" + t.subscription + "/resourceGroups/" + t.group + "/providers/" + arm.ClusterResourceType
}

func (t *T) locationPath(subscription string) string {
	return "/subscriptions/" + subscription + "/providers/" + arm.Namespace + "/locations/" + t.location
}

// walk lists to the end and returns the items' ids, and fails on a walk without end.
func (t *T) walk(first string) []string {
	t.Helper()
	var ids []string
	next, version := first, harness.Newest
	for range 1000 {
		page := t.want(t.get(next, version), http.StatusOK)
		items, _ := page.JSON["value"].([]any)
		for _, item := range items {
			o, _ := item.(harness.Object)
			ids = append(ids, harness.Text(o, "id"))
		}
		link, there := page.JSON["nextLink"]
		if !there || link == nil {
			return ids
		}
		next, version = t.local(page.Text("nextLink")), ""
	}
	t.Fatalf("the list at %s does not end", first)
	return nil
}

// local makes a public URL one that the kit can reach.
func (t *T) local(public string) string {
	if _, rest, ok := strings.Cut(public, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return t.rp + rest[i:]
		}
	}
	return public
}

func sameID(a, b string) bool { return strings.EqualFold(a, b) }
