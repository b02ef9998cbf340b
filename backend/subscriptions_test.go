package backend_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

func TestADeletedSubscriptionLosesItsClusters(t *testing.T) {
	t.Parallel()
	const other = "00000000-0000-0000-0000-000000000002"
	db := newDatabase(t)
	s, _ := db.connect(t)
	entered := make(chan struct{}, 1)
	var docs []*store.ClusterDocument
	docs = append(docs, request(t, s, other, "stays"))
	for i := range 3 {
		docs = append(docs, request(t, s, subscription, fmt.Sprint("c", i)))
	}
	docs = append(docs, request(t, s, subscription, "busy"))
	failed := false
	db.work(t, backend.Config{LeaseTTL: time.Second, SubscriptionRetry: 100 * time.Millisecond, Plans: plans(steps{
		model.Create: {step("blocks one", func(ctx context.Context, w *backend.ClusterWork) error {
			if w.Resource().Name == "busy" {
				entered <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})},
		model.Delete: {step("fails once", func(_ context.Context, w *backend.ClusterWork) error {
			if w.Resource().Name == "c1" && !failed {
				failed = true
				return arm.InvalidParameter.Errorf("not yet")
			}
			return nil
		})},
	})})
	for _, doc := range docs[:4] {
		settled(t, s, doc)
	}
	<-entered

	deleted := store.NewSubscription(subscription)
	deleted.Subscription.State, deleted.Due = model.Deleted, store.Due(0)
	if err := s.Subscriptions.Create(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	for _, doc := range docs[1:] {
		eventually(t, doc.ID+" is deleted", func() bool {
			_, err := s.Clusters.Get(t.Context(), doc.Partition, doc.ID)
			return errors.Is(err, store.ErrNotFound)
		})
	}
	if op := result(t, s, docs[4].Cluster.Internal.Operation.ID); op.State != model.Canceled || op.EndedAt == nil || op.Error.Code != arm.OperationCanceled.Name {
		t.Errorf("the client of the interrupted create is told %+v, want Canceled", op)
	}
	if c := settled(t, s, docs[0]); c == nil || c.Cluster.Properties.ProvisioningState != model.Succeeded {
		t.Error("the other subscription's cluster was touched")
	}
	eventually(t, "the subscription needs no more work", func() bool {
		d, err := s.Subscriptions.Get(t.Context(), subscription, subscription)
		return err == nil && d.Due == nil && d.Owner == ""
	})
}

func TestASubscriptionThatIsNotDeletedKeepsItsClusters(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	doc := request(t, s, subscription, "stays")
	suspended := store.NewSubscription(subscription)
	suspended.Subscription.State, suspended.Due = model.Suspended, store.Due(0)
	if err := s.Subscriptions.Create(t.Context(), suspended); err != nil {
		t.Fatal(err)
	}
	db.work(t, backend.Config{Plans: plans(nil)})
	eventually(t, "the subscription needs no more work", func() bool {
		d, err := s.Subscriptions.Get(t.Context(), subscription, subscription)
		return err == nil && d.Due == nil
	})
	if c := settled(t, s, doc); c == nil || c.Cluster.Properties.ProvisioningState != model.Succeeded {
		t.Error("the cluster was touched")
	}
}

func TestAnOperationBeginsInTheTenantThatTheSubscriptionIsIn(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	seen := make(chan string, 10)
	see := steps{}
	for _, kind := range []model.OperationKind{model.Create, model.Update, model.AdminUpdate, model.Delete} {
		see[kind] = []backend.ClusterStep{step("see", func(_ context.Context, w *backend.ClusterWork) error {
			seen <- w.Resource().Internal.TenantID
			return nil
		})}
	}
	told := store.NewSubscription(subscription)
	told.Subscription.State = model.Registered
	told.Subscription.Properties.TenantID = "tenant-b"
	if err := s.Subscriptions.Create(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	doc := request(t, s, subscription, "moved")
	if _, err := s.Clusters.Update(t.Context(), doc.Partition, doc.ID, func(d *store.ClusterDocument) error {
		d.Cluster.Internal.TenantID = "tenant-a"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	db.work(t, backend.Config{Plans: plans(see)})
	settled(t, s, doc)
	want := []string{"tenant-a"} // a create was begun with it just now
	for _, kind := range []model.OperationKind{model.Update, model.AdminUpdate, model.Delete} {
		change(t, s, doc, kind)
		settled(t, s, doc)
		want = append(want, "tenant-b")
	}
	for i, tenant := range want {
		if got := <-seen; got != tenant {
			t.Errorf("operation %d ran in %q, want %q", i, got, tenant)
		}
	}
}

// deletedSubscription is one that ARM deleted, with clusters that are settled.
func deletedSubscription(t *testing.T, s *store.Store, names ...string) (docs []*store.ClusterDocument) {
	t.Helper()
	for _, name := range names {
		doc := store.NewCluster(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "rg", Name: name})
		doc.Cluster.ID, doc.Cluster.Name = "/subscriptions/"+subscription+"/"+name, name
		doc.Cluster.Internal.UID, doc.Cluster.Properties.ProvisioningState = name, model.Succeeded
		if err := s.Clusters.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	deleted := store.NewSubscription(subscription)
	deleted.Subscription.State, deleted.Due = model.Deleted, store.Due(0)
	if err := s.Subscriptions.Create(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	return docs
}

// TestTheDeletionOfASubscriptionContinuesAfterACrash cuts a worker off its database after
// each of its first writes: it has claimed the subscription, begun its operation, its
// step, the first cluster's delete, and so on.
func TestTheDeletionOfASubscriptionContinuesAfterACrash(t *testing.T) {
	t.Parallel()
	for writes := 1; writes <= 6; writes++ {
		t.Run(fmt.Sprint("after write ", writes), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			s, _ := db.connect(t)
			cfg := backend.Config{LeaseTTL: time.Second, SubscriptionRetry: 50 * time.Millisecond, PollInterval: time.Hour, Plans: plans(nil)}
			dying := db.work(t, cfg)
			var count atomic.Int32
			dying.wire.onWrite(func(string) {
				if count.Add(1) == int32(writes) {
					dying.wire.cut()
				}
			})
			docs := deletedSubscription(t, s, "c0", "c1")
			dying.Wake()
			eventually(t, "the first worker is cut off", dying.wire.isCut.Load)
			cfg.PollInterval = 0
			db.work(t, cfg)
			for _, doc := range docs {
				eventually(t, doc.ID+" is deleted", func() bool {
					_, err := s.Clusters.Get(t.Context(), doc.Partition, doc.ID)
					return errors.Is(err, store.ErrNotFound)
				})
			}
			eventually(t, "the subscription needs no more work", func() bool {
				d, err := s.Subscriptions.Get(t.Context(), subscription, subscription)
				return err == nil && d.Due == nil && d.Owner == "" && d.Operation == nil
			})
		})
	}
}

func TestTheDeletionOfASubscriptionIsRecordedAsSteps(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	s, _ := db.connect(t)
	let := make(chan struct{})
	db.work(t, backend.Config{SubscriptionRetry: 50 * time.Millisecond, Plans: plans(steps{model.Delete: {
		step("blocks", func(context.Context, *backend.ClusterWork) error { <-let; return nil })}})})
	deletedSubscription(t, s, "c0", "c1")
	eventually(t, "what it waits for is recorded", func() bool {
		d, err := s.Subscriptions.Get(t.Context(), subscription, subscription)
		if err != nil {
			t.Fatal(err)
		}
		op := d.Operation
		return op != nil && op.Kind == "DeleteSubscription" && op.Current != nil && op.Current.Name == "delete clusters" && op.Current.WaitingFor == "2 clusters to be deleted"
	})
	close(let)
	eventually(t, "the subscription needs no more work", func() bool {
		d, err := s.Subscriptions.Get(t.Context(), subscription, subscription)
		return err == nil && d.Due == nil && d.Owner == "" && d.Operation == nil
	})
}
