package store

import (
	"fmt"
	"math"
	"time"

	"github.com/aro-rp/aro/arm"
)

// The partitions of the small collections.
const (
	VersionsPartition = "versions"
	RoleSetsPartition = "rolesets"
)

// NewCluster returns an empty document for the cluster with this id.
func NewCluster(id arm.ClusterID) *ClusterDocument {
	return &ClusterDocument{Meta: Meta{ID: id.Key(), Partition: id.Partition()}}
}

// NewOperation returns an empty document for the operation with this id, a UUID.
func NewOperation(id string) *OperationDocument {
	return &OperationDocument{Meta: Meta{ID: id, Partition: id}}
}

// NewSubscription returns an empty document for the subscription with this id.
func NewSubscription(id string) *SubscriptionDocument {
	id = arm.ToLower(id)
	return &SubscriptionDocument{Meta: Meta{ID: id, Partition: id}}
}

// NewVersion returns an empty document for the OpenShift version x.y.z.
func NewVersion(version string) *VersionDocument {
	return &VersionDocument{Meta: Meta{ID: version, Partition: VersionsPartition}}
}

// NewRoleSet returns an empty document for the role set of the minor version x.y.
func NewRoleSet(minor string) *RoleSetDocument {
	return &RoleSetDocument{Meta: Meta{ID: minor, Partition: RoleSetsPartition}}
}

// NewBilling returns an empty document for the cluster with this UID.
func NewBilling(subscriptionID, clusterUID string) *BillingDocument {
	return &BillingDocument{Meta: Meta{ID: clusterUID, Partition: arm.ToLower(subscriptionID)}}
}

// NewPoolWorker returns an empty document for a process of the pool, or for the pool's
// assignment, whose id is the pool's name.
func NewPoolWorker(pool, id string) *PoolWorkerDocument {
	return &PoolWorkerDocument{Meta: Meta{ID: id, Partition: pool}}
}

// HistoryPartition is the partition of a cluster's history.
func HistoryPartition(id arm.ClusterID) string { return id.Partition() + "|" + id.Key() }

// NewHistory returns an empty document for the operation of the cluster that began at that time.
// Its id begins with the time that is left until a distant one, so that newer operations come
// first.
func NewHistory(id arm.ClusterID, operationID string, startedAt time.Time) *HistoryDocument {
	left := math.MaxInt64 - startedAt.UnixMilli()
	return &HistoryDocument{Meta: Meta{ID: fmt.Sprintf("%019d|%s", left, operationID), Partition: HistoryPartition(id)}}
}
