package cosmos

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// callers is how many requests race, half of them at each server.
const callers = 10

// race sends a request from every caller at once and returns the answers.
func race(sites []*site, send func(s *site, caller int) *harness.Reply) []*harness.Reply {
	replies := make([]*harness.Reply, callers)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			<-start
			replies[i] = send(sites[i%len(sites)], i)
		})
	}
	close(start)
	group.Wait()
	return replies
}

// oneOf fails the test unless one response has the status and refused accepts all
// others; it returns the index of the first.
func oneOf(t *testing.T, replies []*harness.Reply, status int, refused func(*harness.Reply) bool) (winner int) {
	t.Helper()
	winners := 0
	for i, reply := range replies {
		switch {
		case reply.Status == status:
			winners, winner = winners+1, i
		case !refused(reply):
			t.Errorf("caller %d: %s", i, reply)
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d callers were answered %d, want one", winners, len(replies), status)
	}
	return winner
}

// TestTwoServersCreateAClusterOnce: callers have two desired states. Those with the
// winner's get the winner's operation, all others a conflict.
func TestTwoServersCreateAClusterOnce(t *testing.T) {
	d := newDeployment(t, harness.Behaviour{Boot: 200 * time.Millisecond})
	sites := d.servers(2)
	sites[0].register()
	var ids []arm.ClusterID
	for round := range 4 {
		id := clusterID("races", fmt.Sprintf("same-%d", round))
		wish := func(caller int) string { return fmt.Sprint(caller / 2 % 2) }
		replies := race(sites, func(s *site, caller int) *harness.Reply {
			return s.send(http.MethodPut, id.String(), harness.Set(harness.Body(harness.Newest, id, location), "tags.wish", wish(caller)))
		})
		winner := oneOf(t, replies, http.StatusCreated, func(r *harness.Reply) bool {
			return r.Status == http.StatusOK || r.Status == http.StatusConflict && r.Code() == "OperationInProgress"
		})
		for caller, reply := range replies {
			if same := wish(caller) == wish(winner); same != (reply.Status != http.StatusConflict) {
				t.Errorf("caller %d wants what the winner wants: %v, but: %s", caller, same, reply)
			} else if same && operation(reply) != operation(replies[winner]) {
				t.Errorf("caller %d is shown %q, the create is %q", caller, operation(reply), operation(replies[winner]))
			}
		}
		ids = append(ids, id)
	}
	d.backend()
	d.backend()
	for i, id := range ids {
		sites[i%2].settles(id)
	}
	d.doneOnce(len(ids))
	d.exist(ids...)
}

// operation is the path of the operation that an answer names.
func operation(r *harness.Reply) string {
	address, err := url.Parse(r.Header.Get("Azure-AsyncOperation"))
	if err != nil {
		return err.Error()
	}
	return address.Path
}

func TestTwoServersGiveAwayAManagedGroupOnce(t *testing.T) {
	d := newDeployment(t, harness.Behaviour{})
	sites := d.servers(2)
	sites[0].register()
	for member, code := range map[string]string{
		"properties.clusterProfile.resourceGroupId":   "DuplicateResourceGroup",
		"properties.servicePrincipalProfile.clientId": "DuplicateClientID",
	} {
		shared := harness.At(harness.Body(harness.Newest, clusterID("races", code), location), member)
		id := func(caller int) arm.ClusterID { return clusterID("races", fmt.Sprintf("%s-%d", code, caller)) }
		replies := race(sites, func(s *site, caller int) *harness.Reply {
			return s.send(http.MethodPut, id(caller).String(), harness.Set(harness.Body(harness.Newest, id(caller), location), member, shared))
		})
		winner := oneOf(t, replies, http.StatusCreated, func(r *harness.Reply) bool {
			return r.Status == http.StatusBadRequest && r.Code() == code
		})
		for caller := range callers {
			want := http.StatusNotFound
			if caller == winner {
				want = http.StatusOK
			}
			sites[caller%2].want(want, http.MethodGet, id(caller).String(), nil)
		}
	}
}

func TestAnETagOfOneServerHoldsAtTheOther(t *testing.T) {
	d := newDeployment(t, harness.Behaviour{})
	here := d.whole()
	here.register()
	there := d.servers(1)[0]
	id := clusterID("races", "tagged")
	here.create(id)
	tag := func(value string) harness.Object { return harness.Object{"tags": harness.Object{"by": value}} }

	old := here.settles(id).Header.Get("ETag")
	changed := there.want(http.StatusOK, http.MethodPatch, id.String(), tag("there"), "If-Match", old)
	stale := here.want(http.StatusPreconditionFailed, http.MethodPatch, id.String(), tag("stale"), "If-Match", old)
	if got := here.want(http.StatusOK, http.MethodGet, id.String(), nil); got.Text("tags.by") != "there" || got.Header.Get("ETag") != changed.Header.Get("ETag") {
		t.Errorf("after %s the cluster is %s", stale, got)
	}
	here.want(http.StatusPreconditionFailed, http.MethodDelete, id.String(), nil, "If-Match", old)
	here.want(http.StatusPreconditionFailed, http.MethodPut, id.String(), harness.Body(harness.Newest, id, location), "If-None-Match", "*")

	for round := range 4 {
		current := there.want(http.StatusOK, http.MethodGet, id.String(), nil).Header.Get("ETag")
		name := func(caller int) string { return fmt.Sprintf("%d-%d", round, caller) }
		replies := race([]*site{here, there}, func(s *site, caller int) *harness.Reply {
			return s.send(http.MethodPatch, id.String(), tag(name(caller)), "If-Match", current)
		})
		winner := oneOf(t, replies, http.StatusOK, func(r *harness.Reply) bool { return r.Status == http.StatusPreconditionFailed })
		if got := here.want(http.StatusOK, http.MethodGet, id.String(), nil); got.Text("tags.by") != name(winner) {
			t.Errorf("%s was told that it won, but the cluster is %s", name(winner), got)
		}
	}
}
