package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// end brings the operation to its end, with a failure or without: first what was
// found out is kept, then clients are told, then the cluster leaves its running
// state or, deleted, goes. A crash in between is harmless: the next worker finds
// what was told.
func (w *Worker) end(ctx context.Context, op *operation, failure error) error {
	if err := w.diagnose(ctx, op, failure); err != nil {
		return err
	}
	result, err := w.tell(ctx, op, failure)
	if err != nil {
		return err
	}
	if op.Kind == model.Delete && result.State == model.Succeeded {
		err = op.work.Delete(ctx)
	} else {
		err = op.work.End(ctx, func(c *model.Cluster) { w.settle(c, op, result) })
	}
	if err != nil {
		return err
	}
	w.reportEnd(ctx, op, result, failure)
	return nil
}

// diagnoseTimeout bounds how long clients wait for a failure to be looked into.
const diagnoseTimeout = 20 * time.Second

// diagnose looks for what explains the failure, while it can still be seen, and
// keeps it. Whoever lost the lease fails here, and tells nothing.
func (w *Worker) diagnose(ctx context.Context, op *operation, failure error) error {
	if failure == nil {
		return nil
	}
	looking, cancel := context.WithTimeout(ctx, diagnoseTimeout)
	defer cancel()
	found := w.Diagnose(looking, op.work.Cluster(), currentStep(op.work.Cluster()), failure)
	return op.work.Save(ctx, func(c *model.Cluster) error {
		c.Internal.Diagnostics = found
		return nil
	})
}

func currentStep(c *model.Cluster) string {
	if op := c.Internal.Operation; op != nil && op.Current != nil {
		return op.Current.Name
	}
	return ""
}

// tell writes the operation's result where clients look, and returns it. A
// result that was told before stands.
func (w *Worker) tell(ctx context.Context, op *operation, failure error) (model.AsyncOperation, error) {
	now := w.Now().UTC()
	result := model.AsyncOperation{State: model.Succeeded, EndedAt: &now}
	if failure != nil {
		told := model.ErrorOf(arm.AsError(failure, op.CorrelationID).Body())
		result.State, result.Error = model.Failed, &told
	}
	return w.write(ctx, op.ID, result)
}

// write puts a result into an operation's document unless one stands there.
func (w *Worker) write(ctx context.Context, id string, result model.AsyncOperation) (model.AsyncOperation, error) {
	err := pipeline.Persist(ctx, func(ctx context.Context) error {
		doc, err := w.Store.Operations.Update(ctx, id, id, func(d *store.OperationDocument) error {
			if isTold(d) {
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
		err = nil // it has expired, and nobody asks any more; or nobody can be told
	}
	return result, err
}

func isUnreadable(err error) bool { return errors.As(err, new(*store.UnreadableError)) }

// isTold reports whether the result of an operation stands.
func isTold(d *store.OperationDocument) bool {
	return d.Operation.State != "" && d.Operation.State.Terminal()
}

func (w *Worker) settle(c *model.Cluster, op *operation, result model.AsyncOperation) {
	var code, message string
	c.Internal.LastFailure = nil
	if result.Error == nil {
		c.Internal.Diagnostics = nil
	} else {
		code, message = result.Error.Code, result.Error.Message
		c.Internal.LastFailure = &model.Failure{OperationID: op.ID, Step: currentStep(c), At: w.Now().UTC(), Error: *result.Error}
	}
	c.End(result.State, code, w.Now().UTC())
	if op.Kind == model.AdminUpdate && code != "" {
		c.Internal.LastAdminUpdateError = code + ": " + message
	}
}

func (w *Worker) reportEnd(ctx context.Context, op *operation, result model.AsyncOperation, failure error) {
	took := w.Now().Sub(op.StartedAt).Seconds()
	labels := []string{string(op.Kind), strings.ToLower(string(result.State))}
	w.metrics.operations.WithLabelValues(labels...).Inc()
	w.metrics.duration.WithLabelValues(labels...).Observe(took)
	if failure == nil && result.Error != nil { // told by a worker that perished
		failure = fmt.Errorf("%s: %s", result.Error.Code, result.Error.Message)
	}
	if failure != nil {
		op.log.ErrorContext(ctx, "operation failed", "error", failure, "seconds", took)
		return
	}
	op.log.InfoContext(ctx, "operation ended", "state", result.State, "seconds", took)
}
