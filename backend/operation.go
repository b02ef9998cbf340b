package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// maxLost is how many workers in a row may perish with an operation before it
// is taken for the cause.
const maxLost = 5

// operation is one claimed operation.
type operation struct {
	model.Operation
	work *pipeline.Work
	log  *slog.Logger
	lost int // workers that perished with it

	kept *kept
	// pause is what it waits for while it is held, until resumes.
	pause   *pipeline.Pause
	resumes time.Time
	// seen is when its document was last read to see whether another operation has
	// replaced it. Steps that run see that as rarely.
	seen    time.Time
	isHeld  atomic.Bool
	renewed atomic.Pointer[time.Time] // the lease lasts for its time from then
}

// runOperation runs the operation of a claimed cluster as far as it goes. It
// reports whether the cluster is due again at once.
func (w *Worker) runOperation(ctx context.Context, due *store.ClusterDocument, lease *store.Lease[store.ClusterDocument], k *kept) (again bool) {
	op := w.operationOf(lease)
	if op == nil {
		return w.forget(ctx, lease)
	}
	op.kept = k
	if due.Due != nil && due.Owner == "" { // since when a lost lease was over nobody can tell
		w.metrics.pickup.Observe(max(0, w.Now().Sub(due.WrittenAt).Seconds()-*due.Due))
	}
	ctx, release := w.keepAlive(w.Trace(ctx, op.CorrelationID), op)
	defer release()
	outcome := w.perform(ctx, op)
	for w.hold(op, outcome) {
		if outcome = w.await(ctx, op); outcome == nil {
			outcome = pipeline.Run(ctx, op.work, w.Plans[op.Kind])
		}
	}
	return w.conclude(ctx, op, outcome)
}

// hold gives the hand back until the next attempt but not the lease, if the attempt
// comes within the time that a lease lasts, and there is room.
func (w *Worker) hold(op *operation, outcome error) bool {
	if !errors.As(outcome, &op.pause) || op.pause.After >= w.LeaseTTL {
		return false
	}
	held, look := w.crew.hold(op.kept)
	if look {
		w.Wake()
	}
	op.resumes = time.Now().Add(op.pause.After)
	return held
}

// await waits until a hand takes the operation up again, or says why none will.
func (w *Worker) await(ctx context.Context, op *operation) error {
	w.metrics.running.Dec()
	w.metrics.waiting.Inc()
	op.isHeld.Store(true)
	defer func() {
		op.isHeld.Store(false)
		w.metrics.waiting.Dec()
		w.metrics.running.Inc()
	}()
	if err := op.work.Hold(ctx, op.pause); err != nil {
		return err
	}
	select {
	case <-time.After(time.Until(op.resumes)):
	case <-op.kept.nudge:
		op.seen = time.Time{}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	look, err := w.crew.resume(ctx, op.kept)
	if look {
		w.Wake()
	}
	if err != nil {
		return err
	}
	return w.verify(ctx, op)
}

// verify makes sure, before a step runs, that the lease lasts: heartbeats see to it, but
// a process that got no processor or was stopped for a while may find it lost. It also
// sees, as rarely as steps that run do, whether another operation has come.
func (w *Worker) verify(ctx context.Context, op *operation) error {
	begun := time.Now()
	switch {
	case begun.Sub(*op.renewed.Load()) > w.LeaseTTL*5/8:
		if err := renew(ctx, op.work, w.LeaseTTL/4); errors.Is(err, pipeline.ErrSuperseded) {
			return err
		} else if err != nil {
			return fmt.Errorf("%w: %w", store.ErrLeaseLost, err)
		}
		op.renewed.Store(&begun)
	case begun.Sub(op.seen) > w.LeaseTTL/4:
		if err := op.work.Refresh(ctx); errors.Is(err, pipeline.ErrSuperseded) || errors.Is(err, store.ErrLeaseLost) {
			return err // any other says nothing about the lease
		}
	default:
		return nil
	}
	op.seen = begun
	return nil
}

func (w *Worker) operationOf(lease *store.Lease[store.ClusterDocument]) *operation {
	doc := lease.Doc()
	running := doc.Cluster.Internal.Operation
	if running == nil {
		return nil
	}
	op := &operation{Operation: *running, lost: doc.Lost}
	op.log = w.Log.With("operation_id", op.ID, "operation_kind", op.Kind, "correlation_id", op.CorrelationID,
		"client_request_id", op.ClientRequestID, "resource_id", doc.Cluster.ID)
	op.work = pipeline.NewWork(lease, pipeline.Options{Now: w.Now, Log: op.log, Observe: func(a pipeline.Attempt) {
		w.metrics.attempts.WithLabelValues(string(op.Kind), a.Step, string(a.Result)).Inc()
		if a.Result == pipeline.Done || a.Result == pipeline.Failed {
			w.metrics.steps.WithLabelValues(string(op.Kind), a.Step, string(a.Result)).Observe(a.Since.Seconds())
		}
	}})
	return op
}

// forget releases a cluster that was due with nothing to do; at once for the next
// worker if an operation has begun meanwhile.
func (w *Worker) forget(ctx context.Context, lease *store.Lease[store.ClusterDocument]) (again bool) {
	err := pipeline.Persist(ctx, func(ctx context.Context) error {
		again = false
		err := lease.Release(ctx, idle, nil)
		if errors.Is(err, pipeline.ErrSuperseded) {
			again = true
			err = lease.Release(ctx, func(*store.ClusterDocument) error { return nil }, new(time.Duration))
		}
		return err
	})
	w.Log.WarnContext(ctx, "cluster was due without an operation", "resource_id", lease.Doc().Cluster.ID, "error", err)
	return again && err == nil
}

// idle refuses a cluster that has an operation.
func idle(d *store.ClusterDocument) error {
	if d.Cluster.Internal.Operation != nil {
		return pipeline.ErrSuperseded
	}
	return nil
}

// perform runs the plan. Its error is pipeline.Run's.
func (w *Worker) perform(ctx context.Context, op *operation) error {
	if op.lost > maxLost {
		return arm.TooManyClaims.Errorf("%d workers in a row stopped while they ran the operation.", op.lost)
	}
	if op.lost > 0 && w.wasTold(ctx, op) {
		return nil // conclude finds out how it ended
	}
	if err := w.followTenant(ctx, op); err != nil {
		return err
	}
	return pipeline.Run(ctx, op.work, w.Plans[op.Kind])
}

// followTenant takes the tenant from what ARM last told of the subscription, when
// an operation begins: subscriptions move to other tenants, and then the one in
// which a cluster was created knows neither it nor us. A create has just taken it.
func (w *Worker) followTenant(ctx context.Context, op *operation) error {
	c := op.work.Cluster()
	if op.Kind == model.Create || op.Current != nil || len(op.Finished) > 0 {
		return nil
	}
	id, ok := arm.ParseClusterID(c.ID)
	if !ok {
		return nil // its steps will tell
	}
	subscription := strings.ToLower(id.SubscriptionID)
	told, err := w.Store.Subscriptions.Get(ctx, subscription, subscription)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("subscription of the cluster: %w: %w", store.ErrLeaseLost, err) // another worker goes on
	}
	tenant := told.Subscription.Properties.TenantID
	if former := c.Internal.TenantID; tenant != "" && !arm.EqualFold(tenant, former) {
		op.log.InfoContext(ctx, "subscription moved to another tenant", "tenant_id", tenant, "former_tenant_id", former)
	}
	return op.work.Save(ctx, func(c *model.Cluster) error {
		if !c.FollowTenant(tenant) {
			return store.ErrUnchanged
		}
		return nil
	})
}

// wasTold reports whether clients were told already how the operation ended, by a
// worker that perished before it could end it for the cluster too.
func (w *Worker) wasTold(ctx context.Context, op *operation) bool {
	told, err := w.Store.Operations.Get(ctx, op.ID, op.ID)
	return err == nil && isTold(told)
}

// conclude is the one place that decides what becomes of an operation after its
// plan ran. It reports whether the cluster is due again at once.
func (w *Worker) conclude(ctx context.Context, op *operation, outcome error) (again bool) {
	err := w.act(ctx, op, outcome)
	if errors.Is(err, pipeline.ErrSuperseded) { // while we were at it
		err, again = op.work.HandOver(ctx, 0), true
	}
	switch {
	case errors.Is(err, store.ErrLeaseLost):
		w.metrics.lost.Inc()
		op.log.WarnContext(ctx, "lease lost", "error", err)
	case err != nil:
		op.log.ErrorContext(ctx, "operation left to its lease", "error", err)
	}
	return again && err == nil
}

func (w *Worker) act(ctx context.Context, op *operation, outcome error) error {
	var pause *pipeline.Pause
	switch {
	case outcome == nil:
		return w.end(ctx, op, nil)
	case errors.As(outcome, &pause):
		if err := op.work.Rest(ctx, pause); err != nil {
			return err
		}
		time.AfterFunc(pause.After+timerSlack, w.Wake)
		return nil
	case errors.Is(outcome, store.ErrLeaseLost), errors.Is(outcome, pipeline.ErrSuperseded):
		return outcome
	case errors.Is(outcome, errDraining):
		op.log.InfoContext(ctx, "operation handed over")
		w.handing <- struct{}{}
		defer func() { <-w.handing }()
		return op.work.HandOver(ctx, max(0, time.Until(op.resumes)))
	default:
		return w.end(ctx, op, outcome)
	}
}

// keepAlive renews the lease until release is called. The context it returns
// ends, with the cause, when the lease is lost or cannot be renewed in time, and
// when the operation is superseded.
func (w *Worker) keepAlive(ctx context.Context, op *operation) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	op.renewed.Store(new(time.Now()))
	done := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() { w.beat(ctx, op, done, cancel) })
	return ctx, func() {
		close(done)
		beats.Wait()
		cancel(nil)
	}
}

func (w *Worker) beat(ctx context.Context, op *operation, done chan struct{}, cancel context.CancelCauseFunc) {
	const retries = 5 // in the time of one beat
	period, slot := w.LeaseTTL/4, w.LeaseTTL/60
	safe := w.LeaseTTL - period/2 // leaves the step time to stop before another worker begins
	deadline, pause, skipped := time.Now().Add(safe), inStep(period, slot), false
	for {
		select {
		case <-done:
			return
		case <-time.After(pause):
			// While no step runs every second beat will do: half of the lease is left when
			// one begins.
			if skipped = !skipped && op.isHeld.Load() && pause >= period-slot; skipped {
				pause = inStep(period, slot)
				continue
			}
		}
		begun := time.Now() // monotonic, unlike w.Now
		err := renew(ctx, op.work, min(period, deadline.Sub(begun)))
		switch {
		case err == nil:
			op.renewed.Store(&begun)
			deadline, pause, skipped = begun.Add(safe), inStep(period, slot), false
		case errors.Is(err, pipeline.ErrSuperseded), errors.Is(err, store.ErrLeaseLost):
			cancel(err)
			return
		case !time.Now().Before(deadline):
			cancel(fmt.Errorf("%w: %w", store.ErrLeaseLost, err))
			return
		default:
			pause = min(period/retries, time.Until(deadline))
		}
	}
}

// inStep is at most slot less than period, so that all beats of a process fall on the
// same moments: a database writes many small things at once for little more than one.
func inStep(period, slot time.Duration) time.Duration {
	return period - time.Duration(time.Now().UnixNano())%slot
}

// renew goes on while the process drains: a step that takes its time to stop is
// still under its lease.
func renew(ctx context.Context, work *pipeline.Work, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return work.Renew(ctx)
}
