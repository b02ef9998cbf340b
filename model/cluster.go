// Package model defines a cluster for the whole service: the type Cluster, which
// can hold every member of every api-version and the service's own state; the state
// machine; and the validation rules that a schema cannot express.
//
// JSON names of members of the API are those of the newest api-version; the
// generator finds them by these names. The zero value of a scalar means absent.
// Every struct embeds Unknown, which keeps members written by a newer release.
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

// SystemData records who created and last changed a resource, as ARM sends it (Y01,
// Y02). It is customer data and must not appear in logs and metrics (Y03).
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
	// IdentityURL is the URL at which credentials of the identity are fetched, from a
	// header that ARM sends.
	IdentityURL string `json:"identityURL,omitempty"`
}

// UserAssignedIdentity is what the service read about one identity.
type UserAssignedIdentity struct {
	Unknown

	ClientID    string `json:"clientId,omitempty"`
	PrincipalID string `json:"principalId,omitempty"`
}

// Properties are the properties of a cluster that customers set and read.
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

// ClusterProfile has the properties of the cluster as a whole.
type ClusterProfile struct {
	Unknown

	PullSecret           Secret  `json:"pullSecret,omitempty"`
	Domain               string  `json:"domain,omitempty"`
	Version              string  `json:"version,omitempty"`
	ResourceGroupID      string  `json:"resourceGroupId,omitempty"`
	FIPSValidatedModules Feature `json:"fipsValidatedModules,omitempty"`
	OIDCIssuer           string  `json:"oidcIssuer,omitempty"`
}

// ConsoleProfile has the URL of the web console.
type ConsoleProfile struct {
	Unknown

	URL string `json:"url,omitempty"`
}

// ServicePrincipalProfile is the application with which the cluster accesses Azure.
type ServicePrincipalProfile struct {
	Unknown

	ClientID     string `json:"clientId,omitempty"`
	ClientSecret Secret `json:"clientSecret,omitempty"`
	// ObjectID of the service principal in the tenant, read by the service.
	ObjectID string `json:"spObjectId,omitempty"`
}

// PlatformWorkloadIdentityProfile lists the identity of each platform operator.
type PlatformWorkloadIdentityProfile struct {
	Unknown

	// UpgradeableTo is the newest version for which the identities must have
	// roles.
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

// NetworkProfile has the networks of the cluster and its outbound connectivity.
type NetworkProfile struct {
	Unknown

	PodCIDR                string               `json:"podCidr,omitempty"`
	ServiceCIDR            string               `json:"serviceCidr,omitempty"`
	SoftwareDefinedNetwork string               `json:"softwareDefinedNetwork,omitempty"`
	OutboundType           OutboundType         `json:"outboundType,omitempty"`
	LoadBalancerProfile    *LoadBalancerProfile `json:"loadBalancerProfile,omitempty"`
	PreconfiguredNSG       Feature              `json:"preconfiguredNSG,omitempty"`
}

// LoadBalancerProfile has the outbound settings of the public load balancer.
type LoadBalancerProfile struct {
	Unknown

	ManagedOutboundIPs     *ManagedOutboundIPs `json:"managedOutboundIps,omitempty"`
	EffectiveOutboundIPs   []ResourceReference `json:"effectiveOutboundIps,omitempty"`
	OutboundIPs            []ResourceReference `json:"outboundIps,omitempty"`
	OutboundIPPrefixes     []ResourceReference `json:"outboundIpPrefixes,omitempty"`
	AllocatedOutboundPorts int                 `json:"allocatedOutboundPorts,omitempty"`
}

// ManagedOutboundIPs is the number of public IPs that the service creates for
// outbound traffic.
type ManagedOutboundIPs struct {
	Unknown

	Count int `json:"count,omitempty"`
}

// ResourceReference is the id of another Azure resource.
type ResourceReference struct {
	Unknown

	ID string `json:"id,omitempty"`
}

// MasterProfile describes the three control plane machines.
type MasterProfile struct {
	Unknown

	VMSize              string  `json:"vmSize,omitempty"`
	SubnetID            string  `json:"subnetId,omitempty"`
	EncryptionAtHost    Feature `json:"encryptionAtHost,omitempty"`
	DiskEncryptionSetID string  `json:"diskEncryptionSetId,omitempty"`
}

// WorkerProfile describes one pool of workers.
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

// WorkerPools returns the pools read from the cluster or, before there are any, the
// requested ones, and the name of the property that has them. Customers add and
// remove pools inside the cluster.
func (p *Properties) WorkerPools() (property string, pools []WorkerProfile) {
	if len(p.WorkerProfilesStatus) > 0 {
		return "workerProfilesStatus", p.WorkerProfilesStatus
	}
	return "workerProfiles", p.WorkerProfiles
}

// APIServerProfile has the endpoint of the Kubernetes API.
type APIServerProfile struct {
	Unknown

	Visibility Visibility `json:"visibility,omitempty"`
	URL        string     `json:"url,omitempty"`
	IP         string     `json:"ip,omitempty"`
	// InternalIP is the address of the load balancer in the virtual network.
	InternalIP string `json:"intIp,omitempty"`
}

// IngressProfile has the endpoint of the cluster's routes.
type IngressProfile struct {
	Unknown

	Name       string     `json:"name,omitempty"`
	Visibility Visibility `json:"visibility,omitempty"`
	IP         string     `json:"ip,omitempty"`
}

// Feature is the value of a setting that is enabled or disabled.
type Feature string

// The values of Feature.
const (
	Enabled  Feature = "Enabled"
	Disabled Feature = "Disabled"
)

// Visibility is whether an endpoint can be reached from the internet.
type Visibility string

// Public endpoints have a public IP, private ones an address in the virtual network.
const (
	Public  Visibility = "Public"
	Private Visibility = "Private"
)

// OutboundType is how the cluster connects to the internet.
type OutboundType string

// Outbound traffic through the load balancer of the service, or through the
// customer's routes.
const (
	LoadBalancer       OutboundType = "Loadbalancer"
	UserDefinedRouting OutboundType = "UserDefinedRouting"
)
