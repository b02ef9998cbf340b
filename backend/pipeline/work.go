package pipeline

import (
	"github.com/aro-rp/aro/wait"

	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Renew keeps the lease. It notices a lost lease and a superseded operation as
// Save does.
func (w *Work) Renew(ctx context.Context) error {
	return w.save(ctx, func(*store.ClusterDocument) error { return nil })
}

// Rest records the attempt that led to p and gives the lease back until the
// next one.
func (w *Work) Rest(ctx context.Context, p *Pause) error {
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, w.guarded(func(d *store.ClusterDocument) error {
			d.Lost = 0
			d.Cluster.Internal.Operation.Current = &p.step
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

// HandOver gives the lease back as it is, for somebody to go on at once.
func (w *Work) HandOver(ctx context.Context) error {
	var now time.Duration
	return Persist(ctx, func(ctx context.Context) error {
		return w.lease.Release(ctx, func(*store.ClusterDocument) error { return store.ErrUnchanged }, &now)
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

// guarded refuses to change a cluster that has another operation by now.
func (w *Work) guarded(change func(*store.ClusterDocument) error) func(*store.ClusterDocument) error {
	return func(d *store.ClusterDocument) error {
		if op := d.Cluster.Internal.Operation; op == nil || op.ID != w.id {
			return ErrSuperseded
		}
		return change(d)
	}
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
