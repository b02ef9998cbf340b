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
func NewHistory(id arm.ClusterID, operationID string, startedAt time.Time) *HistoryDocument {
	return &HistoryDocument{Meta: Meta{ID: newestFirst(startedAt, operationID), Partition: HistoryPartition(id)}}
}

// AuditPartition is the partition of the audit records of an hour.
func AuditPartition(hour time.Time) string { return hour.UTC().Format("2006-01-02T15") }

// NewAudit returns an empty document for audit records of one hour, the newest of which is of that
// time. unique makes its id differ from those of other processes.
func NewAudit(newest time.Time, unique string) *AuditDocument {
	return &AuditDocument{Meta: Meta{ID: newestFirst(newest, unique), Partition: AuditPartition(newest)}}
}

// newestFirst is an id that begins with the time that is left until a distant one, so that newer
// documents come first.
func newestFirst(at time.Time, unique string) string {
	return fmt.Sprintf("%019d|%s", math.MaxInt64-at.UnixMilli(), unique)
}
