package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/tracing"
)

// maxLost is the number of processes in a row that may stop during an operation before the
// operation is assumed to be the cause.
const maxLost = 5

// Operation is one claimed operation.
type Operation[D, R any] struct {
	// Operation is its record as it was claimed.
	model.Operation
	// Work is what its steps work with.
	Work *pipeline.Work[D, R]
	Log  *slog.Logger
	// Lost is the number of processes in a row that stopped during it.
	Lost int

	task *task
	// pause is what it waits for while it is held, until resumes.
	pause   *pipeline.Pause
	resumes time.Time
	// seen is when its document was last read to find out whether another operation has replaced
	// it. Running steps find out at the same interval.
	seen   time.Time
	isHeld atomic.Bool
}

// work runs the operation of a claimed document until it ends, is released, or has to wait for
// longer than a lease lasts.
func (p *Pool[D, R]) work(ctx context.Context, due *D, lease *store.Lease[D], t *task) {
	p.Metrics.running.Inc()
	p.reportCount()
	again := false
	if op := p.operationOf(ctx, lease); op == nil {
		again = p.putToRest(ctx, lease)
	} else {
		op.task = t
		p.observePickup(due)
		traced, span := p.traced(ctx, op)
		ctx, release := p.keepAlive(traced, op)
		done, outcome := p.begin(ctx, op)
		for !done && outcome == nil {
			outcome = pipeline.Run(ctx, op.Work, p.kind.Plans[op.Kind])
			if done = !p.hold(op, outcome); !done {
				outcome = p.await(ctx, op)
			}
		}
		again = p.finish(ctx, op, outcome)
		release()
		span.End()
	}
	p.Metrics.running.Dec()
	look := p.workers.done(t)
	p.reportCount()
	if again || look {
		p.Wake()
	}
}

// reportCount reports how many operations run or wait here, after that changed.
func (p *Pool[D, R]) reportCount() {
	if p.kind.Working != nil {
		p.kind.Working(p.workers.count())
	}
}

// operationOf returns nil if the document has no operation and none is due.
func (p *Pool[D, R]) operationOf(ctx context.Context, lease *store.Lease[D]) *Operation[D, R] {
	if p.kind.Prepare != nil && p.kind.Operation(lease.Doc()) == nil {
		err := pipeline.Persist(ctx, func(ctx context.Context) error { return lease.Save(ctx, p.kind.Prepare) })
		if err != nil {
			p.Log.WarnContext(ctx, "operation not begun", "resource_id", p.kind.ID(lease.Doc()), "error", err)
		}
	}
	doc := lease.Doc()
	running := p.kind.Operation(doc)
	if running == nil {
		return nil
	}
	op := &Operation[D, R]{Operation: *running, Lost: p.kind.Meta(doc).Lost}
	op.Log = p.Log.With("operation_id", op.ID, "operation_kind", op.Kind, "correlation_id", op.CorrelationID,
		"client_request_id", op.ClientRequestID, "resource_id", p.kind.ID(doc))
	op.Work = pipeline.NewWork(&p.kind.Kind, lease, pipeline.Options{Now: p.Now, Log: op.Log, Observe: func(a pipeline.Attempt) {
		p.Metrics.observe(string(op.Kind), a)
	}})
	return op
}

// putToRest releases a document that was due with nothing to do; at once for the next
// process if an operation has begun meanwhile.
func (p *Pool[D, R]) putToRest(ctx context.Context, lease *store.Lease[D]) (again bool) {
	idle := func(d *D) error {
		if p.kind.Operation(d) != nil {
			return pipeline.ErrSuperseded
		}
		return nil
	}
	err := pipeline.Persist(ctx, func(ctx context.Context) error {
		again = false
		err := lease.Release(ctx, idle, nil)
		if errors.Is(err, pipeline.ErrSuperseded) {
			again = true
			err = lease.Release(ctx, func(*D) error { return nil }, new(time.Duration))
		}
		return err
	})
	p.Log.WarnContext(ctx, "document was due without an operation", "resource_id", p.kind.ID(lease.Doc()), "error", err)
	return again && err == nil
}

// begin makes the operation ready for its steps, and reports whether it needs none.
// Its error is treated as one of pipeline.Run.
func (p *Pool[D, R]) begin(ctx context.Context, op *Operation[D, R]) (ended bool, err error) {
	if op.Lost > maxLost {
		return false, arm.TooManyClaims.Errorf("%d workers in a row stopped while they ran the operation.", op.Lost)
	}
	if p.kind.Begin == nil {
		return false, nil
	}
	return p.kind.Begin(ctx, op)
}

// hold frees the worker until the next attempt but keeps the lease, if the attempt comes within the
// lease time, and there is room.
func (p *Pool[D, R]) hold(op *Operation[D, R], outcome error) bool {
	if !errors.As(outcome, &op.pause) || op.pause.After >= p.LeaseTTL {
		return false
	}
	held, look := p.workers.hold(op.task)
	if look {
		p.Wake()
	}
	op.resumes = time.Now().Add(op.pause.After)
	return held
}

// await waits until a worker resumes the operation, or returns the reason why none will.
func (p *Pool[D, R]) await(ctx context.Context, op *Operation[D, R]) error {
	p.Metrics.running.Dec()
	p.Metrics.waiting.Inc()
	op.isHeld.Store(true)
	defer func() {
		op.isHeld.Store(false)
		p.Metrics.waiting.Dec()
		p.Metrics.running.Inc()
	}()
	if err := op.Work.Hold(ctx, op.pause); err != nil {
		return err
	}
	select {
	case <-time.After(time.Until(op.resumes)):
	case <-op.task.replaced:
		op.seen = time.Time{}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	look, err := p.workers.resume(ctx, op.task, p.LeaseTTL/2)
	if look {
		p.Wake()
	}
	if err != nil {
		return err
	}
	return p.verify(ctx, op)
}

// verify makes sure, before a step runs, that the lease is held: a process that was suspended may
// have lost it in spite of heartbeats. At the interval of running steps it also checks whether
// another operation has replaced this one.
func (p *Pool[D, R]) verify(ctx context.Context, op *Operation[D, R]) error {
	begun := time.Now()
	switch {
	case begun.Sub(op.Work.Renewed()) > p.LeaseTTL*5/8:
		if err := renew(ctx, op.Work, p.LeaseTTL/4); errors.Is(err, pipeline.ErrSuperseded) {
			return err
		} else if err != nil {
			return fmt.Errorf("%w: %w", store.ErrLeaseLost, err)
		}
	case begun.Sub(op.seen) > p.LeaseTTL/4:
		if err := op.Work.Refresh(ctx); errors.Is(err, pipeline.ErrSuperseded) || errors.Is(err, store.ErrLeaseLost) {
			return err // any other says nothing about the lease
		}
	default:
		return nil
	}
	op.seen = begun
	return nil
}

// finish is the one place that decides how an operation continues after its plan ran. It reports
// whether the document is due again at once.
func (p *Pool[D, R]) finish(ctx context.Context, op *Operation[D, R], outcome error) (again bool) {
	err := p.applyOutcome(ctx, op, outcome)
	if errors.Is(err, pipeline.ErrSuperseded) { // meanwhile
		err, again = op.Work.HandOver(ctx, 0), true
	}
	switch {
	case errors.Is(err, store.ErrLeaseLost):
		p.Metrics.lost.Inc()
		op.Log.WarnContext(ctx, "lease lost", "error", err)
	case err != nil:
		op.Log.ErrorContext(ctx, "operation left to its lease", "error", err)
	}
	return again && err == nil
}

// applyOutcome ends the operation, releases it until its next attempt, or releases it to other
// processes.
func (p *Pool[D, R]) applyOutcome(ctx context.Context, op *Operation[D, R], outcome error) error {
	var pause *pipeline.Pause
	switch {
	case outcome == nil:
		return p.kind.End(ctx, op, nil)
	case errors.As(outcome, &pause):
		if err := op.Work.Rest(ctx, pause); err != nil {
			return err
		}
		time.AfterFunc(pause.After+timerSlack, p.Wake)
		return nil
	case errors.Is(outcome, store.ErrLeaseLost), errors.Is(outcome, pipeline.ErrSuperseded):
		return outcome
	case errors.Is(outcome, errNoWorker):
		p.Metrics.handedBack.Inc()
		op.Log.InfoContext(ctx, "operation handed back: no worker was free for it", "seconds", (p.LeaseTTL / 2).Seconds())
		return p.handOver(ctx, op)
	case errors.Is(outcome, errDraining):
		op.Log.InfoContext(ctx, "operation handed over")
		return p.handOver(ctx, op)
	default:
		return p.kind.End(ctx, op, outcome)
	}
}

// handOver releases the document to any process, for its next attempt.
func (p *Pool[D, R]) handOver(ctx context.Context, op *Operation[D, R]) error {
	p.handing <- struct{}{}
	defer func() { <-p.handing }()
	return op.Work.HandOver(ctx, max(0, time.Until(op.resumes)))
}

func (p *Pool[D, R]) observePickup(due *D) {
	if m := p.kind.Meta(due); m.Due != nil && m.Owner == "" { // the end of a lost lease is not known
		p.Metrics.pickup.Observe(max(0, p.Now().Sub(m.WrittenAt).Seconds()-*m.Due))
	}
}

// traced returns a context with the operation's correlation id, and the span of this process's
// part of the operation, below that of the request that began it.
func (p *Pool[D, R]) traced(ctx context.Context, op *Operation[D, R]) (context.Context, tracing.Span) {
	ctx, span := tracing.Begin(tracing.Continue(ctx, op.TraceParent), "operation "+string(op.Kind), tracing.OperationKind, string(op.Kind),
		tracing.OperationID, op.ID, tracing.CorrelationID, op.CorrelationID)
	if p.kind.Trace != nil {
		ctx = p.kind.Trace(ctx, op.CorrelationID)
	}
	return ctx, span
}
