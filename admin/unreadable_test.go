package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

const (
	wrongType  = `{"id":"ID","name":"NAME","properties":{"provisioningState":"Succeeded","clusterProfile":"canary"}}`
	missingKey = `{"id":"ID","name":"NAME","properties":{"provisioningState":"Succeeded","clusterProfile":{"pullSecret":"v2.00000000.canary"}}}`
)

func described(id arm.ClusterID, cluster string) string {
	return strings.NewReplacer("ID", id.String(), "NAME", id.Name).Replace(cluster)
}

func TestEngineersSeeAndTreatWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	w, driver := edge.NewRawFixture(t)
	w.Ready(harness.Newest, "a-well")
	ill, locked, lost := edge.ClusterID("b-ill"), edge.ClusterID("c-locked"), edge.ClusterID("d-lost")
	edge.Poison(t, driver, ill, described(ill, wrongType))
	edge.Poison(t, driver, locked, described(locked, missingKey))
	edge.Poison(t, driver, lost, `"canary"`)

	list := w.Want(200, w.Send("GET", "/admin/clusters", "", nil))
	for i, want := range []string{"", "cluster.properties.clusterProfile is a JSON string", "sealed with key 00000000", "cluster is a JSON string"} {
		got, at := harness.Text(list.JSON, fmt.Sprintf("value.%d.unreadable", i)), fmt.Sprintf("value.%d.", i)
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%d is unreadable because %q, want %q", i, got, want)
		}
		if harness.Text(list.JSON, at+"subscription") != edge.Subscription || harness.Text(list.JSON, at+"key") == "" {
			t.Errorf("%d: %s", i, list.Body)
		}
	}
	for filter, want := range map[string]int{"unreadable=true": 3, "unreadable=false": 1, "name=lock": 1, "state=succeeded": 1, "unreadable=true&subscription=ffff": 0} {
		if got := len(w.Want(200, w.Send("GET", "/admin/clusters?"+filter, "", nil)).JSON["value"].([]any)); got != want {
			t.Errorf("%s finds %d, want %d", filter, got, want)
		}
	}
	found := w.Want(200, w.Send("GET", "/admin/documents/Clusters", "", nil))
	if len(found.JSON["value"].([]any)) != 3 || harness.Text(found.JSON, "value.0.id") != ill.Key() || strings.Contains(string(list.Body)+string(found.Body), "canary") {
		t.Errorf("%s\n%s", list.Body, found.Body)
	}
	told := w.WantError(arm.RecordUnreadable, w.Send("GET", "/admin"+ill.String(), "", nil))
	if !strings.Contains(told.Message(), "clusterProfile is a JSON string") {
		t.Error(told)
	}

	document := func(id arm.ClusterID) string {
		return "/admin/documents/clusters/" + id.Partition() + "/" + strings.ReplaceAll(id.Key(), "|", "%7C")
	}
	profile := func(value any) harness.Object {
		return harness.Object{"cluster": harness.Object{"properties": harness.Object{"clusterProfile": value}}}
	}
	left := w.WantError(arm.InvalidRequestContent, w.Send("PATCH", document(ill), "", profile(17)))
	if !strings.Contains(left.Message(), "clusterProfile is a JSON number") {
		t.Error(left)
	}
	w.WantError(arm.InvalidRequestContent, w.Send("PATCH", document(ill), "", harness.Object{"id": "other", "cluster": harness.Object{}}))
	w.Want(204, w.Send("PATCH", document(ill), "", profile(harness.Object{"version": "4.17.27"})))
	w.Want(204, w.Send("PATCH", document(locked), "", profile(harness.Object{"pullSecret": nil})))
	w.Want(204, w.Send("DELETE", document(lost), "", nil))
	for _, id := range []arm.ClusterID{ill, locked} {
		doc, err := w.Store.Clusters.Get(t.Context(), id.Partition(), id.Key())
		if err != nil || doc.Due == nil || *doc.Due != 0 {
			t.Errorf("%s was not repaired: %v", id.Name, err)
		}
	}
	w.WantError(arm.ResourceNotFound, w.Send("GET", lost.String(), harness.Newest, nil))

	well := edge.ClusterID("a-well")
	w.WantError(arm.RequestNotAllowed, w.Send("PATCH", document(well), "", profile(nil)))
	w.WantError(arm.RequestNotAllowed, w.Send("DELETE", document(well), "", nil))
	w.WantError(arm.NotFound, w.Send("DELETE", document(lost), "", nil))
	w.WantError(arm.NotFound, w.Send("GET", "/admin/documents/Nothing", "", nil))
	w.WantError(arm.InvalidRequestContent, w.Send("PATCH", document(well), "", []byte(`[]`)))
}

func TestTheAdminListHasPages(t *testing.T) {
	t.Parallel()
	w, driver := edge.NewRawFixture(t)
	for i := range 5 {
		w.Create(harness.Newest, fmt.Sprintf("c%d", i))
	}
	edge.Poison(t, driver, edge.ClusterID("c2-ill"), `"canary"`)
	for _, filter := range []string{"top=2", "top=1", "top=500", "top=1&name=c"} {
		var names []string
		for next, pages := "/admin/clusters?"+filter, 0; next != ""; pages++ {
			if pages > 10 {
				t.Fatal("the walk does not end")
			}
			page := w.Want(200, w.Send("GET", next, "", nil))
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
		w.WantError(arm.InvalidParameter, w.Send("GET", "/admin/clusters?"+bad, "", nil))
	}
	first := w.Want(200, w.Send("GET", "/admin/clusters?top=1", "", nil)).Text("nextLink")
	_, token, _ := strings.Cut(first, "skipToken=")
	token, _, _ = strings.Cut(token, "&")
	w.WantError(arm.InvalidParameter, w.Send("GET", "/admin/documents/Clusters?skipToken="+token, "", nil))
}
