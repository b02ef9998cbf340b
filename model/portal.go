package model

import "time"

// PortalAccess is what somebody was let in for at the portal: to look around, or to use a
// cluster's API server.
type PortalAccess struct {
	Unknown

	Kind PortalAccessKind `json:"kind,omitempty"`
	// ObjectID is the person's in the directory, and Username what people call them.
	ObjectID string `json:"objectId,omitempty"`
	Username string `json:"username,omitempty"`
	// Elevated says that the person may act, or the access acts, as an administrator of clusters.
	Elevated bool `json:"elevated,omitempty"`
	// ClusterID is the one cluster that a kubeconfig is for.
	ClusterID string    `json:"clusterId,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitempty"`
	ExpiresAt time.Time `json:"expiresAt,omitempty"`
}

// PortalAccessKind says what an access is good for.
type PortalAccessKind string

// The kinds of access.
const (
	PortalSession    PortalAccessKind = "Session"
	PortalKubeconfig PortalAccessKind = "Kubeconfig"
)
