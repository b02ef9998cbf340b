package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// access manages role assignments and the deny assignment of the managed resource group.
type access struct {
	azure    *azureAccess
	roleSets *roleSets
	api      *clusterAPI
}

// accessOf returns the role assignments and exclusions of the managed group. A missing object id
// would give access to, or deny it to, the wrong principal.
func (s *access) accessOf(ctx context.Context, c *model.Cluster) (*template.Access, error) {
	a := &template.Access{ResourceProviderID: c.Internal.ResourceProviderID, Excluded: []string{c.Internal.ResourceProviderID}}
	if c.UsesWorkloadIdentity() {
		grants, err := s.grants(ctx, c)
		if err != nil {
			return nil, err
		}
		a.Grants = grants
		for _, operator := range sortedOperators(c) {
			a.Excluded = append(a.Excluded, operators(c)[operator].ObjectID)
		}
	} else if sp := c.Properties.ServicePrincipalProfile; sp != nil {
		a.ServicePrincipalID = sp.ObjectID
		a.Excluded = append(a.Excluded, sp.ObjectID)
	}
	if holds(a.Excluded, "") || len(a.Excluded) < 2 {
		return nil, errors.New("the object id of one of the cluster's identities is not known")
	}
	return a, nil
}

// grants are the roles that the operators' identities need in the managed group.
func (s *access) grants(ctx context.Context, c *model.Cluster) ([]template.Grant, error) {
	roles, err := s.roleSets.roles(ctx, c)
	if err != nil {
		return nil, err
	}
	var grants []template.Grant
	seen := map[template.Grant]bool{}
	for _, operator := range sortedOperators(c) {
		for _, role := range roles[operator] {
			g := template.Grant{RoleID: lastSegment(role.RoleDefinitionID), ObjectID: operators(c)[operator].ObjectID}
			if !seen[g] {
				seen[g] = true
				grants = append(grants, g)
			}
		}
	}
	return grants, nil
}

// denyOthers renews the deny assignment, whose exclusions follow the identities. Identities that
// the cluster still uses stay excluded.
func (s *access) denyOthers(ctx context.Context, w *Work) error {
	access, err := s.accessOf(ctx, w.Resource())
	if err != nil {
		return err
	}
	acting, err := s.acting(ctx, w.Resource())
	if err != nil {
		return err
	}
	for _, id := range acting {
		if !holds(access.Excluded, id) {
			access.Excluded = append(access.Excluded, id)
		}
	}
	return s.azure.deploy(ctx, w, denyDeployment, access.DenyAssignment())
}

// renewPrincipalRoles gives the cluster's service principal its role in the managed group and
// removes the roles of all principals except the owners and the principals that the cluster still
// uses.
func (s *access) renewPrincipalRoles(ctx context.Context, w *Work) error {
	if err := s.renewRoles(ctx, w, principalRoles); err != nil {
		return err
	}
	return s.removeOldRoles(ctx, w.Resource())
}

// renewIdentityRoles does the same for the operators' identities, each with the
// roles that it needs.
func (s *access) renewIdentityRoles(ctx context.Context, w *Work) error {
	return s.renewRoles(ctx, w, identityRoles)
}

// renewRoles adds roles before it removes others, and removes none of a principal that the cluster
// still uses: the cluster continues to work until it has new credentials, and if that fails.
func (s *access) renewRoles(ctx context.Context, w *Work, deployment string) error {
	c := w.Resource()
	access, err := s.accessOf(ctx, c)
	if err != nil {
		return err
	}
	roles, err := s.heldRoles(ctx, c)
	if err != nil {
		return err
	}
	if len(missing(roles, access.Desired())) > 0 {
		if err := s.azure.deploy(ctx, w, deployment, access.RoleAssignments()); err != nil {
			return err
		}
	}
	if len(c.Internal.ActingPrincipals) == 0 { // the owners of the others are unknown
		return nil
	}
	return s.takeAway(ctx, c, surplus(roles, access, c.Internal.ActingPrincipals...))
}

// removeFormerRights completes a change of principals: once the control plane uses the new
// credentials, the former principals lose their roles.
func (s *access) removeFormerRights(ctx context.Context, w *Work) error {
	c := w.Resource()
	access, err := s.accessOf(ctx, c)
	if err != nil {
		return err
	}
	roles, err := s.heldRoles(ctx, c)
	if err != nil {
		return err
	}
	if former := surplus(roles, access); len(former) > 0 {
		if err := s.api.settled(ctx, w, "kube-apiserver", "kube-controller-manager"); err != nil {
			return err
		}
		if err := s.azure.deploy(ctx, w, denyDeployment, access.DenyAssignment()); err != nil {
			return err
		}
		if err := s.takeAway(ctx, c, former); err != nil {
			return err
		}
	}
	return recordPrincipals(ctx, w, access)
}

// recordPrincipals stores the principals that a new cluster uses.
func (s *access) recordPrincipals(ctx context.Context, w *Work) error {
	access, err := s.accessOf(ctx, w.Resource())
	if err != nil {
		return err
	}
	return recordPrincipals(ctx, w, access)
}

func recordPrincipals(ctx context.Context, w *Work, access *template.Access) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		if slices.Equal(c.Internal.ActingPrincipals, access.Principals()) {
			return store.ErrUnchanged
		}
		c.Internal.ActingPrincipals = access.Principals()
		return nil
	})
}

// removeRoles removes all role assignments in the managed group except the owners', so that nothing
// is recreated during the removal.
func (s *access) removeRoles(ctx context.Context, w *Work) error {
	c := w.Resource()
	there, err := s.azure.groupIsOurs(ctx, c)
	if err != nil || !there {
		return err
	}
	roles, err := s.heldRoles(ctx, c)
	if err != nil {
		return err
	}
	if err := s.takeAway(ctx, c, surplus(roles, &template.Access{})); err != nil {
		return err
	}
	return s.removeOldRoles(ctx, c)
}

// held is a role assignment whose scope is exactly the managed group. Its ids are in lower case.
type held struct {
	template.Grant
	id     string
	person bool // or a group of persons
}

func (s *access) heldRoles(ctx context.Context, c *model.Cluster) (roles []held, err error) {
	clients, err := s.azure.customer(c)
	if err != nil {
		return nil, err
	}
	group := c.Properties.ClusterProfile.ResourceGroupID
	for pages := clients.RoleAssignments.NewListForScopePager(group, &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: new("atScope()")}); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Value {
			if a.Properties == nil || !arm.EqualFold(deref(a.Properties.Scope), group) {
				continue
			}
			kind := deref(a.Properties.PrincipalType)
			roles = append(roles, held{
				Grant:  lower(template.Grant{RoleID: lastSegment(deref(a.Properties.RoleDefinitionID)), ObjectID: deref(a.Properties.PrincipalID)}),
				id:     deref(a.ID),
				person: kind != "" && kind != armauthorization.PrincipalTypeServicePrincipal,
			})
		}
	}
	return roles, nil
}

// missing returns the desired grants that have no role assignment.
func missing(roles []held, wanted []template.Grant) (grants []template.Grant) {
	for _, g := range wanted {
		if !slices.ContainsFunc(roles, func(r held) bool { return r.Grant == lower(g) }) {
			grants = append(grants, g)
		}
	}
	return grants
}

// surplus returns the role assignments that are neither desired nor the owners', nor the service's
// own, nor held by a principal in kept.
func surplus(roles []held, access *template.Access, kept ...string) (others []held) {
	for _, r := range roles {
		wanted := slices.ContainsFunc(access.Desired(), func(g template.Grant) bool { return lower(g) == r.Grant })
		ours := access.ServicePrincipalID == "" && access.ResourceProviderID != "" && arm.EqualFold(r.ObjectID, access.ResourceProviderID)
		if r.RoleID != template.Owner && !wanted && !ours && !holds(kept, r.ObjectID) {
			others = append(others, r)
		}
	}
	return others
}

func (s *access) takeAway(ctx context.Context, c *model.Cluster, roles []held) error {
	clients, err := s.azure.customer(c)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if _, err := clients.RoleAssignments.DeleteByID(ctx, r.id, nil); err != nil && !azure.NotFound(err) {
			return err
		}
	}
	return nil
}

// acting returns the principals that the cluster may use besides its desired ones: those whose
// credentials it received last or, if these are unknown, all that have roles.
func (s *access) acting(ctx context.Context, c *model.Cluster) ([]string, error) {
	if len(c.Internal.ActingPrincipals) > 0 {
		return c.Internal.ActingPrincipals, nil
	}
	roles, err := s.heldRoles(ctx, c)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range roles {
		if r.RoleID != template.Owner && !r.person {
			ids = append(ids, r.ObjectID)
		}
	}
	return ids, nil
}

func lower(g template.Grant) template.Grant {
	return template.Grant{RoleID: strings.ToLower(g.RoleID), ObjectID: strings.ToLower(g.ObjectID)}
}

// oldRolePrefix begins the names of role definitions that the service once made
// for each cluster.
const oldRolePrefix = "Azure Red Hat OpenShift cluster"

func (s *access) removeOldRoles(ctx context.Context, c *model.Cluster) error {
	clients, err := s.azure.customer(c)
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

// isOldRole requires the group to be the only scope of the role: the service made no others.
func isOldRole(d *armauthorization.RoleDefinition, group string) bool {
	p := d.Properties
	return p != nil && strings.HasPrefix(deref(p.RoleName), oldRolePrefix) &&
		len(p.AssignableScopes) == 1 && arm.EqualFold(deref(p.AssignableScopes[0]), group)
}
