package backend

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/backend/worker"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Worker runs the operations of clusters and of subscriptions, in as many processes as
// there are. Make it with New.
type Worker struct {
	Config
	metrics       *worker.Metrics
	looks         *prometheus.CounterVec
	clusters      *worker.Pool[store.ClusterDocument, model.Cluster]
	subscriptions *worker.Pool[store.SubscriptionDocument, model.Subscription]
}

// Wake makes the worker look for work now. Call it after writing a document that is
// due. It never blocks.
func (w *Worker) Wake() {
	w.clusters.Wake()
	w.subscriptions.Wake()
}

// Busy reports whether operations run or wait in this process.
func (w *Worker) Busy() bool { return w.clusters.Busy() || w.subscriptions.Busy() }

// Replaced reports that another operation has taken over a cluster, so that an operation that waits
// here gives way at once. A running step is not interrupted: it notices when it pauses, or when the
// lease is renewed. Replaced never blocks.
func (w *Worker) Replaced(partition, id string) { w.clusters.Replaced(partition, id) }

// Run works until ctx ends. It then claims no more, cancels running steps and releases their
// documents, so that another process continues at once. It returns an error only if steps did not
// stop within DrainGrace; their documents are free when their leases end.
func (w *Worker) Run(ctx context.Context) error {
	var pools sync.WaitGroup
	var ofSubscriptions, ofClusters error
	pools.Go(func() { ofSubscriptions = w.subscriptions.Run(ctx) })
	pools.Go(func() { ofClusters = w.clusters.Run(ctx) })
	w.pollLooks(ctx)
	pools.Wait()
	return errors.Join(ofClusters, ofSubscriptions)
}
