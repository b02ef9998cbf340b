package model

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
)

// OpenShiftVersion is an OpenShift version for new clusters.
type OpenShiftVersion struct {
	Unknown

	ID         string                     `json:"id,omitempty"`
	Name       string                     `json:"name,omitempty"`
	Type       string                     `json:"type,omitempty"`
	Properties OpenShiftVersionProperties `json:"properties"`
}

// OpenShiftVersionProperties are the images of a version and whether it is offered.
type OpenShiftVersionProperties struct {
	Unknown

	Version           string `json:"version,omitempty"`
	OpenShiftPullspec string `json:"openShiftPullspec,omitempty"`
	// InstallerPullspec is the image of the installer. If it is empty, the
	// service's own program for the minor release is used; see InstallerImage.
	InstallerPullspec string `json:"installerPullspec,omitempty"`
	Enabled           bool   `json:"enabled,omitempty"`
	// Default marks the version for creates that specify none. Exactly one enabled
	// version has it.
	Default bool `json:"default,omitempty"`
}

// releaseForm matches a release of OpenShift, without candidates and leading zeros.
var releaseForm = regexp.MustCompile(`^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$`)

// InstallerImage returns the image that installs the version, or empty text if the
// service's own program does. Older builds stored the release image in this member.
func (p *OpenShiftVersionProperties) InstallerImage() string {
	if p.InstallerPullspec == p.OpenShiftPullspec {
		return ""
	}
	return p.InstallerPullspec
}

// Installable returns why a version cannot be installed, or nil. A nil function
// accepts every version.
type Installable func(*OpenShiftVersionProperties) error

// Why returns the reason why p cannot be installed, or empty text.
func (i Installable) Why(p *OpenShiftVersionProperties) string {
	if i == nil {
		return ""
	}
	if err := i(p); err != nil {
		return err.Error()
	}
	return ""
}

// Validate adds every violation of a single version. A version that is not
// installable can be stored but not enabled.
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

// PlatformWorkloadIdentityRoleSet lists the roles that the operators of one
// OpenShift minor version need.
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

// Validate adds every violation of a role set.
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

// SecretLocation is the Secret in the cluster from which the operator reads its
// credentials.
type SecretLocation struct {
	Unknown

	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// SubscriptionState is the state of a subscription as ARM defines it (B02).
type SubscriptionState string

// The states of ARM's subscription lifecycle.
const (
	Registered   SubscriptionState = "Registered"
	Unregistered SubscriptionState = "Unregistered"
	Warned       SubscriptionState = "Warned"
	Suspended    SubscriptionState = "Suspended"
	Deleted      SubscriptionState = "Deleted"
)

// Subscription is a subscription as ARM last sent it.
type Subscription struct {
	Unknown

	State            SubscriptionState      `json:"state,omitempty"`
	RegistrationDate string                 `json:"registrationDate,omitempty"`
	Properties       SubscriptionProperties `json:"properties"`
}

// SubscriptionProperties are the members that the service reads; Unknown keeps the
// others.
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

// Billing is the period for which a cluster is billed. It is kept after the cluster
// is deleted.
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

// AsyncOperation is the status of an operation for clients that poll it (L10).
type AsyncOperation struct {
	Unknown

	ID             string        `json:"id,omitempty"`
	Kind           OperationKind `json:"kind,omitempty"`
	SubscriptionID string        `json:"subscriptionId,omitempty"`
	TenantID       string        `json:"tenantId,omitempty"`
	// ResourceID is that of the cluster, in the caller's casing. ClusterUID is
	// Internal.UID.
	ResourceID   string            `json:"resourceId,omitempty"`
	ClusterUID   string            `json:"clusterUid,omitempty"`
	InitialState ProvisioningState `json:"initialState,omitempty"`
	// State is terminal after the operation has ended; empty before.
	State     ProvisioningState `json:"state,omitempty"`
	StartedAt time.Time         `json:"startTime,omitempty"`
	EndedAt   *time.Time        `json:"endTime,omitempty"`
	Error     *OperationError   `json:"error,omitempty"`
}

// OperationError is why an operation failed or was canceled, as clients see it.
type OperationError struct {
	Unknown

	Code    string           `json:"code,omitempty"`
	Message string           `json:"message,omitempty"`
	Target  string           `json:"target,omitempty"`
	Details []OperationError `json:"details,omitempty"`
}

// ErrorOf converts an error to the form that documents store.
func ErrorOf(b arm.Body) OperationError {
	e := OperationError{Code: b.Code, Message: b.Message, Target: b.Target}
	for _, d := range b.Details {
		e.Details = append(e.Details, ErrorOf(d))
	}
	return e
}
