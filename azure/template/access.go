package template

import (
	"fmt"
	"slices"
)

// The built-in roles that the service assigns.
const (
	Owner                      = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	Contributor                = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	storageBlobDataContributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
)

// Access defines permissions in the managed group.
type Access struct {
	// ServicePrincipalID is the object id of the cluster's service principal;
	// empty for workload identity clusters.
	ServicePrincipalID string
	// Grants are the roles of workload identities.
	Grants []Grant
	// ResourceProviderID is the object id of the service's own application.
	ResourceProviderID string
	// Excluded are the object ids that the deny assignment excludes.
	Excluded []string
}

// Grant assigns a role in the managed group to an identity.
type Grant struct {
	// RoleID is the GUID of the role.
	RoleID, ObjectID string
}

// Desired returns all role assignments that the managed group needs.
func (a *Access) Desired() []Grant {
	if a.ServicePrincipalID != "" {
		return append([]Grant{{Contributor, a.ServicePrincipalID}}, a.Grants...)
	}
	return a.Grants
}

// Principals returns the object ids of the cluster's identities, each once.
func (a *Access) Principals() []string {
	var ids []string
	for _, g := range a.Desired() {
		if !slices.Contains(ids, g.ObjectID) {
			ids = append(ids, g.ObjectID)
		}
	}
	return ids
}

// RoleAssignments returns a template with the assignments alone. They are named
// after their principals, unlike those of a new cluster: the principal of an
// assignment cannot change, and the former principal keeps its own for a while.
func (a *Access) RoleAssignments() map[string]any {
	l := list{}
	for _, g := range a.Desired() {
		l = append(l, grant(g))
	}
	return document(object{}, l)
}

// DenyAssignment returns a template with the deny assignment alone.
func (a *Access) DenyAssignment() map[string]any {
	return document(object{}, list{a.denyAssignment()})
}

func (a *Access) roleAssignments() list {
	l := list{}
	if a.ServicePrincipalID != "" {
		l = append(l, assignment("[guid(resourceGroup().id, 'SP / Contributor')]", Grant{Contributor, a.ServicePrincipalID}))
	}
	for _, g := range a.Grants {
		l = append(l, grant(g))
	}
	return l
}

func grant(g Grant) object {
	return assignment(fmt.Sprintf("[guid(resourceGroup().id, '%s', '%s')]", g.RoleID, g.ObjectID), g)
}

// assignment includes the type of the principal, so that Azure accepts one that is
// not replicated yet.
func assignment(name string, g Grant) object {
	return object{
		"type": roleAssignedKind, "apiVersion": roleAssignmentAPI, "name": name,
		"properties": object{
			"scope":            "[resourceGroup().id]",
			"roleDefinitionId": fmt.Sprintf("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '%s')]", g.RoleID),
			"principalId":      g.ObjectID, "principalType": "ServicePrincipal",
		},
	}
}

// blobRole allows the service to read and write the cluster's storage account,
// whose keys are disabled.
func (b *Base) blobRole() object {
	account := b.id(accountKind, b.Account)
	o := assignment(fmt.Sprintf("[guid('%s', '%s', '%s')]", account, storageBlobDataContributor, b.ResourceProviderID),
		Grant{storageBlobDataContributor, b.ResourceProviderID})
	o["scope"] = account
	o["properties"].(object)["scope"] = account
	o["dependsOn"] = list{account}
	return o
}

// denyAssignment denies changes of the cluster's resources to all but the excluded
// principals, except for the actions of harmless.
func (a *Access) denyAssignment() object {
	excluded := list{}
	for _, id := range a.Excluded {
		excluded = append(excluded, object{"id": id, "type": "ServicePrincipal"})
	}
	return object{
		"type": denyKind, "apiVersion": denyAssignmentAPI,
		"name": "[guid(resourceGroup().id, 'ARO cluster resource group deny assignment')]",
		"properties": object{
			"denyAssignmentName": "[guid(resourceGroup().id, 'ARO cluster resource group deny assignment')]",
			"scope":              "[resourceGroup().id]",
			"isSystemProtected":  true,
			"permissions":        list{object{"actions": list{"*/action", "*/delete", "*/write"}, "notActions": harmless()}},
			"principals":         list{object{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}},
			"excludePrincipals":  excluded,
		},
	}
}

// harmless returns the actions that customers may use on the cluster's resources.
func harmless() list {
	return list{
		"Microsoft.Compute/disks/beginGetAccess/action",
		"Microsoft.Compute/disks/endGetAccess/action",
		"Microsoft.Compute/disks/write",
		"Microsoft.Compute/snapshots/beginGetAccess/action",
		"Microsoft.Compute/snapshots/delete",
		"Microsoft.Compute/snapshots/endGetAccess/action",
		"Microsoft.Compute/snapshots/write",
		"Microsoft.Insights/ActionGroups/delete",
		"Microsoft.Insights/ActionGroups/write",
		"Microsoft.Insights/ActivityLogAlerts/delete",
		"Microsoft.Insights/ActivityLogAlerts/write",
		"Microsoft.Insights/MetricAlerts/delete",
		"Microsoft.Insights/MetricAlerts/write",
		"Microsoft.Network/networkInterfaces/effectiveRouteTable/action",
		"Microsoft.Network/networkSecurityGroups/join/action",
		"Microsoft.PolicyInsights/remediations/delete",
		"Microsoft.PolicyInsights/remediations/write",
		"Microsoft.Resources/tags/*",
	}
}
