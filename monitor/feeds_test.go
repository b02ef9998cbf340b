package monitor

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/store"
)

func newFeeds(s *store.Store) *feeds {
	f := newFleet(time.Minute, time.Now)
	all := make([]int, store.Buckets)
	for i := range all {
		all[i] = i
	}
	f.assign(all, time.Now().Add(time.Hour))
	return &feeds{store: s, fleet: f, log: slog.New(slog.DiscardHandler), every: time.Hour, domain: "eastus.example.com"}
}

// names are those of the clusters that are looked at.
func (f *feeds) names() (names []string) {
	for _, m := range f.fleet.clusters {
		names = append(names, m.id)
	}
	slices.Sort(names)
	return names
}

func TestWhichClustersAreLookedAt(t *testing.T) {
	s := newStore(t)
	in := func(state, failed model.ProvisioningState) func(*model.Cluster) {
		return func(c *model.Cluster) {
			c.Properties.ProvisioningState, c.Internal.FailedProvisioningState = state, failed
		}
	}
	create(t, s, "succeeded", "x", in(model.Succeeded, ""))
	create(t, s, "updating", "x", in(model.Updating, ""))
	create(t, s, "maintained", "x", in(model.AdminUpdating, ""))
	create(t, s, "failedupdate", "x", in(model.Failed, model.Updating))
	create(t, s, "creating", "x", in(model.Creating, ""))
	create(t, s, "deleting", "x", in(model.Deleting, ""))
	create(t, s, "failedcreate", "x", in(model.Failed, model.Creating))
	create(t, s, "faileddelete", "x", in(model.Failed, model.Deleting))
	f := newFeeds(s)
	check(t, f.poll(t.Context()))
	want := []string{"g|failedupdate", "g|maintained", "g|succeeded", "g|updating"}
	if got := f.names(); !slices.Equal(got, want) {
		t.Errorf("looked at are %q, want %q", got, want)
	}
}

func TestDeletedClustersAreForgotten(t *testing.T) {
	s := newStore(t)
	doc := create(t, s, "a", "x")
	f := newFeeds(s)
	check(t, f.poll(t.Context()))
	remove := func(uid string) {
		op := store.NewOperation("00000000-0000-0000-0000-" + time.Now().Format("150405000000"))
		op.Operation = model.AsyncOperation{Kind: model.Delete, ResourceID: clusterID("a").String(), ClusterUID: uid}
		check(t, s.Operations.Create(t.Context(), op))
	}
	remove("of another that had its name")
	check(t, f.poll(t.Context()))
	if len(f.names()) != 1 {
		t.Fatal("the cluster is forgotten for the sake of another")
	}
	// All of it happens between two looks.
	check(t, s.Operations.Delete(t.Context(), first(t, s)))
	remove(doc.Cluster.Internal.UID)
	check(t, s.Clusters.Delete(t.Context(), doc))
	check(t, f.poll(t.Context()))
	if len(f.names()) != 0 {
		t.Error("the cluster is not forgotten")
	}
	if len(f.fleet.queue) != 0 {
		t.Error("it is looked at all the same")
	}
}

func first(t *testing.T, s *store.Store) *store.OperationDocument {
	t.Helper()
	docs, _, _, err := s.Operations.Changes(t.Context(), "")
	check(t, err)
	return docs[0]
}

func TestClustersAreKnownByWhatALookNeeds(t *testing.T) {
	c := &model.Cluster{ID: "id", Location: "eastus"}
	c.Internal.AdminKubeconfig, c.Internal.PrivateEndpointIP, c.Internal.UID = "admin", "10.0.0.1", "uid"
	c.Properties.ClusterProfile.Domain = "c"
	c.Properties.NetworkProfile.PreconfiguredNSG = model.Enabled
	c.Properties.WorkerProfiles = []model.WorkerProfile{{SubnetID: "w", Count: 1}, {SubnetID: "none", Count: 0}}
	got := seenOf(c, "eastus.example.com")
	if string(got.Kubeconfig) != "admin" || got.Domain != "c.eastus.example.com" || !got.PreconfiguredNSG || !slices.Equal(got.WorkerSubnets, []string{"w"}) {
		t.Errorf("it is %+v", got)
	}
	c.Internal.ServiceKubeconfig = "service"
	if got := seenOf(c, ""); string(got.Kubeconfig) != "service" {
		t.Errorf("it is reached with %s", got.Kubeconfig)
	}
}

func TestTheQueueOfAFleet(t *testing.T) {
	now := time.Now()
	f := newFleet(time.Minute, func() time.Time { return now })
	put := func(id string) { f.put("p", id, id, &collectors.Cluster{UID: id}) }
	put("early")
	if m, wait := f.next(); m != nil || wait != time.Minute {
		t.Fatal("a cluster is looked at that no process was assigned")
	}
	f.assign([]int{store.BucketOf("early"), store.BucketOf("late")}, now.Add(time.Hour))
	put("late")
	f.clusters[key{"p", "early"}].due, f.clusters[key{"p", "late"}].due = now.Add(time.Second), now.Add(2*time.Second)
	if f.queue.Less(1, 0) {
		f.queue.Swap(0, 1)
	}
	if m, wait := f.next(); m != nil || wait != time.Second {
		t.Fatalf("got %+v, %s", m, wait)
	}
	now = now.Add(time.Second)
	m, _ := f.next()
	if m == nil || m.id != "early" {
		t.Fatalf("got %+v", m)
	}
	put("early") // it changed while it is looked at
	if m, _ := f.next(); m != nil {
		t.Error("a cluster is looked at twice at the same time")
	}
	for n, want := range []time.Duration{time.Minute, 2 * time.Minute, 2 * time.Minute} {
		f.done(m, now, false)
		if got := m.due.Sub(now); got != want {
			t.Errorf("after %d looks without an answer the next is in %s, want %s", n+1, got, want)
		}
		f.dequeue(m)
	}
	f.done(m, now, true)
	if got := m.due.Sub(now); got != time.Minute {
		t.Errorf("after an answer the next look is in %s", got)
	}
	f.assign([]int{store.BucketOf("early"), store.BucketOf("late")}, now.Add(-time.Second))
	now = now.Add(time.Hour)
	if m, _ := f.next(); m != nil {
		t.Error("a cluster is looked at whose bucket may be another's")
	}
	f.assign(nil, now)
	if len(f.queue) != 0 || f.clusters[key{"p", "late"}].cluster != nil {
		t.Error("clusters of others are kept")
	}
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		failures int
		want     time.Duration
	}{
		{time.Minute, 0, time.Minute}, {time.Minute, 1, time.Minute}, {time.Minute, 2, 2 * time.Minute}, {time.Minute, 50, 2 * time.Minute},
		{5 * time.Second, 2, 10 * time.Second}, {5 * time.Second, 4, 40 * time.Second}, {5 * time.Second, 9, 2 * time.Minute}, {5 * time.Minute, 9, 5 * time.Minute},
	} {
		if got := backoff(c.interval, c.failures); got != c.want {
			t.Errorf("every %s, after %d failures: %s, want %s", c.interval, c.failures, got, c.want)
		}
	}
}
