package cluster

import (
	"net/http"
	"slices"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

const (
	zoneID  = ownID + "/resourceGroups/aro-rp/providers/Microsoft.Network/dnsZones/eastus.aroapp.test/A/"
	apiName = zoneID + "api.one"
	appName = zoneID + "*.apps.one"
)

func ownedBy(id string) map[string]any {
	return map[string]any{"etag": "e1", "properties": map[string]any{"TTL": 300, "metadata": map[string]any{"resourceId": id}}}
}

func TestADomainIsWhoseReservesItFirst(t *testing.T) {
	tests := map[string]struct {
		why   string
		owner string // of the record that is there
		raced bool   // another client is faster
		taken bool
	}{
		"free":      {why: "it is not taken"},
		"ours":      {why: "a repetition finds its own", owner: customerID + "/resourcegroups/RG/providers/Microsoft.RedHatOpenShift/openShiftClusters/one"},
		"another's": {why: "another cluster has it", owner: "/subscriptions/x", taken: true},
		"raced":     {why: "another cluster got it in between", raced: true, taken: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			if test.owner != "" {
				s.put(apiName, ownedBy(test.owner))
			}
			if test.raced {
				s.on("PUT "+apiName, func(*http.Request, []byte) (int, any) {
					return http.StatusPreconditionFailed, refusal("PreconditionFailed", "it exists")
				})
			}
			err := s.do(s.reserveDomain, s.work(model.Create, nil))
			if got := arm.DuplicateDomain.Is(err); got != test.taken || !test.taken && err != nil {
				t.Fatalf("%s: %v", test.why, err)
			}
			writes := s.writes(zoneID)
			if reserves := test.owner == ""; (len(writes) == 1) != reserves {
				t.Fatalf("%s: wrote %v", test.why, writes)
			} else if reserves && s.head[writes[0]].Get("If-None-Match") != "*" {
				t.Errorf("%s: the record was not guarded", test.why)
			}
		})
	}
}

func TestTheNameOfTheAPIFollowsItsAddressUnderGuard(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, nil)
	s.put(apiName, ownedBy(w.Resource().ID))
	z, err := s.zoneOf(w.Resource())
	s.must(err)
	s.must(z.pointAPI(t.Context(), "127.96.0.7"))
	writes := s.writes(zoneID)
	if len(writes) != 1 || s.head[writes[0]].Get("If-Match") != "e1" {
		t.Fatalf("wrote %v without a guard", writes)
	}
	r, err := z.api(t.Context())
	s.must(err)
	if !pointsTo(r, "127.96.0.7") || !z.owns(r) {
		t.Errorf("the record is %+v, want our address and our name", r.Properties)
	}
	s.must(z.pointAPI(t.Context(), "127.96.0.7"))
	if len(s.writes(zoneID)) != 1 {
		t.Error("what is right was written again")
	}
}

func TestOnlyOwnRecordsAreRemovedAndTheGuardLast(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Delete, nil)
	s.put(apiName, ownedBy("/subscriptions/x"))
	s.put(appName, map[string]any{"properties": map[string]any{}})
	s.must(s.do(s.removeDomain, w))
	if writes := s.writes(zoneID); len(writes) != 0 {
		t.Fatalf("another cluster's records were changed: %v", writes)
	}
	s.put(apiName, ownedBy(w.Resource().ID))
	s.must(s.do(s.removeDomain, w))
	want := []string{"DELETE " + lowered(appName), "DELETE " + lowered(apiName)}
	if writes := s.writes(zoneID); !slices.Equal(writes, want) {
		t.Errorf("changed %v, want %v", writes, want)
	}
	s.must(s.do(s.removeDomain, w)) // they are gone
}
