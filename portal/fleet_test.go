package portal_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/entra"
)

func TestTheFleetIsCounted(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	now := time.Now().UTC().Truncate(time.Second)
	running := func(step string, in time.Duration) func(*model.Cluster) {
		return func(c *model.Cluster) {
			c.Properties.ProvisioningState = model.Creating
			c.Internal.Operation = &model.Operation{ID: "o", Kind: model.Create, StartedAt: now.Add(-2 * time.Hour), Steps: 4,
				Current: &model.Step{Name: step, StartedAt: now.Add(-in)}}
		}
	}
	w.create("quick", running("deploy machines", 29*time.Minute))
	w.create("stuck", running("bootstrap complete", 31*time.Minute))
	for _, name := range []string{"one", "two"} {
		w.create(name, func(c *model.Cluster) {
			c.Properties.ProvisioningState, c.Internal.FailedProvisioningState = model.Failed, model.Creating
			c.Properties.ClusterProfile.Version = "4.18.2"
			c.Internal.LastFailure = &model.Failure{Error: model.OperationError{Code: "QuotaExceeded"}}
		})
	}
	w.hold("stuck", "worker-7")
	w.at(now)
	sre := w.login("sre@example.com", entra.GroupSRE)
	type count struct {
		Name  string
		Count int
	}
	var got struct {
		Total, Running, Stuck               int
		Complete                            bool
		States, Versions, Failures, Workers []count
		Operations                          []struct {
			ResourceID, Step, Worker string
			Stuck                    bool
		}
	}
	r := sre.get("/api/fleet")
	if err := json.Unmarshal([]byte(r.text), &got); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s: %v", r.StatusCode, r.text, err)
	}
	if got.Total != 5 || got.Running != 2 || got.Stuck != 1 || !got.Complete {
		t.Errorf("the fleet is %+v", got)
	}
	for what, both := range map[string][2][]count{
		"versions": {got.Versions, {{"4.19.24", 3}, {"4.18.2", 2}}},
		"failures": {got.Failures, {{"QuotaExceeded", 2}}},
		"workers":  {got.Workers, {{"no worker", 1}, {"worker-7", 1}}},
	} {
		if !slices.Equal(both[0], both[1]) {
			t.Errorf("%s are %v, want %v", what, both[0], both[1])
		}
	}
	if !slices.Contains(got.States, count{"Creating", 2}) || !slices.Contains(got.States, count{"Failed", 2}) {
		t.Errorf("states are %v", got.States)
	}
	if len(got.Operations) != 2 || !strings.HasSuffix(got.Operations[0].ResourceID, "/stuck") || !got.Operations[0].Stuck || got.Operations[0].Worker != "worker-7" || got.Operations[1].Stuck {
		t.Errorf("operations are %+v, want the one longest in its step first", got.Operations)
	}
	page := sre.get("/fleet").text
	for _, want := range []string{"5 clusters, 2 running operations", `href="/clusters?filter=QuotaExceeded&amp;state=Failed"`, "bootstrap complete", ">stuck</span>", "worker-7"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got := shown(sre.get("/clusters?filter=QuotaExceeded&state=Failed").text); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the link of a code shows %v", got)
	}
}

// hold has a worker hold the operation of a cluster.
func (w *fixture) hold(name, owner string) {
	w.Helper()
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "prod", Name: name}
	doc, err := w.store.Clusters.Get(w.Context(), id.Partition(), id.Key())
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.store.Clusters.Claim(w.Context(), doc, owner, time.Hour); err != nil {
		w.Fatal(err)
	}
}
