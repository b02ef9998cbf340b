package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/store"
)

// keepAlive renews the lease until release is called. The context it returns ends, with
// the cause, when the lease is lost or cannot be renewed in time, and when the operation
// is superseded.
func (p *Pool[D, R]) keepAlive(ctx context.Context, op *Operation[D, R]) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() { p.beat(ctx, op, done, cancel) })
	return ctx, func() {
		close(done)
		beats.Wait()
		cancel(nil)
	}
}

func (p *Pool[D, R]) beat(ctx context.Context, op *Operation[D, R], done chan struct{}, cancel context.CancelCauseFunc) {
	const retries = 5 // in the time of one beat
	period, slot := p.LeaseTTL/4, p.LeaseTTL/60
	// left is the time until the lease ends, minus the time that a step needs to stop before
	// another process begins. Saving a step renews the lease too.
	left := func() time.Duration { return time.Until(op.Work.Renewed().Add(p.LeaseTTL - period/2)) }
	pause, skipped := inStep(period, slot), false
	for {
		select {
		case <-done:
			return
		case <-time.After(pause):
			// While no step runs every second heartbeat is enough: half of the lease is left when a
			// step begins.
			if skipped = !skipped && op.isHeld.Load() && pause >= period-slot; skipped {
				pause = inStep(period, slot)
				continue
			}
		}
		err := renew(ctx, op.Work, min(period, left()))
		switch {
		case err == nil:
			pause, skipped = inStep(period, slot), false
		case errors.Is(err, pipeline.ErrSuperseded), errors.Is(err, store.ErrLeaseLost):
			cancel(err)
			return
		case left() <= 0:
			cancel(fmt.Errorf("%w: %w", store.ErrLeaseLost, err))
			return
		default:
			pause = min(period/retries, left())
		}
	}
}

// inStep returns a duration at most slot shorter than period, so that all heartbeats of a process
// coincide: a database writes many small rows at once for little more than one.
func inStep(period, slot time.Duration) time.Duration {
	return period - time.Duration(time.Now().UnixNano())%slot
}

// renew continues while the process drains: a step that takes long to stop is still under its
// lease.
func renew[D, R any](ctx context.Context, work *pipeline.Work[D, R], timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return work.Renew(ctx)
}
