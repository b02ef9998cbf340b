package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aro-rp/aro/store"
)

// poolPage is how many documents of a pool are read at a time.
const poolPage = 100

// beats is the number of heartbeats within the time after which a process is considered dead.
const beats = 4

// Pool shares the buckets among the running processes. The one that holds a lease assigns the
// buckets; all read the assignment.
type Pool struct {
	Workers *store.Collection[store.PoolWorkerDocument]
	// Name is the pool's, and ID this process's.
	Name, ID string
	// TTL is the time without a heartbeat after which a process is considered dead. Times are those
	// of the database.
	TTL time.Duration
	Log *slog.Logger
	// Assign is called with the buckets of this process each time they have been read. They are
	// valid until the given time, unless it is called again before.
	Assign func(buckets []int, until time.Time)

	lease *store.Lease[store.PoolWorkerDocument]
}

// Run takes part in the pool until ctx ends, and then leaves it, so that others need not wait for
// its TTL.
func (p *Pool) Run(ctx context.Context) error {
	tick := time.NewTicker(p.TTL / beats)
	defer tick.Stop()
	for {
		if err := p.beat(ctx); err != nil && ctx.Err() == nil {
			p.Log.WarnContext(ctx, "the pool of monitors cannot be kept up", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return p.leave(context.WithoutCancel(ctx))
		}
	}
}

// beat records a heartbeat, assigns the buckets if this process leads, and reads the assignment.
func (p *Pool) beat(ctx context.Context) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.TTL/beats)
	defer cancel()
	me, err := p.Workers.Upsert(ctx, p.Name, p.ID, func() *store.PoolWorkerDocument { return store.NewPoolWorker(p.Name, p.ID) },
		func(doc *store.PoolWorkerDocument) error {
			doc.TTL = int(p.TTL/time.Second) + 1
			return nil
		})
	if err != nil {
		return fmt.Errorf("say that this process is alive: %w", err)
	}
	if err := p.lead(ctx, me.WrittenAt); err != nil {
		return fmt.Errorf("share the buckets: %w", err)
	}
	shares, err := p.Workers.View(ctx, p.Name, p.Name)
	if errors.Is(err, store.ErrNotFound) {
		return p.found(ctx)
	}
	if err != nil {
		return fmt.Errorf("read the shares: %w", err)
	}
	var mine []int
	for i, owner := range shares.Buckets {
		if owner == p.ID {
			mine = append(mine, i)
		}
	}
	p.Assign(mine, began.Add(p.TTL-p.TTL/beats))
	return nil
}

// found makes the document with the shares, which is due at once.
func (p *Pool) found(ctx context.Context) error {
	shares := store.NewPoolWorker(p.Name, p.Name)
	shares.Due = store.Due(0)
	err := p.Workers.Create(ctx, shares)
	if _, exists := errors.AsType[*store.ConflictError](err); exists {
		return nil
	}
	return err
}

// lead shares the buckets among the processes that are alive at a time of the database, if this
// process holds the lease or gets it.
func (p *Pool) lead(ctx context.Context, now time.Time) error {
	if p.lease == nil {
		if err := p.claim(ctx); p.lease == nil || err != nil {
			return err
		}
		p.Log.InfoContext(ctx, "this process shares the buckets among the monitors")
	}
	alive, err := p.alive(ctx, now)
	if err != nil {
		return err
	}
	shared := balance(p.lease.Doc().Buckets, alive)
	if slices.Equal(shared, p.lease.Doc().Buckets) {
		err = p.lease.Renew(ctx, func(*store.PoolWorkerDocument) error { return nil })
	} else {
		err = p.lease.Save(ctx, func(doc *store.PoolWorkerDocument) error {
			doc.Buckets = balance(doc.Buckets, alive)
			return nil
		})
		p.Log.InfoContext(ctx, "buckets are distributed again", "monitors", len(alive))
	}
	if errors.Is(err, store.ErrLeaseLost) {
		p.lease = nil
		p.Log.WarnContext(ctx, "another process shares the buckets now")
		return nil
	}
	return err
}

func (p *Pool) claim(ctx context.Context) error {
	due, _, err := p.Workers.Due(ctx, 1, poolPage)
	if err != nil {
		return err
	}
	for _, doc := range due {
		if doc.Partition != p.Name || doc.ID != p.Name {
			continue
		}
		p.lease, err = p.Workers.Claim(ctx, doc, p.ID, p.TTL)
		if errors.Is(err, store.ErrPreconditionFailed) || errors.Is(err, store.ErrNotFound) {
			p.lease, err = nil, nil // another process was faster
		}
		return err
	}
	return nil
}

// alive returns the ids of the processes with a recent heartbeat.
func (p *Pool) alive(ctx context.Context, now time.Time) (ids []string, err error) {
	for q := (store.Query{Partition: p.Name, Limit: poolPage}); ; {
		docs, next, err := p.Workers.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			if doc.ID != p.Name && now.Sub(doc.WrittenAt) < p.TTL {
				ids = append(ids, doc.ID)
			}
		}
		if next == "" {
			return ids, nil
		}
		q.Continuation = next
	}
}

// leaveTime bounds the good-bye.
const leaveTime = 5 * time.Second

func (p *Pool) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	p.Assign(nil, time.Now())
	if me, err := p.Workers.Get(ctx, p.Name, p.ID); err == nil {
		_ = p.Workers.Delete(ctx, me) // else it is found dead in a while
	}
	if p.lease != nil {
		none := time.Duration(0)
		_ = p.lease.Release(ctx, func(*store.PoolWorkerDocument) error { return store.ErrUnchanged }, &none)
	}
	return nil
}
