package backend_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/pipeline"
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
		model.Create: {step("blocks one", func(ctx context.Context, w *pipeline.Work) error {
			if w.Cluster().Name == "busy" {
				entered <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})},
		model.Delete: {step("fails once", func(_ context.Context, w *pipeline.Work) error {
			if w.Cluster().Name == "c1" && !failed {
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
		see[kind] = []pipeline.Step{step("see", func(_ context.Context, w *pipeline.Work) error {
			seen <- w.Cluster().Internal.TenantID
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
