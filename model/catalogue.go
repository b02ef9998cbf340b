package model

import (
	"regexp"
	"strconv"
	"strings"
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
	// InstallerPullspec is the image that installs it, empty for the service's own
	// program of the minor release; see InstallerImage.
	InstallerPullspec string `json:"installerPullspec,omitempty"`
	Enabled           bool   `json:"enabled,omitempty"`
	// Default is the version of a create that names none; one version has it.
	Default bool `json:"default,omitempty"`
}

// releaseForm is a release of OpenShift; candidates and leading zeros are none.
var releaseForm = regexp.MustCompile(`^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$`)

// InstallerImage is the image that installs the version, empty for the service's
// own program. Builds before there were images wrote the release image there.
func (p *OpenShiftVersionProperties) InstallerImage() string {
	if p.InstallerPullspec == p.OpenShiftPullspec {
		return ""
	}
	return p.InstallerPullspec
}

// Installable says why a version cannot be installed; nil if it can. A nil
// function does not know, and no version is refused for it.
type Installable func(*OpenShiftVersionProperties) error

// Why is what stands in the way of installing p, empty for nothing.
func (i Installable) Why(p *OpenShiftVersionProperties) string {
	if i == nil {
		return ""
	}
	if err := i(p); err != nil {
		return err.Error()
	}
	return ""
}

// Validate notes everything that is wrong with a version by itself, whoever wrote
// it. One that is not installable may be known, but not enabled.
func (p *OpenShiftVersionProperties) Validate(installable Installable, f *arm.Faults) {
	if !releaseForm.MatchString(p.Version) {
		f.Add(arm.InvalidParameter, "properties.version", "The version %.40q must have the form major.minor.patch, without leading zeros.", p.Version)
		return
	}
	if p.OpenShiftPullspec == "" {
		f.Add(arm.InvalidParameter, "properties.openShiftPullspec", "The version %s needs its release image.", p.Version)
	}
	if p.Default && !p.Enabled {
		f.Add(arm.InvalidParameter, "properties.enabled", "The version %s is the default and cannot be disabled. Make another one the default first.", p.Version)
	}
	if why := installable.Why(p); p.Enabled && why != "" {
		f.Add(arm.InvalidParameter, "properties.enabled", "The version %s cannot be installed: %s. Give the service an installer of it, or disable the version.", p.Version, why)
	}
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

// minorForm is a minor release of OpenShift.
var minorForm = regexp.MustCompile(`^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$`)

// Validate notes everything that is wrong with a role set, whoever wrote it.
func (p *RoleSetProperties) Validate(f *arm.Faults) {
	if !minorForm.MatchString(p.OpenShiftVersion) {
		f.Add(arm.InvalidParameter, "properties.openShiftVersion", "The version must have the form major.minor.")
	}
	const path = "properties.platformWorkloadIdentityRoles"
	if len(p.PlatformWorkloadIdentityRoles) == 0 {
		f.Add(arm.InvalidParameter, path, "A role set needs at least one role.")
	}
	for i, role := range p.PlatformWorkloadIdentityRoles {
		for _, member := range [][2]string{{"operatorName", role.OperatorName}, {"roleDefinitionName", role.RoleDefinitionName},
			{"roleDefinitionId", role.RoleDefinitionID}, {"serviceAccounts", strings.Join(role.ServiceAccounts, "")}} {
			if member[1] == "" {
				f.Add(arm.InvalidParameter, path+"["+strconv.Itoa(i)+"]."+member[0], "The member is required.")
			}
		}
	}
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
