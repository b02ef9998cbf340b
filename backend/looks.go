package backend

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/backend/worker"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// lookPage is the number of documents that are read at a time to find clusters to query.
const lookPage = 50

// looksAtOnce bounds how many clusters are queried at the same time, so that those that do not
// answer do not delay the others.
const looksAtOnce = 10

// maxLookError bounds the stored reason why a cluster did not answer, in bytes.
const maxLookError = 256

// pollLooks renews the observations of clusters, at a rate that does not depend on their number:
// one page of documents and one cluster in each pause. With many clusters observations grow older
// than LookInterval; the load stays the same. Clusters that another process has queried meanwhile
// are skipped without a pause, so that processes share the clusters.
func (w *Worker) pollLooks(ctx context.Context) {
	if w.Look == nil {
		return
	}
	var asked errgroup.Group
	asked.SetLimit(looksAtOnce)
	defer func() { _ = asked.Wait() }()
	query := store.Query{Limit: lookPage}
	for w.idle(ctx, w.LookPause) {
		page, next, err := w.Store.Clusters.List(ctx, query)
		if err != nil {
			if ctx.Err() == nil {
				w.Log.WarnContext(ctx, "clusters to look at not found", "error", err)
			}
			next = ""
		}
		for _, doc := range page {
			if !w.isOutOfDate(&doc.Cluster) {
				continue
			}
			whole, err := w.Store.Clusters.Get(ctx, doc.Partition, doc.ID) // with its credentials
			if err != nil || !w.isOutOfDate(&whole.Cluster) {
				continue
			}
			asked.Go(func() error { w.lookAt(ctx, whole); return nil })
			if !w.idle(ctx, w.LookPause) {
				return
			}
		}
		if query.Continuation = next; next == "" {
			_ = asked.Wait()
			if !w.idle(ctx, min(w.LookInterval/10, time.Minute)) {
				return
			}
		}
	}
}

// idle waits for about d, and reports whether to continue.
func (w *Worker) idle(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(worker.Spread(d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// isOutOfDate reports whether a cluster runs and its last observation is too old.
func (w *Worker) isOutOfDate(c *model.Cluster) bool {
	state, failed := c.Properties.ProvisioningState, c.Internal.FailedProvisioningState
	runs := state == model.Succeeded || state == model.Failed && failed != model.Creating && failed != model.Deleting
	if !runs || c.Internal.Operation != nil || c.Internal.PrivateEndpointIP == "" {
		return false
	}
	last := c.Internal.Observation
	return last == nil || w.Now().Sub(last.TriedAt) > worker.Spread(w.LookInterval)
}

// lookAt queries one cluster and records its answer, unless an operation has begun meanwhile, which
// records it itself.
func (w *Worker) lookAt(ctx context.Context, doc *store.ClusterDocument) {
	result := "done"
	record, failure := w.Look(ctx, &doc.Cluster)
	if failure != nil {
		result = "failed"
	}
	if ctx.Err() != nil {
		return
	}
	w.looks.WithLabelValues(result).Inc()
	_, err := w.Store.Clusters.Update(ctx, doc.Partition, doc.ID, func(d *store.ClusterDocument) error {
		if d.Cluster.Internal.Operation != nil {
			return store.ErrUnchanged
		}
		if record(&d.Cluster) {
			d.Cluster.Internal.Revision++
		}
		if failure != nil {
			w.silent(&d.Cluster, failure)
		}
		return nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
		w.Log.WarnContext(ctx, "what a cluster says of itself not recorded", "resource_id", doc.Cluster.ID, "error", err)
	}
}

// silent records that a cluster did not answer, and keeps its last report.
func (w *Worker) silent(c *model.Cluster, failure error) {
	words := failure.Error()
	last := model.Observation{}
	if c.Internal.Observation != nil {
		last = *c.Internal.Observation
	}
	last.TriedAt, last.Error = w.Now().UTC(), words[:min(len(words), maxLookError)]
	c.Internal.Observation = &last
}
