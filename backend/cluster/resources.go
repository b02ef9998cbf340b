package cluster

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/template"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
)

// resources manages the managed resource group, and the network and storage in it.
type resources struct {
	azure  *azureAccess
	env    *environment.Environment
	access *access
}

// The names of the deployments: a repetition joins one that is running. All are listed in
// deployments too.
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

// templateOf returns the values that all templates use of the cluster.
func templateOf(c *model.Cluster) template.Cluster {
	return template.Cluster{
		GroupID: c.Properties.ClusterProfile.ResourceGroupID, Location: c.Location, InfraID: c.Internal.InfraID, Zones: c.Internal.Zones,
		PublicAPI: publicAPI(c), PublicIngress: publicIngress(c), PublicOutbound: balanced(c),
		MasterSubnetID: c.Properties.MasterProfile.SubnetID,
	}
}

func (s *resources) storageOf(c *model.Cluster) template.Storage {
	return template.Storage{
		Account: storageAccount(c), RegistryAccount: c.Internal.ImageRegistryStorageAccount,
		Subnets: s.storageSubnets(c), WorkloadIdentity: c.UsesWorkloadIdentity(),
	}
}

// storageSubnets returns the subnets that may reach the cluster's storage accounts: the service's
// and the cluster's own.
func (s *resources) storageSubnets(c *model.Cluster) []string {
	return append([]string{s.env.PrivateEndpointSubnetID(), s.env.SubnetID()}, subnets(c)...)
}

func (s *resources) deployBase(ctx context.Context, w *Work) error {
	c := w.Resource()
	access, err := s.access.accessOf(ctx, c)
	if err != nil {
		return err
	}
	base := template.Base{
		Cluster: templateOf(c), Storage: s.storageOf(c), Access: *access,
		OutboundIPs: c.Internal.OutboundIPs, ServiceSubscription: s.env.SubscriptionID,
	}
	return s.azure.deploy(ctx, w, baseDeployment, base.Template())
}

// renewStorage updates the settings of the storage accounts, except their encryption, which cannot
// change.
func (s *resources) renewStorage(ctx context.Context, w *Work) error {
	storage, t := s.storageOf(w.Resource()), templateOf(w.Resource())
	storage.Unencrypted = true
	return s.azure.deploy(ctx, w, storageDeployment, storage.Template(&t))
}

// ensureGroup creates the managed resource group. Writing an existing group restores the service's
// role assignments in it, which a subscription loses when it moves to another tenant.
func (s *resources) ensureGroup(ctx context.Context, w *Work) error {
	c := w.Resource()
	clients, err := s.azure.customer(c)
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

// ours reports whether a group belongs to this cluster.
func ours(g *armresources.ResourceGroup, c *model.Cluster) bool {
	return arm.EqualFold(deref(g.ManagedBy), c.ID) && arm.EqualFold(deref(g.Location), c.Location)
}

func foreignGroup(c *model.Cluster) error {
	return arm.ClusterResourceGroupAlreadyExists.At("properties.clusterProfile.resourceGroupId",
		"The resource group %q exists already and is not this cluster's. Name one that does not exist yet.", managedGroup(c))
}
