package store

import (
	"time"

	"github.com/aro-rp/aro/model"
)

// The containers. A new collection is a container here, its document type, and
// its line in Store.
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
)

// Containers lists every container, for those who create databases.
func Containers() []*Container {
	return []*Container{&clustersContainer, &operationsContainer, &subscriptionsContainer,
		&versionsContainer, &roleSetsContainer, &billingContainer, &portalContainer, &probesContainer, &poolWorkersContainer}
}

// Meta is what every document carries beside its content.
type Meta struct {
	model.Unknown

	ID        string `json:"id"`
	Partition string `json:"partition"`
	// TTL in seconds overrides the container's; 0 does not.
	TTL int `json:"ttl,omitempty"`

	// Due is after how many seconds since its last write the document may be
	// claimed; nil means there is no work. One number serves as lease expiry and
	// as delay, by the database's clock alone.
	Due *float64 `json:"due,omitempty"`
	// Owner is the worker that holds the lease; empty when nobody does.
	Owner string `json:"leaseOwner,omitempty"`
	// Fence grows with every claim. A holder with an older fence cannot write.
	Fence int64 `json:"leaseFence,omitempty"`
	// Lost counts claims of a lease that its holder did not give back. The holder
	// sets it to 0 when it gets on.
	Lost int `json:"leaseLost,omitempty"`

	// ETag and WrittenAt are of the version that was read.
	ETag      string    `json:"-"`
	WrittenAt time.Time `json:"-"`

	sealing sealing // of that version
}

// ClusterDocument keeps one cluster. ID and Partition are arm.ClusterID's Key
// and Partition.
type ClusterDocument struct {
	Meta

	// ManagedResourceGroup and ClientIdentity are unique in a subscription: the
	// managed resource group's id, and the service principal's client id or the
	// resource id of the cluster's identity, in lower case.
	ManagedResourceGroup string `json:"managedResourceGroup,omitempty"`
	ClientIdentity       string `json:"clientIdentity,omitempty"`

	Cluster model.Cluster `json:"cluster"`
}

// OperationDocument keeps what the client of an operation is told. ID and
// Partition are both the operation's id.
type OperationDocument struct {
	Meta

	Operation model.AsyncOperation `json:"operation"`
}

// SubscriptionDocument keeps one subscription. ID and Partition are its lower-case id.
type SubscriptionDocument struct {
	Meta

	Subscription model.Subscription `json:"subscription"`
	// Operation is the deletion of the clusters of a deleted subscription; nil while none runs.
	Operation *model.Operation `json:"operation,omitempty"`
}

// VersionDocument keeps one OpenShift version. ID is the version, Partition "versions".
type VersionDocument struct {
	Meta

	Version model.OpenShiftVersion `json:"openShiftVersion"`
}

// RoleSetDocument keeps one role set. ID is the minor version, Partition "rolesets".
type RoleSetDocument struct {
	Meta

	RoleSet model.PlatformWorkloadIdentityRoleSet `json:"platformWorkloadIdentityRoleSet"`
}

// BillingDocument keeps when a cluster was billed. ID is the cluster's UID,
// Partition its subscription. It is never deleted.
type BillingDocument struct {
	Meta

	Billing model.Billing `json:"billing"`
}

// PoolWorkerDocument keeps one process of a pool that shares work by buckets, for as
// long as it says that it is alive, or which process has which bucket. Partition is the
// pool; ID is the process's, or the pool's own for the shares.
type PoolWorkerDocument struct {
	Meta

	// Buckets are the ids of the processes that have them, by number; of the shares only.
	Buckets []string `json:"buckets,omitempty"`
}

// PortalDocument keeps what lets somebody in at the portal. ID is the hash of the secret
// that the holder shows, Partition the person to whom it was given. Its TTL ends it.
type PortalDocument struct {
	Meta

	Portal model.PortalAccess `json:"portal"`
}
