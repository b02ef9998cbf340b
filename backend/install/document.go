// Package install runs the program that makes a cluster's install assets: the ignition of its first
// machines and its keys. The program embeds the OpenShift installer, whose dependencies thus stay
// out of the service's; its contract is one JSON document in and one out, which this package
// defines.
//
// This package knows nothing of cluster documents, Azure or plans.
package install

// Request describes the cluster to make. The same request gives the same names, but new keys and
// passwords each time: a result has to be stored before it is used.
type Request struct {
	// ClusterID is the cluster's UUID; InfraID prefixes the names in Azure.
	ClusterID string `json:"clusterId"`
	InfraID   string `json:"infraId"`
	// Domain is the cluster's full domain, such as demo.eastus.aroapp.io.
	Domain   string `json:"domain"`
	Location string `json:"location"`
	// CloudName is AzurePublicCloud or AzureUSGovernmentCloud. Any other cloud has AzurePublicCloud
	// and its own ARMEndpoint.
	CloudName      string `json:"cloudName"`
	ARMEndpoint    string `json:"armEndpoint,omitempty"`
	TenantID       string `json:"tenantId"`
	SubscriptionID string `json:"subscriptionId"`
	// ResourceGroup is the name of the managed resource group.
	ResourceGroup string  `json:"resourceGroup"`
	Network       Network `json:"network"`
	// OutboundType is Loadbalancer or UserDefinedRouting.
	OutboundType string `json:"outboundType"`
	// Publish is Internal when the ingress is private, else External.
	Publish string `json:"publish"`
	// SSHPublicKey is in the form of authorized_keys.
	SSHPublicKey string `json:"sshPublicKey"`
	// PullSecret is complete; only the entry for telemetry is dropped from it.
	PullSecret Secret `json:"pullSecret"`
	FIPS       bool   `json:"fips"`
	// NetworkType is OVNKubernetes when empty.
	NetworkType string `json:"networkType,omitempty"`
	PodCIDR     string `json:"podCidr"`
	ServiceCIDR string `json:"serviceCidr"`
	// MTU of 3900 is set on the machines; 0 and 1500 change nothing.
	MTU int `json:"mtu,omitempty"`

	Master  MasterPool `json:"master"`
	Worker  WorkerPool `json:"worker"`
	OSImage OSImage    `json:"osImage"`

	// APIServerInternalIP is the internal load balancer's address, at which machines reach the
	// control plane. IngressIP is the address of the routes.
	APIServerInternalIP         string `json:"apiServerInternalIp"`
	IngressIP                   string `json:"ingressIp"`
	ImageRegistryStorageAccount string `json:"imageRegistryStorageAccount"`
	ImageRegistryContainer      string `json:"imageRegistryContainer"`
	// RegistryDomain is the host that mirrors the release images.
	RegistryDomain string `json:"registryDomain"`
	ReleaseImage   string `json:"releaseImage"`

	// Exactly one of them is set.
	ServicePrincipal *ServicePrincipal `json:"servicePrincipal,omitempty"`
	WorkloadIdentity *WorkloadIdentity `json:"workloadIdentity,omitempty"`
}

// Network is the customer's.
type Network struct {
	ResourceGroup  string `json:"resourceGroup"`
	VirtualNetwork string `json:"virtualNetwork"`
	MasterSubnet   string `json:"masterSubnet"`
	WorkerSubnet   string `json:"workerSubnet"`
}

// MasterPool is the three masters.
type MasterPool struct {
	VMSize string `json:"vmSize"`
	// Zones is empty for regional machines.
	Zones               []string `json:"zones,omitempty"`
	EncryptionAtHost    bool     `json:"encryptionAtHost"`
	DiskEncryptionSetID string   `json:"diskEncryptionSetId,omitempty"`
	// Capabilities are the size's, as Azure's resource SKU API names them.
	// HyperVGenerations must be there.
	Capabilities map[string]string `json:"capabilities"`
}

// WorkerPool is the first pool of workers.
type WorkerPool struct {
	// Name is worker; the installer knows no other.
	Name                string            `json:"name"`
	Count               int               `json:"count"`
	VMSize              string            `json:"vmSize"`
	DiskSizeGB          int               `json:"diskSizeGB"`
	Zones               []string          `json:"zones,omitempty"`
	EncryptionAtHost    bool              `json:"encryptionAtHost"`
	DiskEncryptionSetID string            `json:"diskEncryptionSetId,omitempty"`
	Capabilities        map[string]string `json:"capabilities"`
}

// OSImage is an image of Azure's marketplace, without a purchase plan.
type OSImage struct {
	Publisher string `json:"publisher"`
	Offer     string `json:"offer"`
	SKU       string `json:"sku"`
	Version   string `json:"version"`
}

// ServicePrincipal is the cluster's.
type ServicePrincipal struct {
	ClientID     string `json:"clientId"`
	ClientSecret Secret `json:"clientSecret"`
}

// WorkloadIdentity describes how the operators authenticate to Azure.
type WorkloadIdentity struct {
	OIDCIssuer string `json:"oidcIssuer"`
	// BoundServiceAccountSigningKey is an RSA private key in PEM.
	BoundServiceAccountSigningKey Secret     `json:"boundServiceAccountSigningKey"`
	Identities                    []Identity `json:"identities"`
}

// Identity is the identity of one operator, and where the operator reads it.
type Identity struct {
	OperatorName    string `json:"operatorName"`
	ClientID        string `json:"clientId"`
	SecretNamespace string `json:"secretNamespace"`
	SecretName      string `json:"secretName"`
}

// Result holds everything that is needed to start and to reach a cluster. Nearly all of it is
// secret; its JSON form is complete, so it is stored encrypted.
type Result struct {
	// The three are ignition configurations, for custom data and storage.
	BootstrapIgnition Document `json:"bootstrapIgnition"`
	MasterIgnition    Document `json:"masterIgnition"`
	WorkerIgnition    Document `json:"workerIgnition"`
	// AdminKubeconfig reaches the API server by its internal name.
	AdminKubeconfig   Secret `json:"adminKubeconfig"`
	KubeadminPassword Secret `json:"kubeadminPassword"`
	// Metadata is metadata.json, from which the installer's own tools know a cluster.
	Metadata    Document `json:"metadata"`
	NetworkType string   `json:"networkType"`
	// RootCA signs the machine config server's certificate; AdminKubeconfigSigner signs client
	// certificates for the API server.
	RootCA                KeyPair `json:"rootCA"`
	AdminKubeconfigSigner KeyPair `json:"adminKubeconfigSigner"`
	// Graph is every asset of the installer by its Go type.
	Graph map[string]Document `json:"graph"`
	// Installer names the program and build that made it, set by the caller.
	Installer string `json:"installer,omitempty"`
}

// KeyPair is a certificate and its private key in PEM.
type KeyPair struct {
	Cert string `json:"cert"`
	Key  Secret `json:"key"`
}

// failure is the program's output instead of a result.
type failure struct {
	Error *Error `json:"error"`
}
