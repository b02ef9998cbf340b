package backend

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aro-rp/aro/store"
)

const (
	// claimTimeout bounds one claim. It is not cut short: a claim that went
	// through unnoticed would hold the cluster for the whole lease time.
	claimTimeout = 10 * time.Second
	// slowestPoll is how rarely an unavailable store is asked for work.
	slowestPoll = 30 * time.Second
	// timerSlack covers the database's resolution of time.
	timerSlack = 2 * time.Millisecond
)

// errDraining is the cause with which running steps are cancelled at the end.
var errDraining = errors.New("this process is stopping")

// Worker runs the operations of clusters, in as many processes as there are.
// Make it with New.
type Worker struct {
	Config
	owner   string // in leases
	metrics *metrics
	crew    *crew
	wake    chan struct{}
	handing chan struct{} // bounds how many operations are handed over at once
}

// Wake makes the worker look for work now. Call it after writing a cluster that
// is due. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Replaced tells the worker that another operation has taken over a cluster, so that
// one that waits there makes place at once. A step that runs is not cut short: the
// worker notices when it pauses, or renews its lease. It never blocks.
func (w *Worker) Replaced(partition, id string) { w.crew.nudge(place{partition, id}) }

// Run works until ctx ends. Then it claims nothing more, cancels running steps
// and hands their clusters back, so that another process goes on at once. It
// returns an error only if steps did not stop within DrainGrace; their clusters
// are free when their leases run out.
func (w *Worker) Run(ctx context.Context) error {
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(errDraining)
	var beside sync.WaitGroup
	beside.Go(func() { w.pollSubscriptions(ctx) })
	beside.Go(func() { w.pollLooks(ctx) })
	w.pollClusters(ctx, working)
	stop(errDraining)
	beside.Wait()
	return w.drained()
}

func (w *Worker) pollClusters(ctx, working context.Context) {
	pause := w.PollInterval
	for ctx.Err() == nil {
		if err := w.pickUp(ctx, working); err != nil && ctx.Err() == nil {
			pause = min(2*pause, slowestPoll)
			w.Log.WarnContext(ctx, "no work picked up", "error", err, "retry_in", pause)
		} else {
			pause = w.PollInterval
		}
		w.rest(ctx, pause)
	}
}

// rest waits until about d has passed or somebody calls Wake.
func (w *Worker) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(spread(d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-w.wake:
	}
}

// spread keeps processes from polling in step: d, a tenth more or less.
func spread(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

// pickUp starts the operations that are due while there are free hands. It asks
// for one cluster of each subscription first, then for more and more, so that
// nobody's thousand clusters hide another's one.
func (w *Worker) pickUp(ctx, working context.Context) error {
	for perSubscription := 1; !w.crew.isFull(); perSubscription = min(4*perSubscription, w.Concurrency) {
		due, aside, err := w.Store.Clusters.Due(ctx, perSubscription, 2*w.Concurrency)
		won := w.start(working, due)
		// What cannot even be set aside is no reason to go round and round.
		if stuck := won == 0 && perSubscription == w.Concurrency; err != nil || won+aside == 0 || stuck {
			w.crew.sated()
			return err
		}
	}
	return nil
}

// start claims as many of the documents as there are free hands, all at once, and
// lets each that was won run. It returns how many were.
func (w *Worker) start(working context.Context, due []*store.ClusterDocument) (won int) {
	documents := map[place]*store.ClusterDocument{}
	places := make([]place, len(due))
	for i, doc := range due {
		places[i] = place{doc.Partition, doc.ID}
		documents[places[i]] = doc
	}
	taken := w.crew.take(places)
	leases := make([]*store.Lease[store.ClusterDocument], len(taken))
	var claims sync.WaitGroup
	for i, k := range taken {
		claims.Go(func() { leases[i] = w.claim(working, documents[k.place]) })
	}
	claims.Wait()
	for i, k := range taken {
		if leases[i] == nil {
			w.crew.done(k)
			continue
		}
		won++
		go w.operate(working, documents[k.place], leases[i], k)
	}
	return won
}

// claim returns nil if the document could not be claimed.
func (w *Worker) claim(working context.Context, doc *store.ClusterDocument) *store.Lease[store.ClusterDocument] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), claimTimeout)
	defer cancel()
	lease, err := w.Store.Clusters.Claim(ctx, doc, w.owner, w.LeaseTTL)
	switch {
	case errors.Is(err, store.ErrPreconditionFailed), errors.Is(err, store.ErrNotFound):
		return nil // somebody else was faster
	case err != nil:
		w.Log.WarnContext(ctx, "cluster not claimed", "error", err)
		return nil
	}
	w.metrics.claims.Inc()
	return lease
}

// operate runs one operation and gives the hand back.
func (w *Worker) operate(working context.Context, doc *store.ClusterDocument, lease *store.Lease[store.ClusterDocument], k *kept) {
	w.metrics.running.Inc()
	again := w.runOperation(working, doc, lease, k)
	w.metrics.running.Dec()
	if look := w.crew.done(k); again || look {
		w.Wake()
	}
}

func (w *Worker) drained() error {
	idle := make(chan struct{})
	go func() {
		w.crew.idle.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return nil
	case <-time.After(w.DrainGrace):
		return fmt.Errorf("%d operations did not stop within %s", w.crew.count(), w.DrainGrace)
	}
}
