package store

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

// Buckets is the number of shares into which a pool divides the clusters.
const Buckets = 256

// BucketOf returns the bucket of a cluster. It depends on the cluster's UID only, so that
// no document has to record it; the buckets are even because the hash is.
func BucketOf(clusterUID string) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(clusterUID)) // never fails
	sum := h.Sum64()
	return int((sum ^ sum>>32) % Buckets)
}

// MonitorPool is the name of the pool of monitors.
const MonitorPool = "monitor"

// NewMonitorResult returns an empty document for the result of the cluster with this id.
func NewMonitorResult(partition, id string) *MonitorResultDocument {
	return &MonitorResultDocument{Meta: Meta{ID: id, Partition: partition}}
}

// LastCheck is the stored result of a cluster, and whether it is current.
type LastCheck struct {
	// Result has the outcome MonitorUnknown if none is stored.
	Result model.MonitorResult
	// Monitor is the process that checks the cluster, and SeenAt when it last renewed its
	// document in the pool. Both are empty if no process does.
	Monitor string
	SeenAt  time.Time
}

// LastCheck reads the last result of a cluster: three reads of small documents.
func (s *Store) LastCheck(ctx context.Context, id arm.ClusterID, clusterUID string) (LastCheck, error) {
	last := LastCheck{Result: model.MonitorResult{Outcome: model.MonitorUnknown}}
	switch doc, err := s.MonitorResults.View(ctx, id.Partition(), id.Key()); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return last, err
	case doc.Result.ClusterUID == clusterUID: // not that of an earlier cluster with the name
		last.Result = doc.Result
	}
	shares, err := s.PoolWorkers.View(ctx, MonitorPool, MonitorPool)
	if errors.Is(err, ErrNotFound) || err == nil && len(shares.Buckets) != Buckets {
		return last, nil
	}
	if err != nil {
		return last, err
	}
	owner := shares.Buckets[BucketOf(clusterUID)]
	if owner == "" {
		return last, nil
	}
	worker, err := s.PoolWorkers.View(ctx, MonitorPool, owner)
	if errors.Is(err, ErrNotFound) {
		return last, nil
	}
	if err == nil {
		last.Monitor, last.SeenAt = owner, worker.WrittenAt
	}
	return last, err
}
