package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// subscriptionsAtOnce bounds one round of the cascade.
	subscriptionsAtOnce = 10
	clustersPage        = 100
)

// pollSubscriptions begins the deletion of every cluster of the subscriptions
// that ARM deleted (B02), until ctx ends.
func (w *Worker) pollSubscriptions(ctx context.Context) {
	for ctx.Err() == nil {
		due, _, err := w.Store.Subscriptions.Due(ctx, 1, subscriptionsAtOnce)
		for _, doc := range due {
			err = errors.Join(err, w.cascade(ctx, doc))
		}
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "deleted subscriptions not cleaned up", "error", err)
		}
		sleep(ctx, spread(w.PollInterval))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// cascade looks at one subscription. It is due again until no cluster is left.
func (w *Worker) cascade(ctx context.Context, doc *store.SubscriptionDocument) error {
	lease, err := w.Store.Subscriptions.Claim(ctx, doc, w.owner, w.LeaseTTL)
	if errors.Is(err, store.ErrPreconditionFailed) {
		return nil // another worker looks at it
	}
	if err != nil {
		return err
	}
	left := 0
	if doc.Subscription.State == model.Deleted {
		left, err = w.deleteClusters(ctx, doc, lease)
	}
	after := &w.SubscriptionRetry
	switch soon := slowestPoll; {
	case err != nil:
		after = &soon
	case left == 0:
		after = nil
	}
	released := pipeline.Persist(ctx, func(ctx context.Context) error {
		return lease.Release(ctx, func(d *store.SubscriptionDocument) error { d.Lost = 0; return nil }, after)
	})
	return errors.Join(err, released)
}

// deleteClusters begins to delete what is not being deleted and returns how many
// clusters there still are. One that cannot be deleted, or not even read, keeps no
// other from it.
func (w *Worker) deleteClusters(ctx context.Context, sub *store.SubscriptionDocument, lease *store.Lease[store.SubscriptionDocument]) (left int, err error) {
	var failed error
	for q := (store.Query{Partition: sub.ID, Limit: clustersPage}); ; {
		page, err := w.Store.Clusters.Page(ctx, q)
		if err != nil {
			return left, errors.Join(failed, err)
		}
		left += len(page.Documents) + len(page.Unreadable)
		for _, doc := range page.Documents {
			failed = errors.Join(failed, w.beginDelete(ctx, doc, sub.Subscription.Properties.TenantID))
		}
		if len(page.Documents) > 0 {
			w.Wake()
		}
		if page.Next == "" {
			return left, failed
		}
		q.Continuation = page.Next
		if err := lease.Renew(ctx, func(*store.SubscriptionDocument) error { return nil }); err != nil {
			return left, errors.Join(failed, err)
		}
	}
}

// beginDelete does what a client's DELETE does. The operation document comes
// first; if nothing refers to it in the end, it expires.
func (w *Worker) beginDelete(ctx context.Context, doc *store.ClusterDocument, tenant string) error {
	if isBeingDeleted(&doc.Cluster) {
		return nil
	}
	op := model.Operation{ID: w.NewID(), Kind: model.Delete, StartedAt: w.Now().UTC()}
	if err := w.Store.Operations.Create(ctx, w.operationDocument(doc, op, tenant)); err != nil {
		return fmt.Errorf("operation to delete %s: %w", doc.Cluster.ID, err)
	}
	var replaced *model.Operation
	_, err := w.Store.Clusters.UpdateSealed(ctx, doc.Partition, doc.ID, func(d *store.ClusterDocument) error {
		replaced = nil
		if isBeingDeleted(&d.Cluster) || d.Cluster.Internal.UID != doc.Cluster.Internal.UID {
			return store.ErrUnchanged
		}
		if d.Owner == "" {
			d.Due = store.Due(0)
		}
		replaced = d.Cluster.Internal.Operation
		return d.Cluster.Begin(op)
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if isUnreadable(err) {
		return nil // it was reported; it counts as left until an engineer has repaired it
	}
	if err != nil || replaced == nil {
		return err
	}
	now, why := w.Now().UTC(), model.ErrorOf(arm.OperationCanceled.Errorf("The operation was cancelled because the cluster is being deleted.").Body())
	w.Replaced(doc.Partition, doc.ID)
	_, err = w.write(ctx, replaced.ID, model.AsyncOperation{State: model.Canceled, EndedAt: &now, Error: &why})
	return err
}

func isBeingDeleted(c *model.Cluster) bool {
	op := c.Internal.Operation
	return op != nil && op.Kind == model.Delete
}

func (w *Worker) operationDocument(doc *store.ClusterDocument, op model.Operation, tenant string) *store.OperationDocument {
	d := store.NewOperation(op.ID)
	d.Operation = model.AsyncOperation{
		ID: op.ID, Kind: op.Kind, SubscriptionID: doc.Partition, TenantID: cmp.Or(tenant, doc.Cluster.Internal.TenantID),
		ResourceID: doc.Cluster.ID, ClusterUID: doc.Cluster.Internal.UID,
		InitialState: model.Deleting, StartedAt: op.StartedAt,
	}
	return d
}
