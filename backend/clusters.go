package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/backend/worker"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// ClusterStep is a step of a plan for clusters.
type ClusterStep = pipeline.Step[store.ClusterDocument, model.Cluster]

// ClusterWork is what steps for clusters work with.
type ClusterWork = pipeline.Work[store.ClusterDocument, model.Cluster]

// clusterOperation is a claimed operation of a cluster.
type clusterOperation = worker.Operation[store.ClusterDocument, model.Cluster]

// Clusters describes cluster documents to the step engine.
func Clusters() pipeline.Kind[store.ClusterDocument, model.Cluster] {
	return pipeline.Kind[store.ClusterDocument, model.Cluster]{
		Meta:      func(d *store.ClusterDocument) *store.Meta { return &d.Meta },
		Resource:  func(d *store.ClusterDocument) *model.Cluster { return &d.Cluster },
		Operation: func(d *store.ClusterDocument) *model.Operation { return d.Cluster.Internal.Operation },
		Saved:     func(d *store.ClusterDocument) { d.Cluster.Internal.Revision++ }, // mostly for customers to see
		GaveUp: func(kind model.OperationKind, step string) *arm.Error {
			if kind == model.Create {
				return arm.ClusterCreationFailed.Errorf("The cluster could not be created: the step %q failed again and again. Delete the cluster and create it again.", step)
			}
			return arm.OperationFailed.Errorf("The step %q failed again and again. Repeat the request; if it persists contact support.", step)
		},
	}
}

func (w *Worker) clusterKind() worker.Kind[store.ClusterDocument, model.Cluster] {
	return worker.Kind[store.ClusterDocument, model.Cluster]{
		Kind: Clusters(), Documents: w.Store.Clusters, Plans: w.Plans, Trace: w.Trace,
		ID: func(d *store.ClusterDocument) string { return d.Cluster.ID }, Begin: w.beginOfCluster, End: w.endOfCluster,
		Working: func(n int) { w.Emit.EmitGauge("backend.openshiftcluster.workers.count", int64(n), nil) },
	}
}

// beginOfCluster finds out whether only the end of the operation is missing, because a process
// stopped while ending it, and the current tenant of the cluster's subscription.
func (w *Worker) beginOfCluster(ctx context.Context, op *clusterOperation) (ended bool, err error) {
	if op.Lost > 0 && w.hasResult(ctx, op) {
		return true, nil
	}
	return false, w.followTenant(ctx, op)
}

// hasResult reports whether clients already see the operation's result.
func (w *Worker) hasResult(ctx context.Context, op *clusterOperation) bool {
	d, err := w.Store.Operations.Get(ctx, op.ID, op.ID)
	return err == nil && isTerminal(d)
}

// followTenant records the subscription's current tenant, as ARM last reported it, when an
// operation begins: a subscription that moved to another tenant is unknown in the tenant in which
// the cluster was created. A create has just recorded it.
func (w *Worker) followTenant(ctx context.Context, op *clusterOperation) error {
	c := op.Work.Resource()
	if op.Kind == model.Create || op.Current != nil || len(op.Finished) > 0 {
		return nil
	}
	id, ok := arm.ParseClusterID(c.ID)
	if !ok {
		return nil // its steps fail with that
	}
	subscription := strings.ToLower(id.SubscriptionID)
	doc, err := w.Store.Subscriptions.Get(ctx, subscription, subscription)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("subscription of the cluster: %w: %w", store.ErrLeaseLost, err) // another process goes on
	}
	tenant := doc.Subscription.Properties.TenantID
	if former := c.Internal.TenantID; tenant != "" && !arm.EqualFold(tenant, former) {
		op.Log.InfoContext(ctx, "subscription moved to another tenant", "tenant_id", tenant, "former_tenant_id", former)
	}
	return op.Work.Save(ctx, func(c *model.Cluster) error {
		if !c.FollowTenant(tenant) {
			return store.ErrUnchanged
		}
		return nil
	})
}

// endOfCluster ends an operation: it stores the findings, then the result that clients read, then
// the history, then the cluster's terminal state, or deletes the cluster's document. A crash in
// between is harmless: the next process finds the result.
func (w *Worker) endOfCluster(ctx context.Context, op *clusterOperation, failure error) error {
	if err := w.diagnose(ctx, op, failure); err != nil {
		return err
	}
	result, err := w.publish(ctx, op, failure)
	if err != nil {
		return err
	}
	last := op.Work.Resource()
	if err := w.writeHistory(ctx, op, result); err != nil {
		return err
	}
	if op.Kind == model.Delete && result.State == model.Succeeded {
		err = op.Work.Delete(ctx)
	} else {
		err = op.Work.End(ctx, nil, func(d *store.ClusterDocument) { w.recordResult(&d.Cluster, op, result) })
	}
	if err != nil {
		return err
	}
	w.reportEnd(ctx, op, result, failure)
	measured{cluster: last, operation: last.Internal.Operation, result: result, failure: failure, took: w.Now().Sub(op.StartedAt)}.emit(w.Emit)
	return nil
}

// diagnoseTimeout bounds how long the diagnosis delays the result.
const diagnoseTimeout = 20 * time.Second

// diagnose collects what explains the failure, while it can still be read, and stores it. A process
// that lost the lease fails here, before clients see a result.
func (w *Worker) diagnose(ctx context.Context, op *clusterOperation, failure error) error {
	if failure == nil {
		return nil
	}
	looking, cancel := context.WithTimeout(ctx, diagnoseTimeout)
	defer cancel()
	found := w.Diagnose(looking, op.Work.Resource(), op.Work.Step(), failure)
	return op.Work.Save(ctx, func(c *model.Cluster) error {
		c.Internal.Diagnostics = found
		return nil
	})
}

// publish writes the operation's result that clients read, and returns it. An existing result is
// kept.
func (w *Worker) publish(ctx context.Context, op *clusterOperation, failure error) (model.AsyncOperation, error) {
	now := w.Now().UTC()
	result := model.AsyncOperation{State: model.Succeeded, EndedAt: &now}
	if failure != nil {
		shown := model.ErrorOf(arm.AsError(failure, op.CorrelationID).Body())
		result.State, result.Error = model.Failed, &shown
	}
	return w.writeResult(ctx, op.ID, result)
}

// writeResult writes a result into an operation's document unless it has one.
func (w *Worker) writeResult(ctx context.Context, id string, result model.AsyncOperation) (model.AsyncOperation, error) {
	err := pipeline.Persist(ctx, func(ctx context.Context) error {
		doc, err := w.Store.Operations.Update(ctx, id, id, func(d *store.OperationDocument) error {
			if isTerminal(d) {
				return store.ErrUnchanged
			}
			d.Operation.State, d.Operation.EndedAt, d.Operation.Error = result.State, result.EndedAt, result.Error
			return nil
		})
		if err == nil {
			result = doc.Operation
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) || isUnreadable(err) {
		err = nil // it has expired or cannot be read
	}
	return result, err
}

// writeHistory writes what the operation did, once. Only an unavailable database delays the end of
// the operation: an operation that cannot end would be worse than one that is not in the history.
func (w *Worker) writeHistory(ctx context.Context, op *clusterOperation, result model.AsyncOperation) error {
	c := op.Work.Resource()
	id, ok := arm.ParseClusterID(c.ID)
	if !ok {
		return nil
	}
	for _, entry := range c.History(result) {
		err := pipeline.Persist(ctx, func(ctx context.Context) error {
			doc := store.NewHistory(id, entry.OperationID, entry.StartedAt)
			doc.Entry = entry
			err := w.Store.History.Create(ctx, doc)
			if conflict := (*store.ConflictError)(nil); errors.As(err, &conflict) {
				return nil // a process that stopped has written it
			}
			return err
		})
		if errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			op.Log.ErrorContext(ctx, "operation not in the history", "error", err)
		}
	}
	return nil
}

func isUnreadable(err error) bool { return errors.As(err, new(*store.UnreadableError)) }

// isTerminal reports whether an operation has a result.
func isTerminal(d *store.OperationDocument) bool {
	return d.Operation.State != "" && d.Operation.State.Terminal()
}

// recordResult ends the operation in the cluster.
func (w *Worker) recordResult(c *model.Cluster, op *clusterOperation, result model.AsyncOperation) {
	var code, message string
	c.Internal.LastFailure = nil
	if result.Error == nil {
		c.Internal.Diagnostics = nil
	} else {
		code, message = result.Error.Code, result.Error.Message
		c.Internal.LastFailure = &model.Failure{OperationID: op.ID, Step: op.Work.Step(), At: w.Now().UTC(), Error: *result.Error}
	}
	c.End(result.State, code, w.Now().UTC())
	if op.Kind == model.AdminUpdate && code != "" {
		c.Internal.LastAdminUpdateError = code + ": " + message
	}
}

func (w *Worker) reportEnd(ctx context.Context, op *clusterOperation, result model.AsyncOperation, failure error) {
	seconds := w.Now().Sub(op.StartedAt).Seconds()
	w.metrics.Ended(string(op.Kind), strings.ToLower(string(result.State)), seconds)
	if failure == nil && result.Error != nil { // from a process that stopped
		failure = fmt.Errorf("%s: %s", result.Error.Code, result.Error.Message)
	}
	if failure != nil {
		op.Log.ErrorContext(ctx, "operation failed", "error", failure, "seconds", seconds)
		return
	}
	op.Log.InfoContext(ctx, "operation ended", "state", result.State, "seconds", seconds)
}
