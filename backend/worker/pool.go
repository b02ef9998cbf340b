// Package worker runs the operations of leased documents of any type. A Pool claims the documents
// of one Kind that are due, runs the plan of their operation under a lease that it renews, holds
// operations that wait without using a worker for them, and releases what this process cannot
// finish.
//
// It owns claiming, fairness, heartbeats and hand-over. The Kind defines where a document has its
// operation, how operations begin and end, and what their steps do. Any number of processes may
// work on the same documents.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// claimTimeout bounds one claim. Draining does not cancel it: a claim that succeeded unnoticed
	// would hold the document for the whole lease time.
	claimTimeout = 10 * time.Second
	// slowestPoll is the longest interval between queries to an unavailable store.
	slowestPoll = 30 * time.Second
	// timerSlack covers the database's resolution of time.
	timerSlack = 2 * time.Millisecond
)

// errDraining is the cause with which running steps are cancelled at the end.
var errDraining = errors.New("this process is stopping")

// Kind is one kind of leased documents. D is the type of the document, R that of the
// resource in it.
type Kind[D, R any] struct {
	pipeline.Kind[D, R]
	// Documents are all documents of the kind.
	Documents *store.Collection[D]
	// Plans has the steps of each kind of operation.
	Plans map[model.OperationKind][]pipeline.Step[D, R]
	// ID is the id of a resource, for the log.
	ID func(*D) string
	// Prepare gives a due document without an operation the operation that it is due for, or
	// returns store.ErrUnchanged. May be nil.
	Prepare func(*D) error
	// Begin is called when a process begins to work on an operation, before any step. It reports
	// whether only the end of the operation is missing. Its error is treated as one of
	// pipeline.Run. May be nil.
	Begin func(context.Context, *Operation[D, R]) (ended bool, err error)
	// End ends an operation, with a failure or without.
	End func(ctx context.Context, op *Operation[D, R], failure error) error
	// Trace adds an operation's correlation id to the context of calls to other services; may be
	// nil.
	Trace func(ctx context.Context, correlationID string) context.Context
	// Working is called with the number of operations that run or wait in this process,
	// whenever it changes; may be nil.
	Working func(n int)
}

// Config is what pools of one process have in common. All members are needed.
type Config struct {
	// Owner names the process in leases.
	Owner string
	// LeaseTTL is how long a process without a heartbeat keeps a document. A quarter of it is the
	// heartbeat; half of it, how long an operation waits for a free worker before
	// another process may take it.
	LeaseTTL time.Duration
	// PollInterval bounds how long work of other processes goes unnoticed. IdleInterval
	// replaces it while neither this process nor, as far as it was notified, any other
	// has had work for twice the lease time; 0 means PollInterval.
	PollInterval, IdleInterval time.Duration
	// DrainGrace is how long running steps may take to stop.
	DrainGrace time.Duration
	Now        func() time.Time
	Log        *slog.Logger
	Metrics    *Metrics
}

// Pool runs the operations of one kind of documents. Make it with New.
type Pool[D, R any] struct {
	Config
	kind     Kind[D, R]
	size     int
	workers  *workers
	wake     chan struct{}
	notified atomic.Pointer[time.Time] // when work was last announced
	handing  chan struct{}             // bounds how many operations are handed over at once
}

// New makes a pool of size workers, which holds up to waiting operations beside those
// that run.
func New[D, R any](cfg Config, kind Kind[D, R], size, waiting int) *Pool[D, R] {
	p := &Pool[D, R]{Config: cfg, kind: kind, size: size, workers: newWorkers(size, waiting),
		wake: make(chan struct{}, 1), handing: make(chan struct{}, size)}
	now := time.Now() // what another process left is found soon
	p.notified.Store(&now)
	return p
}

// Wake makes the pool look for work now. Call it after writing a due document, and when another
// process notifies this one. It never blocks.
func (p *Pool[D, R]) Wake() {
	now := time.Now()
	p.notified.Store(&now)
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Busy reports whether operations run or wait here.
func (p *Pool[D, R]) Busy() bool { return p.workers.count() > 0 }

// interval is the pause between two queries for work. After a notification it is short for twice
// the lease time, so that the work of a process that dies is found.
func (p *Pool[D, R]) interval() time.Duration {
	if p.IdleInterval <= p.PollInterval || p.Busy() || time.Since(*p.notified.Load()) < 2*p.LeaseTTL {
		return p.PollInterval
	}
	return p.IdleInterval
}

// Replaced reports that another operation has taken over a document, so that an operation that
// waits here gives way at once. A running step is not interrupted: it notices when it pauses, or
// when the lease is renewed. Replaced never blocks.
func (p *Pool[D, R]) Replaced(partition, id string) { p.workers.notify(key{partition, id}) }

// Run works until ctx ends. It then claims no more, cancels running steps and releases their
// documents, so that another process continues at once. It returns an error only if steps did not
// stop within DrainGrace; their documents are free when their leases end.
func (p *Pool[D, R]) Run(ctx context.Context) error {
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(errDraining)
	p.poll(ctx, working)
	stop(errDraining)
	return p.drained()
}

func (p *Pool[D, R]) poll(ctx, working context.Context) {
	pause := p.interval()
	for ctx.Err() == nil {
		if err := p.pickUp(ctx, working); err != nil && ctx.Err() == nil {
			pause = min(2*pause, slowestPoll)
			p.Log.WarnContext(ctx, "no work picked up", "error", err, "retry_in", pause)
		} else {
			pause = p.interval()
		}
		p.rest(ctx, pause)
	}
}

// rest waits for about d, or until a call of Wake.
func (p *Pool[D, R]) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(Spread(d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-p.wake:
	}
}

// Spread adds jitter to d, up to a tenth more or less, so that processes do not poll at the same
// moments.
func Spread(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

// pickUp starts due operations while workers are free. It queries one document of each partition
// first, then more and more, so that a partition with many clusters does not delay the others.
func (p *Pool[D, R]) pickUp(ctx, working context.Context) error {
	for perPartition := 1; !p.workers.allBusy(); perPartition = min(4*perPartition, p.size) {
		due, aside, err := p.kind.Documents.Due(ctx, perPartition, 2*p.size)
		won := p.start(working, due)
		// Documents that cannot even be set aside must not cause a busy loop.
		if stuck := won == 0 && perPartition == p.size; err != nil || won+aside == 0 || stuck {
			p.workers.noneDue()
			return err
		}
	}
	return nil
}

// start claims as many of the documents as workers are free, all at once, runs those that it
// claimed, and returns their number.
func (p *Pool[D, R]) start(working context.Context, due []*D) (won int) {
	documents := map[key]*D{}
	keys := make([]key, len(due))
	for i, doc := range due {
		m := p.kind.Meta(doc)
		keys[i] = key{m.Partition, m.ID}
		documents[keys[i]] = doc
	}
	taken := p.workers.take(keys)
	leases := make([]*store.Lease[D], len(taken))
	var claims sync.WaitGroup
	for i, t := range taken {
		claims.Go(func() { leases[i] = p.claim(working, documents[t.key]) })
	}
	claims.Wait()
	for i, t := range taken {
		if leases[i] == nil {
			p.workers.done(t)
			continue
		}
		won++
		go p.work(working, documents[t.key], leases[i], t)
	}
	return won
}

// claim returns nil if the document could not be claimed.
func (p *Pool[D, R]) claim(working context.Context, doc *D) *store.Lease[D] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), claimTimeout)
	defer cancel()
	lease, err := p.kind.Documents.Claim(ctx, doc, p.Owner, p.LeaseTTL)
	switch {
	case errors.Is(err, store.ErrPreconditionFailed), errors.Is(err, store.ErrNotFound):
		return nil // another process was faster
	case err != nil:
		p.Log.WarnContext(ctx, "document not claimed", "error", err)
		return nil
	}
	p.Metrics.claims.Inc()
	return lease
}

func (p *Pool[D, R]) drained() error {
	idle := make(chan struct{})
	go func() {
		p.workers.idle.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-time.After(p.DrainGrace):
		return fmt.Errorf("%d operations did not stop within %s", p.workers.count(), p.DrainGrace)
	}
}
