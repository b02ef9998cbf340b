package server_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const listPath = "/subscriptions/" + subscription + providerPath + "/openShiftClusters"

func groupList(group string) string {
	return "/subscriptions/" + subscription + "/resourceGroups/" + group + providerPath + "/openShiftClusters"
}

// fill stores n ready clusters in a group without going through the API.
func (w *fixture) fill(group string, n int) {
	w.t.Helper()
	for i := range n {
		w.insert(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: group, Name: fmt.Sprintf("cluster-%05d", i)})
	}
}

func (w *fixture) insert(id arm.ClusterID) {
	w.t.Helper()
	doc := store.NewCluster(id)
	doc.Cluster = model.Cluster{ID: id.String(), Name: id.Name, Type: arm.ClusterResourceType, Location: location}
	doc.Cluster.Properties.ProvisioningState = model.Succeeded
	doc.Cluster.Properties.ClusterProfile.PullSecret = "pull-secret-canary"
	doc.Cluster.Internal.UID = newID()
	if err := w.store.Clusters.Create(w.t.Context(), doc); err != nil {
		w.t.Fatal(err)
	}
}

// walk follows nextLink from path and calls between after each page.
func (w *fixture) walk(path, version string, between func(page int)) []string {
	w.t.Helper()
	var ids []string
	for page := 0; path != ""; page++ {
		reply := w.want(200, w.do("GET", path, version, nil))
		for _, item := range reply.JSON["value"].([]any) {
			ids = append(ids, harness.Text(item.(harness.Object), "name"))
		}
		if next, there := reply.JSON["nextLink"]; there && next == "" {
			w.t.Fatal("nextLink is empty instead of absent")
		}
		if between != nil {
			between(page)
		}
		path, version = reply.Text("nextLink"), ""
	}
	return ids
}

func TestListsPageThroughEverythingOnce(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.fill("big", 250)
	w.fill("small", 3)
	if ids := w.walk(listPath, newest, nil); len(ids) != 253 {
		t.Errorf("the subscription lists %d clusters, want 253", len(ids))
	}
	if ids := w.walk(groupList("SMALL"), newest, nil); len(ids) != 3 {
		t.Errorf("the group lists %q", ids)
	}
	if ids := w.walk(groupList("smal"), newest, nil); len(ids) != 0 {
		t.Errorf("a group whose name another's begins with lists %q", ids)
	}
	if r := w.do("GET", groupList("none"), newest, nil); string(r.Body) != `{"value":[]}` {
		t.Error(r)
	}
	if r := w.do("GET", listPath, newest, nil); len(r.JSON["value"].([]any)) != 100 || contains(string(r.Body), "canary") {
		t.Errorf("a page has %d clusters", len(r.JSON["value"].([]any)))
	}
	if ids := w.walk(groupList("big")+"?$top=7", newest, nil); len(ids) != 250 {
		t.Errorf("pages of 7 list %d clusters", len(ids))
	}
	for _, top := range []string{"0", "-1", "x", "1.5", "99999999999999999999"} {
		w.wantError(arm.InvalidParameter, w.do("GET", listPath+"?$top="+top, newest, nil))
	}
}

func TestListsAreStableUnderWrites(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.fill("walk", 40)
	ids := w.walk(groupList("walk")+"?$top=10", newest, func(page int) {
		w.insert(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "walk", Name: fmt.Sprintf("aaa-%d", page)})
		w.alter(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "walk", Name: "cluster-00005"}, func(doc *store.ClusterDocument) {
			doc.Cluster.Internal.Revision++
		})
		doc, err := w.store.Clusters.Get(t.Context(), subscription, fmt.Sprintf("walk|cluster-%05d", 39-page))
		if err == nil {
			err = w.store.Clusters.Delete(t.Context(), doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	seen := map[string]int{}
	for _, id := range ids {
		seen[id]++
	}
	for i := range 30 {
		if n := seen[fmt.Sprintf("cluster-%05d", i)]; n != 1 {
			t.Errorf("cluster %d was listed %d times", i, n)
		}
	}
}

func TestTokensAreOfOneListOnly(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.fill("a", 3)
	w.fill("b", 3)
	const tenant = "X-Ms-Home-Tenant-Id"
	token := func(path string, headers ...string) string {
		next, err := url.Parse(w.want(200, w.do("GET", path+"?$top=1", newest, nil, headers...)).Text("nextLink"))
		if err != nil {
			t.Fatal(err)
		}
		return next.Query().Get("$skipToken")
	}
	use := func(path, token string, headers ...string) *harness.Reply {
		return w.do("GET", path+"?$skipToken="+url.QueryEscape(token), newest, nil, headers...)
	}
	a := token(groupList("a"))
	w.want(200, use(groupList("a"), a))
	w.want(200, use(groupList("A"), a))
	other := strings.Replace(groupList("a"), subscription, newID(), 1)
	for why, r := range map[string]*harness.Reply{
		"another group":        use(groupList("b"), a),
		"the subscription":     use(listPath, a),
		"another subscription": use(other, a),
		"another tenant":       use(groupList("a"), a, tenant, newID()),
		"no tenant":            use(groupList("a"), token(groupList("a"), tenant, newID())),
		"cut":                  use(groupList("a"), a[:len(a)-1]),
		"changed":              use(groupList("a"), map[bool]string{true: "B", false: "A"}[a[0] == 'A']+a[1:]),
		"text":                 use(groupList("a"), "a|cluster-00001"),
		"not base64":           use(groupList("a"), "%%%"),
	} {
		if r.Status != 400 || r.Code() != arm.InvalidParameter.Name || r.Targets()[0] != "$skipToken" {
			t.Errorf("%s: %v", why, r)
		}
	}
	if raw := strings.ToLower(a); contains(raw, "cluster") || contains(raw, subscription) {
		t.Errorf("token %s can be read", a)
	}
}

func TestTokensOutliveAKeyRotation(t *testing.T) {
	t.Parallel()
	young, old := store.NewKey(), store.NewKey()
	keys := func(lines ...string) *store.Keyring {
		ring, err := store.ParseKeyring([]byte(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	before := newFixture(t, func(c *edge.Options) { c.Keys = keys(old) })
	before.fill("a", 3)
	next := before.do("GET", groupList("a")+"?$top=1", newest, nil).Text("nextLink")
	path := strings.TrimPrefix(next, before.HTTP.URL)

	after := newFixture(t, func(c *edge.Options) { c.Store, c.Keys = before.store, keys(young, old) })
	after.want(200, after.do("GET", path, "", nil))
	stranger := newFixture(t, func(c *edge.Options) { c.Store, c.Keys = before.store, keys(young) })
	stranger.wantError(arm.InvalidParameter, stranger.do("GET", path, "", nil))

	// Where the newer key is not known yet, its token makes it known.
	next = stranger.do("GET", groupList("a")+"?$top=1", newest, nil).Text("nextLink")
	behind := keys(old)
	behind.Follow(func(context.Context) ([]byte, error) { return []byte(young + "\n" + old), nil })
	late := newFixture(t, func(c *edge.Options) { c.Store, c.Keys = before.store, behind })
	late.want(200, late.do("GET", strings.TrimPrefix(next, stranger.HTTP.URL), "", nil))
}

func TestLinksAreOnTheClientsHost(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.fill("a", 2)
	for referer, want := range map[string]string{
		"https://management.example.com/subscriptions/x?api-version=y": "https://management.example.com/",
		"https://management.example.com":                               "https://management.example.com/",
		"http://localhost:8443/x":                                      "http://localhost:8443/",
		"":                                                             w.HTTP.URL + "/",
		"javascript://x/":                                              w.HTTP.URL + "/",
		"https://user:password@host/":                                  w.HTTP.URL + "/",
		"https://":                                                     w.HTTP.URL + "/",
		"no url":                                                       w.HTTP.URL + "/",
	} {
		next := w.do("GET", groupList("a")+"?$top=1&extra=kept", newest, nil, "Referer", referer).Text("nextLink")
		u, err := url.Parse(next)
		if err != nil || !strings.HasPrefix(next, want+"subscriptions/") || u.Query().Get("api-version") != newest || u.Query().Get("extra") != "kept" {
			t.Errorf("Referer %q: nextLink %q, want it on %s", referer, next, want)
		}
	}
}

func TestListsHoldNothingOfTheStoredSecrets(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := w.ready(newest, "secrets")
	for _, version := range harness.Versions() {
		for _, path := range []string{id.String(), listPath, groupList("Group-1")} {
			body := string(w.want(200, w.do("GET", path, version, nil)).Body)
			for _, secret := range []string{harness.PullSecretCanary, harness.ClientSecretCanary, "kubeconfig-canary", "password-canary", "ullSecret"} {
				if contains(body, secret) {
					t.Errorf("%s of %s has %s", path, version, secret)
				}
			}
		}
	}
}
