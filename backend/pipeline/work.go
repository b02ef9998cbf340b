package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/wait"
)

// Work is a running operation as its steps see it.
type Work[D, R any] struct {
	kind    *Kind[D, R]
	lease   *store.Lease[D]
	id      string // of the operation
	options Options
	waits   *wait.Waits // of the current attempt
	running running     // of the current step
	// attempted is the record of the last attempt, unless it ended its step. It may be newer than
	// the document, which gets it with the next write.
	attempted atomic.Pointer[model.Step]
	// published is when a change of the step's record was last written on its own.
	published time.Time
}

// Options are what a Work needs beside its lease.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Observe is called with every attempt of a step.
	Observe func(Attempt)
}

// Attempt describes one attempt of a step.
type Attempt struct {
	Step   string
	Result Result
	// Since is the time since the step's first attempt.
	Since time.Duration
}

// Result is the outcome of an attempt.
type Result string

// The results. After Done and Failed there is no further attempt.
const (
	Done     Result = "done"
	Waiting  Result = "waiting"
	Retrying Result = "retrying"
	Failed   Result = "failed"
)

// NewWork returns the work of the document's running operation, which must exist.
func NewWork[D, R any](kind *Kind[D, R], lease *store.Lease[D], o Options) *Work[D, R] {
	return &Work[D, R]{kind: kind, lease: lease, id: kind.Operation(lease.Doc()).ID, options: o}
}

// Resource returns the resource of the operation, as last read or written. It must not be changed.
func (w *Work[D, R]) Resource() *R { return w.kind.Resource(w.lease.Doc()) }

// Partition returns the document's partition.
func (w *Work[D, R]) Partition() string { return w.kind.Meta(w.lease.Doc()).Partition }

// Age returns the time since the first attempt of the current step.
func (w *Work[D, R]) Age() time.Duration {
	current := w.current()
	if current == nil {
		return 0
	}
	return w.options.Now().Sub(current.StartedAt)
}

// Step is the name of the current step; empty if there is none.
func (w *Work[D, R]) Step() string {
	if op := w.operation(); op != nil && op.Current != nil {
		return op.Current.Name
	}
	return ""
}

// Renewed returns when the lease was last renewed, by this process's clock.
func (w *Work[D, R]) Renewed() time.Time { return w.lease.Renewed() }

// operation is the running operation as last read or written, not to be changed.
func (w *Work[D, R]) operation() *model.Operation { return w.kind.Operation(w.lease.Doc()) }

// current is the record of the current step with all its attempts.
func (w *Work[D, R]) current() *model.Step {
	op, attempted := w.operation(), w.attempted.Load()
	if op == nil {
		return nil
	}
	if op.Current != nil && attempted != nil && op.Current.Name == attempted.Name {
		return attempted
	}
	return op.Current
}

// Save changes the resource if this worker still holds the document (else store.ErrLeaseLost) and
// the document still has this operation (else ErrSuperseded). change sees the newest version, may
// be called again, and may return store.ErrUnchanged to write nothing.
func (w *Work[D, R]) Save(ctx context.Context, change func(*R) error) error {
	return w.save(ctx, func(d *D) error {
		if err := change(w.kind.Resource(d)); err != nil {
			return err
		}
		if w.kind.Saved != nil {
			w.kind.Saved(d)
		}
		return nil
	})
}

// Renew renews the lease, and writes the current step's unwritten record. It returns the errors of
// Save for a lost lease and a superseded operation.
func (w *Work[D, R]) Renew(ctx context.Context) error {
	if w.hasNews() {
		return w.save(ctx, func(*D) error { return nil })
	}
	return w.lease.Renew(ctx, w.check)
}

// Refresh reads the document again. It returns the errors of Save for a lost lease and a superseded
// operation.
func (w *Work[D, R]) Refresh(ctx context.Context) error {
	return w.lease.Refresh(ctx, w.check)
}

// newsEvery bounds how often a changed record of a step is written before the lease is renewed
// anyway.
const newsEvery = 5 * time.Second

// Hold keeps the record of the attempt that led to p, and the lease. Tokens of Azure's operations
// are written at once, and so is a changed record that customers see, unless another change was
// written just now: then it is written when the lease is renewed.
func (w *Work[D, R]) Hold(ctx context.Context, p *Pause) error {
	w.attempted.Store(&p.step)
	now := w.options.Now()
	if !w.hasNews() || now.Sub(w.published) < newsEvery && maps.Equal(p.step.Running, w.operation().Current.Running) {
		return nil
	}
	w.published = now
	if err := w.record(ctx, func(*D) error { return nil }); err != nil {
		return stopped(ctx, err)
	}
	return nil
}

// hasNews reports whether the last attempt's record differs from the written one in more than the
// number of attempts.
func (w *Work[D, R]) hasNews() bool {
	attempted, running := w.attempted.Load(), w.operation()
	if attempted == nil || running == nil || running.Current == nil || attempted.Name != running.Current.Name {
		return false // also when all has ended meanwhile
	}
	written := running.Current
	return w.kind.Meta(w.lease.Doc()).Lost > 0 || attempted.WaitingFor != written.WaitingFor || attempted.LastError != written.LastError ||
		(attempted.Refusal == nil) != (written.Refusal == nil) || !maps.Equal(attempted.Running, written.Running)
}

// carry copies the record of the last attempt into a document that has an older one. An attempt
// that could be recorded made progress with the operation.
func (w *Work[D, R]) carry(d *D) {
	attempted := w.attempted.Load()
	op := w.kind.Operation(d)
	if op != nil && op.Current != nil && attempted != nil && op.Current.Name == attempted.Name {
		w.kind.Meta(d).Lost, op.Current = 0, attempted
	}
}

// Rest records the attempt that led to p and releases the lease until the next one.
func (w *Work[D, R]) Rest(ctx context.Context, p *Pause) error {
	w.attempted.Store(&p.step)
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, w.guarded(func(d *D) error {
			w.kind.Meta(d).Lost = 0
			return nil
		}), &p.After)
	})
}

// End makes the change that ends the operation and releases the lease. The document is due again
// after that time; nil means that no work is left.
func (w *Work[D, R]) End(ctx context.Context, after *time.Duration, change func(*D)) error {
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, w.guarded(func(d *D) error {
			w.kind.Meta(d).Lost = 0
			change(d)
			return nil
		}), after)
	})
}

// HandOver releases the lease, for any process to continue after that time.
func (w *Work[D, R]) HandOver(ctx context.Context, after time.Duration) error {
	nothing := func(*D) error { return nil }
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, func(d *D) error {
			if err := w.guarded(nothing)(d); !errors.Is(err, ErrSuperseded) {
				return err
			}
			return nil // the next one finds the other operation
		}, &after)
	})
}

// Delete removes the document.
func (w *Work[D, R]) Delete(ctx context.Context) error { return Persist(ctx, w.lease.Delete) }

func (w *Work[D, R]) save(ctx context.Context, change func(*D) error) error {
	return w.lease.Save(ctx, w.guarded(change))
}

// record writes progress.
func (w *Work[D, R]) record(ctx context.Context, change func(*D) error) error {
	return Persist(ctx, func(ctx context.Context) error { return w.save(ctx, change) })
}

// guarded refuses to change a document that has another operation by now. It also writes the record
// of the last attempt.
func (w *Work[D, R]) guarded(change func(*D) error) func(*D) error {
	return func(d *D) error {
		if err := w.check(d); err != nil {
			return err
		}
		if err := change(d); err != nil {
			return err
		}
		w.carry(d)
		return nil
	}
}

func (w *Work[D, R]) check(d *D) error {
	if op := w.kind.Operation(d); op == nil || op.ID != w.id {
		return ErrSuperseded
	}
	return nil
}

// The time limit of one attempt to write, and the pause before the next.
const (
	persistTimeout = 15 * time.Second
	persistPause   = 500 * time.Millisecond
)

// Persist makes a write that must happen: once even after ctx ended, because completed work must be
// recorded, and repeatedly while the database is unavailable and ctx lasts. write must be
// idempotent.
func Persist(ctx context.Context, write func(context.Context) error) error {
	for {
		err := persistOnce(ctx, write)
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(persistPause):
		}
	}
}

func persistOnce(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTimeout)
	defer cancel()
	return write(ctx)
}
