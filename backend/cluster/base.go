package cluster

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The names of the deployments: a repetition joins one that runs. All of them
// stand in deployments too.
const (
	baseDeployment     = "storage"
	machinesDeployment = "resources"
	denyDeployment     = "denyassignment"
	storageDeployment  = "storageaccounts"
	principalRoles     = "clustersp"
	identityRoles      = "platformworkloadidentityrbac"
)

func deployments() []string {
	return []string{baseDeployment, machinesDeployment, denyDeployment, storageDeployment, principalRoles, identityRoles}
}

func (s *steps) validateCreate(ctx context.Context, w *Work) error {
	return s.Validator.Validate(ctx, w.Resource(), model.Create)
}

// chooseZones decides once in which zones the cluster is.
func (s *steps) chooseZones(ctx context.Context, w *Work) error {
	clients, err := s.customer(w.Resource())
	if err != nil {
		return err
	}
	zones, err := s.Validator.Zones(ctx, clients, w.Resource())
	if err != nil {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if len(c.Internal.Zones) > 0 {
			return store.ErrUnchanged
		}
		c.Internal.Zones = zones
		return nil
	})
}

// templateOf is what all templates know of the cluster.
func templateOf(c *model.Cluster) template.Cluster {
	return template.Cluster{
		GroupID: c.Properties.ClusterProfile.ResourceGroupID, Location: c.Location, InfraID: c.Internal.InfraID, Zones: c.Internal.Zones,
		PublicAPI: publicAPI(c), PublicIngress: publicIngress(c), PublicOutbound: balanced(c),
		MasterSubnetID: c.Properties.MasterProfile.SubnetID,
	}
}

func (s *steps) storageOf(c *model.Cluster) template.Storage {
	return template.Storage{
		Account: storageAccount(c), RegistryAccount: c.Internal.ImageRegistryStorageAccount,
		Subnets: s.storageSubnets(c), WorkloadIdentity: c.UsesWorkloadIdentity(),
	}
}

func (s *steps) deployBase(ctx context.Context, w *Work) error {
	c := w.Resource()
	access, err := s.accessOf(ctx, c)
	if err != nil {
		return err
	}
	base := template.Base{
		Cluster: templateOf(c), Storage: s.storageOf(c), Access: *access,
		OutboundIPs: c.Internal.OutboundIPs, ServiceSubscription: s.Env.SubscriptionID,
	}
	return s.deploy(ctx, w, baseDeployment, base.Template())
}

func (s *steps) deploy(ctx context.Context, w *Work, name string, t map[string]any) error {
	clients, err := s.customer(w.Resource())
	if err != nil {
		return err
	}
	_, err = clients.Deploy(ctx, w, managedGroup(w.Resource()), name, func() (azure.Template, error) { return azure.Template{Body: t}, nil })
	return err
}

// accessOf is who may do what in the managed group. An object id that is missing
// would open or close the group to the wrong ones.
func (s *steps) accessOf(ctx context.Context, c *model.Cluster) (*template.Access, error) {
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
func (s *steps) grants(ctx context.Context, c *model.Cluster) ([]template.Grant, error) {
	roles, err := s.roles(ctx, c)
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

// denyOthers renews the deny assignment, whose exclusions follow the identities.
// Those whom the cluster still acts as remain among them.
func (s *steps) denyOthers(ctx context.Context, w *Work) error {
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
	return s.deploy(ctx, w, denyDeployment, access.DenyAssignment())
}

// renewStorage brings the settings of the storage accounts up to date, but for
// their encryption, which cannot change.
func (s *steps) renewStorage(ctx context.Context, w *Work) error {
	storage, t := s.storageOf(w.Resource()), templateOf(w.Resource())
	storage.Unencrypted = true
	return s.deploy(ctx, w, storageDeployment, storage.Template(&t))
}

// ensureGroup makes the managed resource group. The write of one that exists
// already restores the service's rights in it, which a subscription loses when it
// moves to another tenant.
func (s *steps) ensureGroup(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.customer(c)
	if err != nil {
		return err
	}
	group := armresources.ResourceGroup{Location: &c.Location, ManagedBy: &c.ID}
	existing, err := clients.Groups.Get(ctx, managedGroup(c), nil)
	switch {
	case err == nil && !ours(&existing.ResourceGroup, c):
		return foreignGroup(c)
	case err == nil:
		group.Tags = existing.Tags
	case !azure.NotFound(err) && azure.Code(err) != "AuthorizationFailed": // before the write we may have no rights
		return err
	}
	_, err = clients.Groups.CreateOrUpdate(ctx, managedGroup(c), group, nil)
	if code := azure.Code(err); code == "ResourceGroupManagedByMismatch" || code == "InvalidResourceGroupLocation" {
		return foreignGroup(c)
	}
	return err
}

// ours reports whether a group is this cluster's.
func ours(g *armresources.ResourceGroup, c *model.Cluster) bool {
	return arm.EqualFold(deref(g.ManagedBy), c.ID) && arm.EqualFold(deref(g.Location), c.Location)
}

func foreignGroup(c *model.Cluster) error {
	return arm.ClusterResourceGroupAlreadyExists.At("properties.clusterProfile.resourceGroupId",
		"The resource group %q exists already and is not this cluster's. Name one that does not exist yet.", managedGroup(c))
}
