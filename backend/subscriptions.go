package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/backend/worker"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

const (
	// subscriptionsAtOnce is the number of deleted subscriptions that are processed at the same
	// time.
	subscriptionsAtOnce = 10
	clustersPage        = 100
	// deletionTimeout is the time after which it is an error that a deleted subscription still has
	// clusters. Their deletion then starts again.
	deletionTimeout = 24 * time.Hour
)

// deleteSubscription is the operation of a subscription that ARM deleted (B02).
const deleteSubscription model.OperationKind = "DeleteSubscription"

type (
	subscriptionStep      = pipeline.Step[store.SubscriptionDocument, model.Subscription]
	subscriptionWork      = pipeline.Work[store.SubscriptionDocument, model.Subscription]
	subscriptionOperation = worker.Operation[store.SubscriptionDocument, model.Subscription]
)

func (w *Worker) subscriptionKind() worker.Kind[store.SubscriptionDocument, model.Subscription] {
	return worker.Kind[store.SubscriptionDocument, model.Subscription]{
		Kind: pipeline.Kind[store.SubscriptionDocument, model.Subscription]{
			Meta:      func(d *store.SubscriptionDocument) *store.Meta { return &d.Meta },
			Resource:  func(d *store.SubscriptionDocument) *model.Subscription { return &d.Subscription },
			Operation: func(d *store.SubscriptionDocument) *model.Operation { return d.Operation },
		},
		Documents: w.Store.Subscriptions,
		Plans: map[model.OperationKind][]subscriptionStep{
			deleteSubscription: {{Name: "delete clusters", Do: w.deleteClusters, Timeout: deletionTimeout}},
		},
		ID:      func(d *store.SubscriptionDocument) string { return "/subscriptions/" + d.ID },
		Prepare: w.prepareSubscription,
		End:     w.endOfSubscription,
		Working: func(n int) { w.Emit.EmitGauge("backend.subscriptions.workers.count", int64(n), nil) },
	}
}

// prepareSubscription begins the operation for which ARM made the document due.
func (w *Worker) prepareSubscription(d *store.SubscriptionDocument) error {
	if d.Subscription.State != model.Deleted {
		return store.ErrUnchanged
	}
	d.Operation = &model.Operation{ID: w.NewID(), Kind: deleteSubscription, StartedAt: w.Now().UTC()}
	return nil
}

// endOfSubscription leaves the document without work or, after a failure, due again later.
func (w *Worker) endOfSubscription(ctx context.Context, op *subscriptionOperation, failure error) error {
	seconds, result, after := w.Now().Sub(op.StartedAt).Seconds(), "succeeded", (*time.Duration)(nil)
	if failure != nil {
		result, after = "failed", &w.SubscriptionRetry
		op.Log.ErrorContext(ctx, "clusters of a deleted subscription not deleted", "error", failure, "seconds", seconds, "retry_in", *after)
	}
	if err := op.Work.End(ctx, after, func(d *store.SubscriptionDocument) { d.Operation = nil }); err != nil {
		return err
	}
	w.metrics.Ended(string(op.Kind), result, seconds)
	state := map[string]string{"state": result}
	w.Emit.EmitGauge("backend.subscriptions.count", 1, state)
	w.Emit.EmitGauge("backend.subscriptions.duration", int64(1000*seconds), state)
	return nil
}

// deleteClusters begins to delete every cluster of the subscription that is not being deleted,
// repeatedly until none is left: a delete may fail. A subscription that is no longer deleted keeps
// its clusters.
func (w *Worker) deleteClusters(ctx context.Context, work *subscriptionWork) error {
	sub := work.Resource()
	if sub.State != model.Deleted {
		return nil
	}
	left, err := w.beginDeletes(ctx, work.Partition(), sub.Properties.TenantID)
	if err != nil || left == 0 {
		return err
	}
	return wait.Later(w.SubscriptionRetry, fmt.Sprintf("%d clusters to be deleted", left))
}

// beginDeletes returns the number of remaining clusters. A cluster that cannot be deleted or read
// does not prevent the deletion of others.
func (w *Worker) beginDeletes(ctx context.Context, subscription, tenant string) (left int, err error) {
	var failed error
	for q := (store.Query{Partition: subscription, Limit: clustersPage}); ; {
		page, err := w.Store.Clusters.Page(ctx, q)
		if err != nil {
			return left, errors.Join(failed, err)
		}
		left += len(page.Documents) + len(page.Unreadable)
		for _, doc := range page.Documents {
			failed = errors.Join(failed, w.beginDelete(ctx, doc, tenant))
		}
		if len(page.Documents) > 0 {
			w.clusters.Wake()
		}
		if page.Next == "" || ctx.Err() != nil {
			return left, failed
		}
		q.Continuation = page.Next
	}
}

// beginDelete does what a client's DELETE does. It writes the operation document first; one that
// nothing refers to expires.
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
	_, err = w.writeResult(ctx, replaced.ID, model.AsyncOperation{State: model.Canceled, EndedAt: &now, Error: &why})
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
