package cluster

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
)

// renewPrincipalRoles leaves exactly the cluster's service principal and the
// owners with rights in the managed group.
func (s *steps) renewPrincipalRoles(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
	access, err := s.accessOf(ctx, c)
	if err != nil {
		return err
	}
	wanted := []template.Grant{{RoleID: template.Contributor, ObjectID: access.ServicePrincipalID}}
	missing, err := s.pruneRoles(ctx, c, wanted, func(string) bool { return true })
	if err != nil {
		return err
	}
	if err := s.removeOldRoles(ctx, c); err != nil || len(missing) == 0 {
		return err
	}
	return s.deploy(ctx, c, principalRoles, access.RoleAssignments())
}

// renewIdentityRoles leaves exactly the operators' identities, with the roles that
// they need, the service and the owners with rights in the managed group: former
// operators have none.
func (s *steps) renewIdentityRoles(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
	access, err := s.accessOf(ctx, c)
	if err != nil {
		return err
	}
	missing, err := s.pruneRoles(ctx, c, access.Grants, func(principal string) bool { return !strings.EqualFold(principal, access.ResourceProviderID) })
	if err != nil || len(missing) == 0 {
		return err
	}
	return s.deploy(ctx, c, identityRoles, access.RoleAssignments())
}

// removeRoles takes everybody's rights in the managed group but the owners', so
// that nothing is made anew while it is removed.
func (s *steps) removeRoles(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
	there, err := s.groupIsOurs(ctx, c)
	if err != nil || !there {
		return err
	}
	if _, err := s.pruneRoles(ctx, c, nil, func(string) bool { return true }); err != nil {
		return err
	}
	return s.removeOldRoles(ctx, c)
}

// pruneRoles removes assignments at exactly the managed group, of principals that
// are concerned, that are not wanted. It tells which are wanted and not there.
func (s *steps) pruneRoles(ctx context.Context, c *model.Cluster, wanted []template.Grant, concerns func(principal string) bool) (missing []template.Grant, err error) {
	clients, err := s.customer(c)
	if err != nil {
		return nil, err
	}
	group, found := c.Properties.ClusterProfile.ResourceGroupID, map[template.Grant]bool{}
	for pages := clients.RoleAssignments.NewListForScopePager(group, &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: new("atScope()")}); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Value {
			if a.Properties == nil || !strings.EqualFold(deref(a.Properties.Scope), group) {
				continue
			}
			has := template.Grant{RoleID: strings.ToLower(lastSegment(deref(a.Properties.RoleDefinitionID))), ObjectID: strings.ToLower(deref(a.Properties.PrincipalID))}
			if has.RoleID == template.Owner || !concerns(has.ObjectID) || isWanted(wanted, has) {
				found[has] = true
				continue
			}
			if _, err := clients.RoleAssignments.DeleteByID(ctx, deref(a.ID), nil); err != nil && !azure.NotFound(err) {
				return nil, err
			}
		}
	}
	for _, g := range wanted {
		if !found[lower(g)] {
			missing = append(missing, g)
		}
	}
	return missing, nil
}

func isWanted(wanted []template.Grant, has template.Grant) bool {
	for _, g := range wanted {
		if lower(g) == has {
			return true
		}
	}
	return false
}

func lower(g template.Grant) template.Grant {
	return template.Grant{RoleID: strings.ToLower(g.RoleID), ObjectID: strings.ToLower(g.ObjectID)}
}

// oldRolePrefix begins the names of role definitions that the service once made
// for each cluster.
const oldRolePrefix = "Azure Red Hat OpenShift cluster"

func (s *steps) removeOldRoles(ctx context.Context, c *model.Cluster) error {
	clients, err := s.customer(c)
	if err != nil {
		return err
	}
	group := c.Properties.ClusterProfile.ResourceGroupID
	for pages := clients.RoleDefinitions.NewListPager(group, &armauthorization.RoleDefinitionsClientListOptions{Filter: new("type eq 'CustomRole'")}); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, d := range page.Value {
			if !isOldRole(d, group) {
				continue
			}
			if _, err := clients.RoleDefinitions.Delete(ctx, group, deref(d.Name), nil); err != nil && !azure.NotFound(err) {
				return err
			}
		}
	}
	return nil
}

// isOldRole wants the group to be the only place of the role: others are not ours.
func isOldRole(d *armauthorization.RoleDefinition, group string) bool {
	p := d.Properties
	return p != nil && strings.HasPrefix(deref(p.RoleName), oldRolePrefix) &&
		len(p.AssignableScopes) == 1 && strings.EqualFold(deref(p.AssignableScopes[0]), group)
}
