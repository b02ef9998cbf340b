package model

import (
	"time"

	"github.com/aro-rp/aro/arm"
)

// OpenShiftVersion is a version that clusters can be created with.
type OpenShiftVersion struct {
	Unknown

	ID         string                     `json:"id,omitempty"`
	Name       string                     `json:"name,omitempty"`
	Type       string                     `json:"type,omitempty"`
	Properties OpenShiftVersionProperties `json:"properties"`
}

// OpenShiftVersionProperties say where a version comes from and who may use it.
type OpenShiftVersionProperties struct {
	Unknown

	Version           string `json:"version,omitempty"`
	OpenShiftPullspec string `json:"openShiftPullspec,omitempty"`
	InstallerPullspec string `json:"installerPullspec,omitempty"`
	Enabled           bool   `json:"enabled,omitempty"`
	// Default is the version of a create that names none; one version has it.
	Default bool `json:"default,omitempty"`
}

// PlatformWorkloadIdentityRoleSet is which roles the operators of one OpenShift
// minor version need.
type PlatformWorkloadIdentityRoleSet struct {
	Unknown

	ID         string            `json:"id,omitempty"`
	Name       string            `json:"name,omitempty"`
	Type       string            `json:"type,omitempty"`
	Properties RoleSetProperties `json:"properties"`
}

// RoleSetProperties are the roles of one minor version, such as 4.17.
type RoleSetProperties struct {
	Unknown

	OpenShiftVersion              string                         `json:"openShiftVersion,omitempty"`
	PlatformWorkloadIdentityRoles []PlatformWorkloadIdentityRole `json:"platformWorkloadIdentityRoles,omitempty"`
}

// PlatformWorkloadIdentityRole is the built-in role of one operator.
type PlatformWorkloadIdentityRole struct {
	Unknown

	OperatorName       string          `json:"operatorName,omitempty"`
	RoleDefinitionName string          `json:"roleDefinitionName,omitempty"`
	RoleDefinitionID   string          `json:"roleDefinitionId,omitempty"`
	ServiceAccounts    []string        `json:"serviceAccounts,omitempty"`
	SecretLocation     *SecretLocation `json:"secretLocation,omitempty"`
}

// SecretLocation is where the operator reads its credentials in the cluster.
type SecretLocation struct {
	Unknown

	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// SubscriptionState is ARM's word for what a subscription may do (B02).
type SubscriptionState string

// The states of ARM's subscription lifecycle.
const (
	Registered   SubscriptionState = "Registered"
	Unregistered SubscriptionState = "Unregistered"
	Warned       SubscriptionState = "Warned"
	Suspended    SubscriptionState = "Suspended"
	Deleted      SubscriptionState = "Deleted"
)

// Subscription is what ARM told about a subscription.
type Subscription struct {
	Unknown

	State            SubscriptionState      `json:"state,omitempty"`
	RegistrationDate string                 `json:"registrationDate,omitempty"`
	Properties       SubscriptionProperties `json:"properties"`
}

// SubscriptionProperties are the members the service reads; others survive in Unknown.
type SubscriptionProperties struct {
	Unknown

	TenantID           string              `json:"tenantId,omitempty"`
	RegisteredFeatures []RegisteredFeature `json:"registeredFeatures,omitempty"`
}

// RegisteredFeature is a preview feature and its state.
type RegisteredFeature struct {
	Unknown

	Name  string `json:"name,omitempty"`
	State string `json:"state,omitempty"`
}

// Billing is when a cluster began and ceased to cost money. It outlives the cluster.
type Billing struct {
	Unknown

	ResourceID      string     `json:"resourceId,omitempty"`
	ResourceGroupID string     `json:"resourceGroupId,omitempty"`
	InfraID         string     `json:"infraId,omitempty"`
	Location        string     `json:"location,omitempty"`
	TenantID        string     `json:"tenantId,omitempty"`
	CreatedAt       *time.Time `json:"creationTime,omitempty"`
	DeletedAt       *time.Time `json:"deletionTime,omitempty"`
}

// AsyncOperation is what a client that polls an operation is told (L10).
type AsyncOperation struct {
	Unknown

	ID             string        `json:"id,omitempty"`
	Kind           OperationKind `json:"kind,omitempty"`
	SubscriptionID string        `json:"subscriptionId,omitempty"`
	TenantID       string        `json:"tenantId,omitempty"`
	// ResourceID is the cluster's, in the caller's casing; ClusterUID its incarnation.
	ResourceID   string            `json:"resourceId,omitempty"`
	ClusterUID   string            `json:"clusterUid,omitempty"`
	InitialState ProvisioningState `json:"initialState,omitempty"`
	// State is terminal once the operation ended; empty until then.
	State     ProvisioningState `json:"state,omitempty"`
	StartedAt time.Time         `json:"startTime,omitempty"`
	EndedAt   *time.Time        `json:"endTime,omitempty"`
	Error     *OperationError   `json:"error,omitempty"`
}

// OperationError is why an operation failed or was cancelled, for the client.
type OperationError struct {
	Unknown

	Code    string           `json:"code,omitempty"`
	Message string           `json:"message,omitempty"`
	Target  string           `json:"target,omitempty"`
	Details []OperationError `json:"details,omitempty"`
}

// ErrorOf is an error as documents keep it.
func ErrorOf(b arm.Body) OperationError {
	e := OperationError{Code: b.Code, Message: b.Message, Target: b.Target}
	for _, d := range b.Details {
		e.Details = append(e.Details, ErrorOf(d))
	}
	return e
}
