// Package v1alpha1 is the API of the operator: the Cluster, in which the resource
// provider says what the operator needs to know, and the operator what it found.
//
// +kubebuilder:object:generate=true
// +groupName=aro.openshift.io
package v1alpha1

import (
	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// SingletonName is the name of the only Cluster.
const SingletonName = "cluster"

// GroupVersion is where the types are served.
var GroupVersion = schema.GroupVersion{Group: "aro.openshift.io", Version: "v1alpha1"}

// AddToScheme makes the types known to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &Cluster{}, &ClusterList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

// Banner shows a message of the service in the cluster's console.
type Banner struct {
	// Content names the message; empty for none.
	Content BannerContent `json:"content,omitempty"`
}

// BannerContent names a message.
type BannerContent string

// The messages of the banner.
const (
	BannerDisabled       BannerContent = ""
	BannerContactSupport BannerContent = "ContactSupport"
)

// InternetCheckerSpec lists the endpoints that the cluster must reach.
type InternetCheckerSpec struct {
	// URLs must answer, with whatever status.
	URLs []string `json:"urls,omitempty"`
}

// GenevaLoggingSpec has no members any more. It stays for objects of older releases.
type GenevaLoggingSpec struct{}

// ClusterSpec is written by the resource provider.
type ClusterSpec struct {
	// ResourceID is the ARM id of the cluster.
	ResourceID string `json:"resourceId,omitempty"`
	// ClusterResourceGroupID is the ARM id of the managed resource group.
	ClusterResourceGroupID string `json:"clusterResourceGroupId,omitempty"`
	// Domain is the whole domain of the cluster.
	Domain string `json:"domain,omitempty"`
	// ACRDomain is the host name of the service's registry.
	ACRDomain string `json:"acrDomain,omitempty"`
	// AZEnvironment is the name of the Azure cloud.
	AZEnvironment string `json:"azEnvironment,omitempty"`
	// Location is the Azure region.
	Location string `json:"location,omitempty"`
	// InfraID is the installer's name of the cluster.
	InfraID string `json:"infraId,omitempty"`
	// StorageSuffix is the end of the name of the service's storage account.
	StorageSuffix string `json:"storageSuffix,omitempty"`
	// ArchitectureVersion is 0 for clusters with two network security groups, 1 for
	// clusters with one.
	ArchitectureVersion int `json:"architectureVersion,omitempty"`
	// GenevaLogging has no members.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	GenevaLogging GenevaLoggingSpec `json:"genevaLogging,omitempty"`
	// InternetChecker lists the endpoints that the cluster must reach.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	InternetChecker InternetCheckerSpec `json:"internetChecker,omitempty"`
	// VnetID is the ARM id of the virtual network.
	VnetID string `json:"vnetId,omitempty"`
	// APIIntIP is the address of the internal load balancer of the API.
	APIIntIP string `json:"apiIntIP,omitempty"`
	// IngressIP is the address of the default router.
	IngressIP string `json:"ingressIP,omitempty"`
	// GatewayDomains are reached through the gateway.
	GatewayDomains []string `json:"gatewayDomains,omitempty"`
	// GatewayTelemetryDomain takes the logs of the service.
	GatewayTelemetryDomain string `json:"gatewayTelemetryDomain,omitempty"`
	// GatewayPrivateEndpointIP is the address of the gateway.
	GatewayPrivateEndpointIP string `json:"gatewayPrivateEndpointIP,omitempty"`
	// Banner is what the console shows.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Banner Banner `json:"banner,omitempty"`
	// ServiceSubnets are ARM ids of the service's subnets that need the storage accounts.
	ServiceSubnets []string `json:"serviceSubnets,omitempty"`
	// OperatorFlags turn parts of the operator on and off. Flags that this release
	// does not know are kept.
	OperatorFlags map[string]string `json:"operatorflags,omitempty"`
}

// ClusterStatus is written by the operator.
type ClusterStatus struct {
	// OperatorVersion is the build of the operator that runs on the masters.
	OperatorVersion string `json:"operatorVersion,omitempty"`
	// Conditions are what the operator found, one of each type.
	//
	// +listType=map
	// +listMapKey=type
	Conditions []operatorv1.OperatorCondition `json:"conditions,omitempty"`
	// RedHatKeysPresent are the registries of Red Hat that the pull secret has logins for.
	//
	// +listType=atomic
	RedHatKeysPresent []string `json:"redHatKeysPresent,omitempty"`
}

// Cluster is the cluster as the resource provider knows it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.operatorVersion`,description="The operator's build"
// +kubebuilder:printcolumn:name="Domain",type=string,JSONPath=`.spec.domain`
// +kubebuilder:printcolumn:name="Location",type=string,JSONPath=`.spec.location`
// +kubebuilder:printcolumn:name="Internet",type=string,JSONPath=`.status.conditions[?(@.type=="InternetReachableFromMaster")].status`,description="Whether the masters reach what they must"
// +kubebuilder:printcolumn:name="Credentials",type=string,JSONPath=`.status.conditions[?(@.type=="ServicePrincipalValid")].status`,description="Whether the cluster's identity in Azure is valid"
// +kubebuilder:printcolumn:name="Machines",type=string,JSONPath=`.status.conditions[?(@.type=="MachineValid")].status`,description="Whether the machines are as the service supports them",priority=1
// +kubebuilder:printcolumn:name="DNS",type=string,JSONPath=`.status.conditions[?(@.type=="DefaultClusterDNS")].status`,description="Whether the cluster's DNS is set up so that it works",priority=1
// +kubebuilder:printcolumn:name="Certificate",type=string,JSONPath=`.status.conditions[?(@.type=="DefaultIngressCertificate")].status`,description="Whether the default router has the right certificate",priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is written by the resource provider. It keeps members of newer releases.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Spec ClusterSpec `json:"spec,omitempty"`
	// Status is written by the operator. It keeps members of newer releases, too.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Status ClusterStatus `json:"status,omitempty"`
}

// ClusterList is a list of Clusters.
//
// +kubebuilder:object:root=true
type ClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Cluster `json:"items"`
}
