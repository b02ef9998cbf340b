package azureclient

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Where machines are, and their role.
const (
	MachineNamespace = "openshift-machine-api"
	RoleLabel        = "machine.openshift.io/cluster-api-machine-role"
	master           = "master"
)

// Subnet is one in which machines of the cluster are.
type Subnet struct {
	ID     *arm.ResourceID
	Master bool
}

// Subnets are those of the cluster's machines, the workers' first. clusterID is the
// ARM id of the cluster, in whose subscription they are.
func Subnets(ctx context.Context, c client.Reader, clusterID string) ([]Subnet, error) {
	cluster, err := arm.ParseResourceID(clusterID)
	if err != nil {
		return nil, fmt.Errorf("spec.resourceId of the Cluster: %w", err)
	}
	var sets machinev1beta1.MachineSetList
	if err := c.List(ctx, &sets, client.InNamespace(MachineNamespace)); err != nil {
		return nil, fmt.Errorf("list machine sets: %w", err)
	}
	var machines machinev1beta1.MachineList
	if err := c.List(ctx, &machines, client.InNamespace(MachineNamespace), client.MatchingLabels{RoleLabel: master}); err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	var found []Subnet
	seen := map[string]bool{}
	add := func(name string, spec machinev1beta1.ProviderSpec, isMaster bool) error {
		id, err := subnetOf(cluster.SubscriptionID, spec)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if lower := strings.ToLower(id.String()); !seen[lower] {
			seen[lower] = true
			found = append(found, Subnet{ID: id, Master: isMaster})
		}
		return nil
	}
	for i := range sets.Items {
		if s := &sets.Items[i]; s.Labels[RoleLabel] != master {
			if err := add("machine set "+s.Name, s.Spec.Template.Spec.ProviderSpec, false); err != nil {
				return nil, err
			}
		}
	}
	for i := range machines.Items {
		if err := add("machine "+machines.Items[i].Name, machines.Items[i].Spec.ProviderSpec, true); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func subnetOf(subscription string, spec machinev1beta1.ProviderSpec) (*arm.ResourceID, error) {
	var azure machinev1beta1.AzureMachineProviderSpec
	if spec.Value == nil || json.Unmarshal(spec.Value.Raw, &azure) != nil {
		return nil, errors.New("its provider spec cannot be read")
	}
	group := cmp.Or(azure.NetworkResourceGroup, azure.ResourceGroup)
	id, err := arm.ParseResourceID(fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/virtualNetworks/%s/subnets/%s", subscription, group, azure.Vnet, azure.Subnet))
	if err != nil || group == "" || azure.Vnet == "" || azure.Subnet == "" {
		return nil, errors.New("its provider spec names no subnet")
	}
	return id, nil
}

// SubnetClient reads and writes the cluster's subnets.
func (a *Account) SubnetClient(id *arm.ResourceID) (*armnetwork.SubnetsClient, error) {
	return armnetwork.NewSubnetsClient(id.SubscriptionID, a.Credential, a.Options)
}

// ReadSubnet reads a subnet; nil if it is not there.
func ReadSubnet(ctx context.Context, c *armnetwork.SubnetsClient, id *arm.ResourceID) (*armnetwork.Subnet, error) {
	answer, err := c.Get(ctx, id.ResourceGroupName, id.Parent.Name, id.Name, nil)
	var refused *azcore.ResponseError
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the subnet %s: %w", id, err)
	}
	if answer.Properties == nil {
		return nil, fmt.Errorf("the subnet %s has no properties", id)
	}
	return &answer.Subnet, nil
}
