package server_test

import (
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

func TestAListLeavesOutWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	raw, driver := edge.NewRawFixture(t)
	w := &fixture{raw, t, raw.Store}
	w.ready(newest, "a-well")
	w.ready(newest, "c-well")
	ill := clusterID("b-ill")
	edge.Poison(t, driver, ill, described(ill, wrongType))
	for _, path := range []string{listPath, "/subscriptions/" + subscription + "/resourceGroups/Group-1" + providerPath + "/openShiftClusters"} {
		list := w.want(200, w.do("GET", path, newest, nil))
		if got := list.JSON["value"].([]any); len(got) != 2 || contains(string(list.Body), "canary") {
			t.Errorf("%s lists %d: %s", path, len(got), list.Body)
		}
	}
}

func TestACustomerIsToldThatARecordIsDamaged(t *testing.T) {
	t.Parallel()
	raw, driver := edge.NewRawFixture(t)
	w := &fixture{raw, t, raw.Store}
	ill, locked := clusterID("ill"), clusterID("locked")
	edge.Poison(t, driver, ill, described(ill, wrongType))
	edge.Poison(t, driver, locked, described(locked, missingKey))
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
