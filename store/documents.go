package store

import (
	"time"

	"github.com/aro-rp/aro/model"
)

// The containers. A new collection needs a container here, its document type, and a
// line in Store.
var (
	clustersContainer      = Container{Name: "Clusters", UniqueKeys: []string{"managedResourceGroup", "clientIdentity"}}
	operationsContainer    = Container{Name: "Operations", TTL: 7 * 24 * time.Hour}
	subscriptionsContainer = Container{Name: "Subscriptions"}
	versionsContainer      = Container{Name: "OpenShiftVersions"}
	roleSetsContainer      = Container{Name: "PlatformWorkloadIdentityRoleSets"}
	billingContainer       = Container{Name: "Billing"}
	portalContainer        = Container{Name: "Portal", TTL: 24 * time.Hour}
	probesContainer        = Container{Name: "KeyProbes"}
	poolWorkersContainer   = Container{Name: "PoolWorkers"}
	resultsContainer       = Container{Name: "MonitorResults", TTL: 7 * 24 * time.Hour}
	historyContainer       = Container{Name: "History", TTL: 30 * 24 * time.Hour}
	auditContainer         = Container{Name: "Audit", TTL: AuditTTL}
)

// AuditTTL is how long audit records are kept.
const AuditTTL = 30 * 24 * time.Hour

// Containers lists every container, for code that creates databases.
func Containers() []*Container {
	return []*Container{&clustersContainer, &operationsContainer, &subscriptionsContainer,
		&versionsContainer, &roleSetsContainer, &billingContainer, &portalContainer, &probesContainer, &poolWorkersContainer, &resultsContainer, &historyContainer, &auditContainer}
}

// Meta has the members of every document beside its content.
type Meta struct {
	model.Unknown

	ID        string `json:"id"`
	Partition string `json:"partition"`
	// TTL in seconds overrides that of the container, unless it is 0.
	TTL int `json:"ttl,omitempty"`

	// Due is the number of seconds after the last write from which the document
	// can be claimed; nil means there is no work. It is both the expiry of a lease
	// and a delay, by the database's clock.
	Due *float64 `json:"due,omitempty"`
	// Owner is the worker that holds the lease; empty if there is none.
	Owner string `json:"leaseOwner,omitempty"`
	// Fence grows with every claim. A holder with an older fence cannot write.
	Fence int64 `json:"leaseFence,omitempty"`
	// Lost counts consecutive claims of a lease that its holder did not release.
	// The holder sets it to 0 when it makes progress.
	Lost int `json:"leaseLost,omitempty"`

	// ETag and WrittenAt are those of the version that was read.
	ETag      string    `json:"-"`
	WrittenAt time.Time `json:"-"`

	sealing sealing // of that version
}

// ClusterDocument stores one cluster. ID and Partition are arm.ClusterID's Key and
// Partition.
type ClusterDocument struct {
	Meta

	// ManagedResourceGroup and ClientIdentity are unique in a subscription: the
	// managed resource group's id, and the service principal's client id or the
	// resource id of the cluster's identity, in lower case.
	ManagedResourceGroup string `json:"managedResourceGroup,omitempty"`
	ClientIdentity       string `json:"clientIdentity,omitempty"`

	Cluster model.Cluster `json:"cluster"`
}

// OperationDocument stores the status of an operation for its client. ID and
// Partition are both the operation's id.
type OperationDocument struct {
	Meta

	Operation model.AsyncOperation `json:"operation"`
}

// SubscriptionDocument stores one subscription. ID and Partition are its lower-case
// id.
type SubscriptionDocument struct {
	Meta

	Subscription model.Subscription `json:"subscription"`
	// Operation is the deletion of the clusters of a deleted subscription; nil while none runs.
	Operation *model.Operation `json:"operation,omitempty"`
}

// VersionDocument stores one OpenShift version. ID is the version, Partition
// "versions".
type VersionDocument struct {
	Meta

	Version model.OpenShiftVersion `json:"openShiftVersion"`
}

// RoleSetDocument stores one role set. ID is the minor version, Partition
// "rolesets".
type RoleSetDocument struct {
	Meta

	RoleSet model.PlatformWorkloadIdentityRoleSet `json:"platformWorkloadIdentityRoleSet"`
}

// BillingDocument stores when a cluster was billed. ID is the cluster's UID,
// Partition its subscription. It is never deleted.
type BillingDocument struct {
	Meta

	Billing model.Billing `json:"billing"`
}

// PoolWorkerDocument stores a process of a pool that shares work by buckets, while it
// renews the document, or the assignment of buckets to processes. Partition is the
// pool; ID is the process's, or the pool's own for the assignment.
type PoolWorkerDocument struct {
	Meta

	// Buckets are the ids of the processes by bucket number; in the assignment only.
	Buckets []string `json:"buckets,omitempty"`
}

// MonitorResultDocument stores what the last check of a cluster found. ID and Partition
// are those of the cluster's document. It expires after the cluster is gone.
type MonitorResultDocument struct {
	Meta

	Result model.MonitorResult `json:"result"`
}

// HistoryDocument stores an operation of a cluster that has ended. Partition is the cluster, and
// ids sort the newest operation first; see NewHistory. It is never changed, and expires.
type HistoryDocument struct {
	Meta

	Entry model.HistoryEntry `json:"entry"`
}

// AuditDocument stores audit records that a process wrote at about the same time. Partition is their hour,
// and ids sort the newest first; see package audit. It is never changed, and expires.
type AuditDocument struct {
	Meta

	Records []model.AuditRecord `json:"records"`
}

// PortalDocument stores a session or another access of the portal. ID is the hash of
// its secret, Partition the user to which it belongs. It expires by its TTL.
type PortalDocument struct {
	Meta

	Portal model.PortalAccess `json:"portal"`
}
