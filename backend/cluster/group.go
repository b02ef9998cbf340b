package cluster

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/azure"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
)

// ensureGroup makes the managed resource group. The write of one that exists
// already restores the service's rights in it, which a subscription loses when it
// moves to another tenant.
func (s *steps) ensureGroup(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
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

// ours tells whether a group is this cluster's.
func ours(g *armresources.ResourceGroup, c *model.Cluster) bool {
	return strings.EqualFold(deref(g.ManagedBy), c.ID) && strings.EqualFold(deref(g.Location), c.Location)
}

func foreignGroup(c *model.Cluster) error {
	return arm.ClusterResourceGroupAlreadyExists.At("properties.clusterProfile.resourceGroupId",
		"The resource group %q exists already and is not this cluster's. Name one that does not exist yet.", managedGroup(c))
}
