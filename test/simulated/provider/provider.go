// Package provider is the interface between a cluster's plan and the provider of
// its machines. It defines the types Spec and Status, and a client that sends them
// as JSON over a local socket.
//
// It knows nothing of api-versions, documents or leases, and does not decide the
// state of a cluster: plans do.
package provider

// Spec is what must exist for one cluster. It is complete: applying it again,
// or applying a changed one, makes reality match it.
type Spec struct {
	// ID is the cluster's document id, a UUID that is never used again.
	ID string `json:"id"`
	// Name is the cluster's resource name, for people.
	Name string `json:"name"`
	// InfraID prefixes the names of machines, as the OpenShift installer does.
	InfraID string `json:"infraId"`
	// Domain is the cluster's base domain.
	Domain string `json:"domain"`
	// Version is the OpenShift version, x.y.z.
	Version string `json:"version"`
	// Location is the Azure region that the nodes claim to be in.
	Location string `json:"location"`
	// PodCIDR and ServiceCIDR are the cluster's networks, in CIDR notation.
	PodCIDR     string `json:"podCidr"`
	ServiceCIDR string `json:"serviceCidr"`
	// Masters has always three machines; Workers one pool per worker profile.
	Masters Pool   `json:"masters"`
	Workers []Pool `json:"workers"`
}

// Pool is a number of machines of one size.
type Pool struct {
	Name   string `json:"name"`
	VMSize string `json:"vmSize"`
	Count  int    `json:"count"`
}

// Status is what exists for one cluster.
type Status struct {
	// APIServerReady is true if the API server passes its readiness check.
	APIServerReady bool `json:"apiServerReady"`
	// APIServerURL and APIServerIP are where it answers, once it was started.
	APIServerURL string `json:"apiServerUrl,omitempty"`
	APIServerIP  string `json:"apiServerIp,omitempty"`
	// ConsoleURL and IngressIP are where the cluster's own routes are served.
	ConsoleURL string `json:"consoleUrl,omitempty"`
	IngressIP  string `json:"ingressIp,omitempty"`
	// NodesWanted and NodesReady count masters and workers alike.
	NodesWanted int `json:"nodesWanted"`
	NodesReady  int `json:"nodesReady"`
	// Message is a short description of what it is waiting for; empty if nothing.
	Message string `json:"message,omitempty"`
	// AdminKubeconfig reaches the API server as cluster-admin. Secret.
	AdminKubeconfig []byte `json:"adminKubeconfig,omitempty"`
	// KubeadminPassword belongs to the user kubeadmin. Secret.
	KubeadminPassword string `json:"kubeadminPassword,omitempty"`
}
