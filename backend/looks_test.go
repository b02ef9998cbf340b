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
	for i := 1; i < len(asked); i++ {
		if pause := asked[i].Sub(asked[i-1]); pause < 15*time.Millisecond {
			t.Errorf("two looks within %s: the rate is not bounded", pause)
		}
	}
}
