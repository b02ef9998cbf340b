package pipeline

import (
	"github.com/aro-rp/aro/wait"

	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Work is one operation in the hands of one worker: what steps see of it.
type Work struct {
	lease   *store.Lease[store.ClusterDocument]
	id      string // of the operation
	options Options
	waits   *wait.Waits // of the current attempt
	running running     // of the current step
	// attempted is what the last attempt that did not end its step has to record. It may be
	// ahead of the document, which gets it with the next write.
	attempted atomic.Pointer[model.Step]
	// told is when something new about the step was last written for its own sake.
	told time.Time
}

// Options are what a Work needs beside its lease.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// Observe is told about every attempt of a step.
	Observe func(Attempt)
}

// Attempt is how one attempt of a step ended.
type Attempt struct {
	Step   string
	Result Result
	// Since the step's first attempt.
	Since time.Duration
}

// Result says in one word how an attempt ended.
type Result string

// The results. After Done and Failed there is no further attempt.
const (
	Done     Result = "done"
	Waiting  Result = "waiting"
	Retrying Result = "retrying"
	Failed   Result = "failed"
)

// NewWork returns the work on the cluster's running operation, which there must be.
func NewWork(lease *store.Lease[store.ClusterDocument], o Options) *Work {
	return &Work{lease: lease, id: lease.Doc().Cluster.Internal.Operation.ID, options: o}
}

// Cluster is the cluster as last read or written. It is not to be changed.
func (w *Work) Cluster() *model.Cluster { return &w.lease.Doc().Cluster }

// operation is the running operation as last read or written, not to be changed.
func (w *Work) operation() *model.Operation { return w.Cluster().Internal.Operation }

// current is the record of the current step with all its attempts.
func (w *Work) current() *model.Step {
	written, attempted := w.operation().Current, w.attempted.Load()
	if written != nil && attempted != nil && written.Name == attempted.Name {
		return attempted
	}
	return written
}

// Save changes the cluster's document, once it is sure that this worker still
// holds the cluster (else store.ErrLeaseLost) and the operation is still the
// cluster's (else ErrSuperseded). change sees the newest document, may be called
// again, and may return store.ErrUnchanged to write nothing.
func (w *Work) Save(ctx context.Context, change func(*model.Cluster) error) error {
	return w.save(ctx, func(d *store.ClusterDocument) error {
		if err := change(&d.Cluster); err != nil {
			return err
		}
		d.Cluster.Internal.Revision++ // what steps save is mostly for customers to see
		return nil
	})
}

// Renew keeps the lease, and writes what is new about the current step. It notices
// a lost lease and a superseded operation as Save does.
func (w *Work) Renew(ctx context.Context) error {
	if w.hasNews() {
		return w.save(ctx, func(*store.ClusterDocument) error { return nil })
	}
	return w.lease.Renew(ctx, w.check)
}

// Refresh sees what others wrote. It notices a lost lease and a superseded
// operation as Save does.
func (w *Work) Refresh(ctx context.Context) error {
	return w.lease.Refresh(ctx, w.check)
}

// newsEvery bounds how often something new about a step is written before the
// lease is renewed anyway.
const newsEvery = 5 * time.Second

// Hold keeps the attempt that led to p, and the lease. What Azure has begun is written
// at once. Customers see at once what is new about the step, unless they saw something
// new just now: then they see it when the lease is renewed.
func (w *Work) Hold(ctx context.Context, p *Pause) error {
	w.attempted.Store(&p.step)
	now := w.options.Now()
	if !w.hasNews() || now.Sub(w.told) < newsEvery && maps.Equal(p.step.Running, w.operation().Current.Running) {
		return nil
	}
	w.told = now
	if err := w.record(ctx, func(*store.ClusterDocument) error { return nil }); err != nil {
		return stopped(ctx, err)
	}
	return nil
}

// hasNews reports whether the last attempt said anything that is not written yet. That
// there was one more is no news.
func (w *Work) hasNews() bool {
	attempted, running := w.attempted.Load(), w.operation()
	if attempted == nil || running == nil || running.Current == nil || attempted.Name != running.Current.Name {
		return false // also when all has ended meanwhile
	}
	written := running.Current
	return w.lease.Doc().Lost > 0 || attempted.WaitingFor != written.WaitingFor || attempted.LastError != written.LastError ||
		(attempted.Refusal == nil) != (written.Refusal == nil) || !maps.Equal(attempted.Running, written.Running)
}

// carry puts the record of the last attempt into a document that has an older one.
// Whoever records an attempt got on with the operation.
func (w *Work) carry(d *store.ClusterDocument) {
	attempted := w.attempted.Load()
	if current := d.Cluster.Internal.Operation.Current; attempted != nil && current != nil && current.Name == attempted.Name {
		d.Lost, d.Cluster.Internal.Operation.Current = 0, attempted
	}
}

// Rest records the attempt that led to p and gives the lease back until the
// next one.
func (w *Work) Rest(ctx context.Context, p *Pause) error {
	w.attempted.Store(&p.step)
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, w.guarded(func(d *store.ClusterDocument) error {
			d.Lost = 0
			return nil
		}), &p.After)
	})
}

// End makes a last change to the cluster and gives the lease back for good.
func (w *Work) End(ctx context.Context, change func(*model.Cluster)) error {
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, w.guarded(func(d *store.ClusterDocument) error {
			d.Lost = 0
			change(&d.Cluster)
			return nil
		}), nil)
	})
}

// HandOver gives the lease back, for somebody to go on after that time.
func (w *Work) HandOver(ctx context.Context, after time.Duration) error {
	nothing := func(*store.ClusterDocument) error { return nil }
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, func(d *store.ClusterDocument) error {
			if err := w.guarded(nothing)(d); !errors.Is(err, ErrSuperseded) {
				return err
			}
			return nil // the next one finds the other operation
		}, &after)
	})
}

// Delete removes the cluster's document.
func (w *Work) Delete(ctx context.Context) error { return Persist(ctx, w.lease.Delete) }

func (w *Work) save(ctx context.Context, change func(*store.ClusterDocument) error) error {
	return w.lease.Save(ctx, w.guarded(change))
}

// record writes progress.
func (w *Work) record(ctx context.Context, change func(*store.ClusterDocument) error) error {
	return Persist(ctx, func(ctx context.Context) error { return w.save(ctx, change) })
}

// guarded refuses to change a cluster that has another operation by now. What it
// changes gets the record of the last attempt too.
func (w *Work) guarded(change func(*store.ClusterDocument) error) func(*store.ClusterDocument) error {
	return func(d *store.ClusterDocument) error {
		if err := w.check(d); err != nil {
			return err
		}
		if err := change(d); err != nil {
			return err
		}
		if d.Cluster.Internal.Operation != nil {
			w.carry(d)
		}
		return nil
	}
}

func (w *Work) check(d *store.ClusterDocument) error {
	if op := d.Cluster.Internal.Operation; op == nil || op.ID != w.id {
		return ErrSuperseded
	}
	return nil
}

// How long one try of a write may take, and the pause before the next.
const (
	persistTimeout = 15 * time.Second
	persistPause   = 500 * time.Millisecond
)

// Persist makes a write that has to happen: once even after ctx ended, because
// what was done must be written down, and again and again while the database is
// away and ctx lasts. write must be harmless to repeat.
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
