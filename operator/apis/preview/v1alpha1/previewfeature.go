// Package v1alpha1 is the API of features that a customer may try before they are
// part of the service.
//
// +kubebuilder:object:generate=true
// +groupName=preview.aro.openshift.io
package v1alpha1

import (
	operatorv1 "github.com/openshift/api/operator/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// SingletonName is the name of the only PreviewFeature.
const SingletonName = "cluster"

// GroupVersion is where the types are served.
var GroupVersion = schema.GroupVersion{Group: "preview.aro.openshift.io", Version: "v1alpha1"}

// AddToScheme makes the types known to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &PreviewFeature{}, &PreviewFeatureList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

// NSGFlowLogs records the traffic that the cluster's network security groups see.
type NSGFlowLogs struct {
	// Enabled makes the flow logs; false removes them.
	Enabled bool `json:"enabled"`
	// Version is the format of the logs.
	//
	// +kubebuilder:validation:Enum=1;2
	// +kubebuilder:default=2
	Version int `json:"version,omitempty"`
	// NetworkWatcherID is the ARM id of the network watcher of the region.
	NetworkWatcherID string `json:"networkWatcherID,omitempty"`
	// StorageAccountResourceID is the ARM id of the storage account that keeps the logs.
	StorageAccountResourceID string `json:"storageAccountResourceId,omitempty"`
	// RetentionDays is how long they are kept.
	//
	// +kubebuilder:default=90
	RetentionDays int32 `json:"retentionDays,omitempty"`
	// TrafficAnalyticsLogAnalyticsWorkspaceID is the ARM id of a workspace that
	// analyses the logs; empty for none.
	TrafficAnalyticsLogAnalyticsWorkspaceID string `json:"trafficAnalyticsLogAnalyticsWorkspaceId,omitempty"`
	// TrafficAnalyticsInterval is how often they are analysed. It is no Duration,
	// which would be written as 1h0m0s and refused.
	//
	// +kubebuilder:validation:Enum="60m";"10m"
	// +kubebuilder:default="60m"
	TrafficAnalyticsInterval string `json:"trafficAnalyticsInterval,omitempty"`
}

// PreviewFeatureSpec is written by the customer.
type PreviewFeatureSpec struct {
	// NSGFlowLogs records traffic; nil leaves flow logs as they are.
	NSGFlowLogs *NSGFlowLogs `json:"nsgFlowLogs,omitempty"`
}

// PreviewFeatureStatus has room for what the operator finds.
type PreviewFeatureStatus struct {
	OperatorVersion string `json:"operatorVersion,omitempty"`
	// +listType=map
	// +listMapKey=type
	Conditions []operatorv1.OperatorCondition `json:"conditions,omitempty"`
}

// PreviewFeature says which features the customer tries.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Flow logs",type=boolean,JSONPath=`.spec.nsgFlowLogs.enabled`,description="Whether the traffic of the network security groups is recorded"
// +kubebuilder:printcolumn:name="Retention",type=integer,JSONPath=`.spec.nsgFlowLogs.retentionDays`,description="Days for which it is kept"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type PreviewFeature struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is written by the customer. It keeps features of newer releases.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	Spec   PreviewFeatureSpec   `json:"spec,omitempty"`
	Status PreviewFeatureStatus `json:"status,omitempty"`
}

// PreviewFeatureList is a list of PreviewFeatures.
//
// +kubebuilder:object:root=true
type PreviewFeatureList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []PreviewFeature `json:"items"`
}
