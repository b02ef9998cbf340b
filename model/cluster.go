// Package model is what a cluster is, to the whole service: one Cluster that can
// hold everything any api-version can say plus the service's own state, the
// moves its state may make, and the rules that a schema cannot express.
//
// JSON names of API-visible members are those of the newest api-version; that is
// how the generator finds them. A scalar's zero value means absent. Every struct
// embeds Unknown, so that members written by a newer release survive.
//
// It knows no api-version, no HTTP and no database.
package model

import "time"

// Cluster is one managed OpenShift cluster.
type Cluster struct {
	Unknown

	ID         string            `json:"id,omitempty"`
	Name       string            `json:"name,omitempty"`
	Type       string            `json:"type,omitempty"`
	Location   string            `json:"location,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	SystemData *SystemData       `json:"systemData,omitempty"`
	Identity   *Identity         `json:"identity,omitempty"`
	Properties Properties        `json:"properties"`
	// Internal is never shown to customers.
	Internal Internal `json:"internal"`
}

// SystemData is who created and last changed a resource, as ARM tells it (Y01,
// Y02). It is customer data and stays out of logs and metrics (Y03).
type SystemData struct {
	Unknown

	CreatedBy          string     `json:"createdBy,omitempty"`
	CreatedByType      string     `json:"createdByType,omitempty"`
	CreatedAt          *time.Time `json:"createdAt,omitempty"`
	LastModifiedBy     string     `json:"lastModifiedBy,omitempty"`
	LastModifiedByType string     `json:"lastModifiedByType,omitempty"`
	LastModifiedAt     *time.Time `json:"lastModifiedAt,omitempty"`
}

// Identity is the cluster's own managed identity, in workload-identity clusters.
type Identity struct {
	Unknown

	Type        string `json:"type,omitempty"`
	PrincipalID string `json:"principalId,omitempty"`
	TenantID    string `json:"tenantId,omitempty"`
	// UserAssignedIdentities by resource id.
	UserAssignedIdentities map[string]*UserAssignedIdentity `json:"userAssignedIdentities,omitempty"`
	// IdentityURL is where credentials of the identity are fetched; from ARM's header.
	IdentityURL string `json:"identityURL,omitempty"`
}

// UserAssignedIdentity is what the service learnt about one identity.
type UserAssignedIdentity struct {
	Unknown

	ClientID    string `json:"clientId,omitempty"`
	PrincipalID string `json:"principalId,omitempty"`
}

// Properties is what a customer may ask of a cluster and is told about it.
type Properties struct {
	Unknown

	ProvisioningState               ProvisioningState                `json:"provisioningState,omitempty"`
	ClusterProfile                  ClusterProfile                   `json:"clusterProfile"`
	ConsoleProfile                  ConsoleProfile                   `json:"consoleProfile"`
	ServicePrincipalProfile         *ServicePrincipalProfile         `json:"servicePrincipalProfile,omitempty"`
	PlatformWorkloadIdentityProfile *PlatformWorkloadIdentityProfile `json:"platformWorkloadIdentityProfile,omitempty"`
	NetworkProfile                  NetworkProfile                   `json:"networkProfile"`
	MasterProfile                   MasterProfile                    `json:"masterProfile"`
	WorkerProfiles                  []WorkerProfile                  `json:"workerProfiles,omitempty"`
	WorkerProfilesStatus            []WorkerProfile                  `json:"workerProfilesStatus,omitempty"`
	APIServerProfile                APIServerProfile                 `json:"apiserverProfile"`
	IngressProfiles                 []IngressProfile                 `json:"ingressProfiles,omitempty"`
}

// ClusterProfile is what the cluster is as a whole.
type ClusterProfile struct {
	Unknown

	PullSecret           Secret  `json:"pullSecret,omitempty"`
	Domain               string  `json:"domain,omitempty"`
	Version              string  `json:"version,omitempty"`
	ResourceGroupID      string  `json:"resourceGroupId,omitempty"`
	FIPSValidatedModules Feature `json:"fipsValidatedModules,omitempty"`
	OIDCIssuer           string  `json:"oidcIssuer,omitempty"`
}

// ConsoleProfile is where the web console is.
type ConsoleProfile struct {
	Unknown

	URL string `json:"url,omitempty"`
}

// ServicePrincipalProfile is the application the cluster acts as.
type ServicePrincipalProfile struct {
	Unknown

	ClientID     string `json:"clientId,omitempty"`
	ClientSecret Secret `json:"clientSecret,omitempty"`
	// ObjectID of the service principal in the tenant; found by the service.
	ObjectID string `json:"spObjectId,omitempty"`
}

// PlatformWorkloadIdentityProfile gives each platform operator its identity.
type PlatformWorkloadIdentityProfile struct {
	Unknown

	// UpgradeableTo is the newest version that the identities must suffice for.
	UpgradeableTo string `json:"upgradeableTo,omitempty"`
	// PlatformWorkloadIdentities by operator name.
	PlatformWorkloadIdentities map[string]*PlatformWorkloadIdentity `json:"platformWorkloadIdentities,omitempty"`
}

// PlatformWorkloadIdentity is the identity of one operator.
type PlatformWorkloadIdentity struct {
	Unknown

	ResourceID string `json:"resourceId,omitempty"`
	ClientID   string `json:"clientId,omitempty"`
	ObjectID   string `json:"objectId,omitempty"`
}

// NetworkProfile is the cluster's networks and how it reaches the internet.
type NetworkProfile struct {
	Unknown

	PodCIDR                string               `json:"podCidr,omitempty"`
	ServiceCIDR            string               `json:"serviceCidr,omitempty"`
	SoftwareDefinedNetwork string               `json:"softwareDefinedNetwork,omitempty"`
	OutboundType           OutboundType         `json:"outboundType,omitempty"`
	LoadBalancerProfile    *LoadBalancerProfile `json:"loadBalancerProfile,omitempty"`
	PreconfiguredNSG       Feature              `json:"preconfiguredNSG,omitempty"`
}

// LoadBalancerProfile is the outbound side of the public load balancer.
type LoadBalancerProfile struct {
	Unknown

	ManagedOutboundIPs     *ManagedOutboundIPs `json:"managedOutboundIps,omitempty"`
	EffectiveOutboundIPs   []ResourceReference `json:"effectiveOutboundIps,omitempty"`
	OutboundIPs            []ResourceReference `json:"outboundIps,omitempty"`
	OutboundIPPrefixes     []ResourceReference `json:"outboundIpPrefixes,omitempty"`
	AllocatedOutboundPorts int                 `json:"allocatedOutboundPorts,omitempty"`
}

// ManagedOutboundIPs asks the service for a number of public IPs.
type ManagedOutboundIPs struct {
	Unknown

	Count int `json:"count,omitempty"`
}

// ResourceReference names another Azure resource.
type ResourceReference struct {
	Unknown

	ID string `json:"id,omitempty"`
}

// MasterProfile is the three control plane machines.
type MasterProfile struct {
	Unknown

	VMSize              string  `json:"vmSize,omitempty"`
	SubnetID            string  `json:"subnetId,omitempty"`
	EncryptionAtHost    Feature `json:"encryptionAtHost,omitempty"`
	DiskEncryptionSetID string  `json:"diskEncryptionSetId,omitempty"`
}

// WorkerProfile is one pool of workers.
type WorkerProfile struct {
	Unknown

	Name                string  `json:"name,omitempty"`
	VMSize              string  `json:"vmSize,omitempty"`
	DiskSizeGB          int     `json:"diskSizeGB,omitempty"`
	SubnetID            string  `json:"subnetId,omitempty"`
	Count               int     `json:"count,omitempty"`
	EncryptionAtHost    Feature `json:"encryptionAtHost,omitempty"`
	DiskEncryptionSetID string  `json:"diskEncryptionSetId,omitempty"`
}

// WorkerPools are the pools as found in the cluster or, before there are any, as
// asked for: customers add and remove pools inside the cluster. They are in the
// property of that name.
func (p *Properties) WorkerPools() (property string, pools []WorkerProfile) {
	if len(p.WorkerProfilesStatus) > 0 {
		return "workerProfilesStatus", p.WorkerProfilesStatus
	}
	return "workerProfiles", p.WorkerProfiles
}

// APIServerProfile is how the Kubernetes API is reached.
type APIServerProfile struct {
	Unknown

	Visibility Visibility `json:"visibility,omitempty"`
	URL        string     `json:"url,omitempty"`
	IP         string     `json:"ip,omitempty"`
	// InternalIP is the load balancer's address inside the virtual network.
	InternalIP string `json:"intIp,omitempty"`
}

// IngressProfile is how routes of the cluster are reached.
type IngressProfile struct {
	Unknown

	Name       string     `json:"name,omitempty"`
	Visibility Visibility `json:"visibility,omitempty"`
	IP         string     `json:"ip,omitempty"`
}

// Feature is a switch with two words, as the API spells it.
type Feature string

// The two words of a Feature.
const (
	Enabled  Feature = "Enabled"
	Disabled Feature = "Disabled"
)

// Visibility says who can reach an endpoint.
type Visibility string

// Public endpoints have a public IP, private ones an address in the virtual network.
const (
	Public  Visibility = "Public"
	Private Visibility = "Private"
)

// OutboundType says how the cluster reaches the internet.
type OutboundType string

// Egress through the service's load balancer or the customer's own routes.
const (
	LoadBalancer       OutboundType = "Loadbalancer"
	UserDefinedRouting OutboundType = "UserDefinedRouting"
)
