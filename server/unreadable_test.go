package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// sickWorld is a world whose database can be written raw.
func sickWorld(t *testing.T) (*world, store.Driver) {
	t.Helper()
	var driver store.Driver
	st := openStore(t, func(k store.Driver) store.Driver { driver = k; return k })
	w := newWorld(t, func(c *edge.Options) { c.Store = st })
	w.store = st
	return w, driver
}

// poison puts raw JSON in the place of the cluster's content, or of a new cluster's.
func poison(t *testing.T, k store.Driver, id arm.ClusterID, cluster string) {
	t.Helper()
	body := fmt.Sprintf(`{"id":%q,"partition":%q,"due":600,"cluster":%s}`, id.Key(), id.Partition(), cluster)
	clusters := store.Containers()[0]
	r := store.Record{Partition: id.Partition(), ID: id.Key(), Body: []byte(body)}
	old, err := k.Read(t.Context(), clusters, r.Partition, r.ID)
	if err == nil {
		r.ETag = old.ETag
		_, err = k.Replace(t.Context(), clusters, r)
	} else {
		_, err = k.Create(t.Context(), clusters, r)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const (
	wrongType  = `{"id":"ID","name":"NAME","properties":{"provisioningState":"Succeeded","clusterProfile":"canary"}}`
	missingKey = `{"id":"ID","name":"NAME","properties":{"provisioningState":"Succeeded","clusterProfile":{"pullSecret":"v2.00000000.canary"}}}`
)

func described(id arm.ClusterID, cluster string) string {
	return strings.NewReplacer("ID", id.String(), "NAME", id.Name).Replace(cluster)
}

func TestAListLeavesOutWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	w, driver := sickWorld(t)
	w.ready(newest, "a-well")
	w.ready(newest, "c-well")
	ill := clusterID("b-ill")
	poison(t, driver, ill, described(ill, wrongType))
	for _, path := range []string{listPath, "/subscriptions/" + subscription + "/resourceGroups/Group-1" + providerPath + "/openShiftClusters"} {
		list := w.want(200, w.do("GET", path, newest, nil))
		if got := list.JSON["value"].([]any); len(got) != 2 || contains(string(list.Body), "canary") {
			t.Errorf("%s lists %d: %s", path, len(got), list.Body)
		}
	}
}

func TestACustomerIsToldThatARecordIsDamaged(t *testing.T) {
	t.Parallel()
	w, driver := sickWorld(t)
	ill, locked := clusterID("ill"), clusterID("locked")
	poison(t, driver, ill, described(ill, wrongType))
	poison(t, driver, locked, described(locked, missingKey))
	body := harness.Body(newest, ill, location)
	for _, r := range []*harness.Reply{
		w.do("GET", ill.String(), newest, nil),
		w.do("PUT", ill.String(), newest, body),
		w.do("PATCH", ill.String(), newest, harness.Object{"tags": harness.Object{}}),
		w.do("DELETE", ill.String(), newest, nil),
		w.do("POST", ill.String()+"/listCredentials", newest, nil),
		w.do("PATCH", locked.String(), newest, harness.Object{"tags": harness.Object{}}),
		w.do("DELETE", locked.String(), newest, nil),
		w.do("POST", locked.String()+"/listAdminCredentials", newest, nil),
	} {
		w.wantError(arm.RecordUnreadable, r)
		if contains(string(r.Body), "canary") || contains(string(r.Body), "clusterProfile") || !contains(r.Message(), "correlation id") {
			t.Error(r)
		}
	}
}

func TestEngineersSeeAndTreatWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	w, driver := sickWorld(t)
	w.ready(newest, "a-well")
	ill, locked, lost := clusterID("b-ill"), clusterID("c-locked"), clusterID("d-lost")
	poison(t, driver, ill, described(ill, wrongType))
	poison(t, driver, locked, described(locked, missingKey))
	poison(t, driver, lost, `"canary"`)

	list := w.want(200, w.do("GET", "/admin/clusters", "", nil))
	for i, want := range []string{"", "cluster.properties.clusterProfile is a JSON string", "sealed with key 00000000", "cluster is a JSON string"} {
		got, at := harness.Text(list.JSON, fmt.Sprintf("value.%d.unreadable", i)), fmt.Sprintf("value.%d.", i)
		if !contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%d is unreadable because %q, want %q", i, got, want)
		}
		if harness.Text(list.JSON, at+"subscription") != subscription || harness.Text(list.JSON, at+"key") == "" {
			t.Errorf("%d: %s", i, list.Body)
		}
	}
	for filter, want := range map[string]int{"unreadable=true": 3, "unreadable=false": 1, "name=lock": 1, "state=succeeded": 1, "unreadable=true&subscription=ffff": 0} {
		if got := len(w.want(200, w.do("GET", "/admin/clusters?"+filter, "", nil)).JSON["value"].([]any)); got != want {
			t.Errorf("%s finds %d, want %d", filter, got, want)
		}
	}
	found := w.want(200, w.do("GET", "/admin/documents/Clusters", "", nil))
	if len(found.JSON["value"].([]any)) != 3 || harness.Text(found.JSON, "value.0.id") != ill.Key() || contains(string(list.Body)+string(found.Body), "canary") {
		t.Errorf("%s\n%s", list.Body, found.Body)
	}
	told := w.wantError(arm.RecordUnreadable, w.do("GET", "/admin"+ill.String(), "", nil))
	if !contains(told.Message(), "clusterProfile is a JSON string") {
		t.Error(told)
	}

	document := func(id arm.ClusterID) string {
		return "/admin/documents/clusters/" + id.Partition() + "/" + strings.ReplaceAll(id.Key(), "|", "%7C")
	}
	profile := func(value any) harness.Object {
		return harness.Object{"cluster": harness.Object{"properties": harness.Object{"clusterProfile": value}}}
	}
	left := w.wantError(arm.InvalidRequestContent, w.do("PATCH", document(ill), "", profile(17)))
	if !contains(left.Message(), "clusterProfile is a JSON number") {
		t.Error(left)
	}
	w.wantError(arm.InvalidRequestContent, w.do("PATCH", document(ill), "", harness.Object{"id": "other", "cluster": harness.Object{}}))
	w.want(204, w.do("PATCH", document(ill), "", profile(harness.Object{"version": "4.17.27"})))
	w.want(204, w.do("PATCH", document(locked), "", profile(harness.Object{"pullSecret": nil})))
	w.want(204, w.do("DELETE", document(lost), "", nil))
	for _, id := range []arm.ClusterID{ill, locked} {
		doc, err := w.store.Clusters.Get(t.Context(), id.Partition(), id.Key())
		if err != nil || doc.Due == nil || *doc.Due != 0 {
			t.Errorf("%s was not repaired: %v", id.Name, err)
		}
	}
	w.wantError(arm.ResourceNotFound, w.do("GET", lost.String(), newest, nil))

	well := clusterID("a-well")
	w.wantError(arm.RequestNotAllowed, w.do("PATCH", document(well), "", profile(nil)))
	w.wantError(arm.RequestNotAllowed, w.do("DELETE", document(well), "", nil))
	w.wantError(arm.NotFound, w.do("DELETE", document(lost), "", nil))
	w.wantError(arm.NotFound, w.do("GET", "/admin/documents/Nothing", "", nil))
	w.wantError(arm.InvalidRequestContent, w.do("PATCH", document(well), "", []byte(`[]`)))
}

func TestTheAdminListHasPages(t *testing.T) {
	t.Parallel()
	w, driver := sickWorld(t)
	for i := range 5 {
		w.create(newest, fmt.Sprintf("c%d", i))
	}
	poison(t, driver, clusterID("c2-ill"), `"canary"`)
	for _, filter := range []string{"top=2", "top=1", "top=500", "top=1&name=c"} {
		var names []string
		for next, pages := "/admin/clusters?"+filter, 0; next != ""; pages++ {
			if pages > 10 {
				t.Fatal("the walk does not end")
			}
			page := w.want(200, w.do("GET", next, "", nil))
			for i := range page.JSON["value"].([]any) {
				names = append(names, harness.Text(page.JSON, fmt.Sprintf("value.%d.name", i)))
			}
			next = page.Text("nextLink")
		}
		if got := strings.Join(names, " "); got != "c0 c1 c2 c2-ill c3 c4" {
			t.Errorf("%s: walked %s", filter, got)
		}
	}
	for _, bad := range []string{"top=0", "top=501", "top=x", "skipToken=x"} {
		w.wantError(arm.InvalidParameter, w.do("GET", "/admin/clusters?"+bad, "", nil))
	}
	first := w.want(200, w.do("GET", "/admin/clusters?top=1", "", nil)).Text("nextLink")
	_, token, _ := strings.Cut(first, "skipToken=")
	token, _, _ = strings.Cut(token, "&")
	w.wantError(arm.InvalidParameter, w.do("GET", "/admin/documents/Clusters?skipToken="+token, "", nil))
}
