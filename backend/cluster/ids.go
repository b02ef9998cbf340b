package cluster

import (
	"fmt"
	"strings"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

func clusterID(c *model.Cluster) (arm.ClusterID, error) {
	id, ok := arm.ParseClusterID(c.ID)
	if !ok {
		return id, fmt.Errorf("resource id %q of the cluster is malformed", c.ID)
	}
	return id, nil
}

// managedGroup is the name of the cluster's managed resource group.
func managedGroup(c *model.Cluster) string {
	id := c.Properties.ClusterProfile.ResourceGroupID
	return id[strings.LastIndexByte(id, '/')+1:]
}

// subnetName is a parsed subnet id.
type subnetName struct{ subscription, group, network, name string }

func parseSubnet(id string) (subnetName, error) {
	r, err := azarm.ParseResourceID(id)
	if err != nil || r.Parent == nil || !arm.EqualFold(r.ResourceType.String(), "Microsoft.Network/virtualNetworks/subnets") {
		return subnetName{}, arm.InvalidResourceID.Errorf("The id %q is not that of a subnet. Correct it.", id)
	}
	return subnetName{r.SubscriptionID, r.ResourceGroupName, r.Parent.Name, r.Name}, nil
}

// workerSubnets are the subnets of all worker pools, each once.
func workerSubnets(c *model.Cluster) []string {
	var ids []string
	_, pools := c.Properties.WorkerPools()
	for _, w := range pools {
		if w.SubnetID != "" && !holds(ids, w.SubnetID) {
			ids = append(ids, w.SubnetID)
		}
	}
	return ids
}

// subnets are all subnets of the cluster, the masters' first, each once.
func subnets(c *model.Cluster) []string {
	ids := []string{c.Properties.MasterProfile.SubnetID}
	for _, id := range workerSubnets(c) {
		if !holds(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// holds reports whether ids contains id, ignoring case as Azure does.
func holds(ids []string, id string) bool {
	for _, other := range ids {
		if arm.EqualFold(other, id) {
			return true
		}
	}
	return false
}

func storageAccount(c *model.Cluster) string { return "cluster" + c.Internal.StorageSuffix }

func publicAPI(c *model.Cluster) bool {
	return c.Properties.APIServerProfile.Visibility != model.Private
}

func publicIngress(c *model.Cluster) bool {
	for _, p := range c.Properties.IngressProfiles {
		return p.Visibility != model.Private
	}
	return false
}

func balanced(c *model.Cluster) bool {
	return c.Properties.NetworkProfile.OutboundType != model.UserDefinedRouting
}

// The two kinds of clusters, for Only.
func workloadIdentity(c *model.Cluster) bool { return c.UsesWorkloadIdentity() }

func servicePrincipal(c *model.Cluster) bool { return !c.UsesWorkloadIdentity() }

// deref is what p points to, or its zero.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
