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
	// left leaves the step time to stop before another process begins. What the step
	// saves renews the lease too.
	left := func() time.Duration { return time.Until(op.Work.Renewed().Add(p.LeaseTTL - period/2)) }
	pause, skipped := inStep(period, slot), false
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

// inStep is at most slot less than period, so that all beats of a process fall on the
// same moments: a database writes many small things at once for little more than one.
func inStep(period, slot time.Duration) time.Duration {
	return period - time.Duration(time.Now().UnixNano())%slot
}

// renew continues while the process drains: a step that takes its time to stop is
// still under its lease.
func renew[D, R any](ctx context.Context, work *pipeline.Work[D, R], timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return work.Renew(ctx)
}
