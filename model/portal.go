package model

import "time"

// PortalAccess is a session of the portal, or access to a cluster's API server or machine.
type PortalAccess struct {
	Unknown

	Kind PortalAccessKind `json:"kind,omitempty"`
	// ObjectID is the id of the user in the directory, and Username the user's name.
	ObjectID string `json:"objectId,omitempty"`
	Username string `json:"username,omitempty"`
	// Elevated is true if the user may act, or the access acts, as an administrator of clusters.
	Elevated bool `json:"elevated,omitempty"`
	// ClusterID is the cluster of a kubeconfig or of a password for SSH, and Master the number of
	// the password's machine.
	ClusterID string    `json:"clusterId,omitempty"`
	Master    int       `json:"master,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitempty"`
	ExpiresAt time.Time `json:"expiresAt,omitempty"`
}

// PortalAccessKind is what an access permits.
type PortalAccessKind string

// The kinds of access.
const (
	PortalSession    PortalAccessKind = "Session"
	PortalKubeconfig PortalAccessKind = "Kubeconfig"
	PortalSSH        PortalAccessKind = "SSH"
)
