package backend_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

func TestWhatClustersSayOfThemselvesIsKeptFromAgeing(t *testing.T) {
	d := newDatabase(t)
	s, _ := d.connect(t)
	var docs []*store.ClusterDocument
	for i, state := range []model.ProvisioningState{model.Succeeded, model.Failed, model.Failed, model.Succeeded} {
		doc := store.NewCluster(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "rg", Name: fmt.Sprintf("c%d", i)})
		doc.Cluster.Name = fmt.Sprintf("c%d", i)
		doc.Cluster.Properties.ProvisioningState, doc.Cluster.Properties.ClusterProfile.Version = state, "4.19.1"
		doc.Cluster.Internal.PrivateEndpointIP, doc.Cluster.Internal.ServiceKubeconfig = "127.0.0.1", "kubeconfig"
		docs = append(docs, doc)
	}
	docs[1].Cluster.Internal.FailedProvisioningState = model.Updating // it runs
	docs[2].Cluster.Internal.FailedProvisioningState = model.Creating // it never did
	for _, doc := range docs {
		if err := s.Clusters.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var asked []time.Time
	begun := time.Now()
	d.work(t, backend.Config{Plans: plans(nil), LookInterval: 300 * time.Millisecond, LookPause: 20 * time.Millisecond,
		Look: func(_ context.Context, c *model.Cluster) (func(*model.Cluster) bool, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, time.Now())
			if c.Internal.ServiceKubeconfig == "" {
				t.Error("a cluster is looked at without credentials")
			}
			if c.Name == "c3" {
				return func(c *model.Cluster) bool { c.Internal.UserAdminKubeconfig = "renewed"; return false }, errors.New("no answer")
			}
			now := time.Now()
			return func(c *model.Cluster) bool {
				changed := c.Properties.ClusterProfile.Version != "4.20.1"
				c.Properties.ClusterProfile.Version, c.Internal.Observation = "4.20.1", &model.Observation{At: now, TriedAt: now}
				return changed
			}, nil
		}})
	read := func(i int) *model.Cluster {
		doc, err := s.Clusters.Get(t.Context(), docs[i].Partition, docs[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		return &doc.Cluster
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(asked)
	}
	for end := time.Now().Add(patience); count() < 9; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("looked %d times", count())
		}
	}
	for i, want := range []string{"4.20.1", "4.20.1", "4.19.1", "4.19.1"} {
		if got := read(i).Properties.ClusterProfile.Version; got != want {
			t.Errorf("cluster %d has the version %s, want %s", i, got, want)
		}
	}
	if got := read(0).Internal.Revision; got != docs[0].Cluster.Internal.Revision+1 {
		t.Errorf("customers were told of %d changes, want one", got-docs[0].Cluster.Internal.Revision)
	}
	if o := read(3).Internal.Observation; o == nil || o.Error != "no answer" || !o.At.IsZero() || o.TriedAt.IsZero() {
		t.Errorf("of the silent one it is recorded %+v", o)
	}
	if read(3).Internal.UserAdminKubeconfig != "renewed" {
		t.Error("what was learned in spite of a cluster's silence is not recorded")
	}
	mu.Lock()
	defer mu.Unlock()
	// Counted from the beginning, because a look that a busy machine delays comes close to the next one.
	for i, at := range asked {
		if took, least := at.Sub(begun), time.Duration(i+1)*15*time.Millisecond; took < least {
			t.Errorf("%d looks within %s, want at least %s: the rate is not bounded", i+1, took, least)
		}
	}
}

// runningClusters are clusters that were not looked at, named c00, c01, ...
func runningClusters(t *testing.T, s *store.Store, n int) (docs []*store.ClusterDocument) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("c%02d", i)
		doc := store.NewCluster(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "rg", Name: name})
		doc.Cluster.Name, doc.Cluster.Properties.ProvisioningState = name, model.Succeeded
		doc.Cluster.Internal.PrivateEndpointIP, doc.Cluster.Internal.ServiceKubeconfig = "127.0.0.1", "kubeconfig"
		if err := s.Clusters.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

func observed(c *model.Cluster) bool {
	now := time.Now()
	c.Internal.Observation = &model.Observation{At: now, TriedAt: now}
	return false
}

func TestASilentClusterKeepsNoOtherFromBeingLookedAt(t *testing.T) {
	d := newDatabase(t)
	s, _ := d.connect(t)
	runningClusters(t, s, 8)
	answered := make(chan string, 8)
	d.work(t, backend.Config{Plans: plans(nil), LookPause: 5 * time.Millisecond,
		Look: func(ctx context.Context, c *model.Cluster) (func(*model.Cluster) bool, error) {
			if c.Name < "c05" {
				<-ctx.Done() // it never answers
				return observed, ctx.Err()
			}
			answered <- c.Name
			return observed, nil
		}})
	for range 3 {
		select {
		case <-answered:
		case <-time.After(patience):
			t.Fatal("clusters that answer are not looked at behind those that do not")
		}
	}
}

// Another process asks while this one walks over the same page.
func TestWhatAnotherProcessLookedAtTakesNoPause(t *testing.T) {
	d := newDatabase(t)
	s, _ := d.connect(t)
	docs := runningClusters(t, s, 20)
	const pause = 3 * time.Second // longer than writing the others takes on a busy machine
	asked := make(chan string, 20)
	d.work(t, backend.Config{Plans: plans(nil), LookPause: pause,
		Look: func(ctx context.Context, c *model.Cluster) (func(*model.Cluster) bool, error) {
			if len(asked) == 0 {
				for _, doc := range docs[1:19] {
					if _, err := s.Clusters.Update(ctx, doc.Partition, doc.ID, func(d *store.ClusterDocument) error { observed(&d.Cluster); return nil }); err != nil {
						t.Error(err)
					}
				}
			}
			asked <- c.Name
			return observed, nil
		}})
	var first time.Time
	for _, want := range []string{"c00", "c19"} {
		select {
		case got := <-asked:
			if got != want {
				t.Errorf("%s was looked at, want %s", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s was not looked at", want)
		}
		if first.IsZero() {
			first = time.Now()
		}
	}
	if took := time.Since(first); took > 5*pause {
		t.Errorf("from the first to the last it took %s, as if each of the others took a pause of %s", took, pause)
	}
}
