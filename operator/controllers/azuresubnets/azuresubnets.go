// Package azuresubnets keeps the cluster's subnets as its network needs them.
package azuresubnets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/arm"
	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/azureclient"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// noted is the annotation in which monitoring finds when a subnet was last repaired.
const noted = "aro.openshift.io/lastSubnetReconcileTimestamp"

// endpoints are the services that subnets reach without the internet.
var endpoints = []string{"Microsoft.ContainerRegistry", "Microsoft.Storage"}

// again is the interval at which Azure is checked: no event of Azure triggers a reconcile.
const again = time.Hour

// New is the controller.
func New(open azureclient.Opener) controller.Spec {
	c := keeper{open}
	role := func(o client.Object) string { return strings.ToLower(o.GetLabels()[azureclient.RoleLabel]) }
	return controller.Spec{
		Name: "AzureSubnets",
		Summary: "Puts the cluster's network security group back on the subnets of its machines, and the service endpoints for the registry and storage, unless a gateway " +
			"leads there. Notes on the Cluster when it did. Looks once an hour and when machines change.",
		Flag: flags.AzureSubnets, Also: []flags.Name{flags.AzureSubnetsNSG, flags.AzureSubnetsServiceEndpoints},
		Watches: []controller.Watch{
			{Kind: machinev1beta1.GroupVersion.WithKind("Machine"), Namespace: azureclient.MachineNamespace, Spec: true, Matches: func(o client.Object) bool { return role(o) == "master" }},
			{Kind: machinev1beta1.GroupVersion.WithKind("MachineSet"), Namespace: azureclient.MachineNamespace, Spec: true, Matches: func(o client.Object) bool { return role(o) == "worker" }},
		},
		Rules:     []controller.Rule{{PolicyRule: controller.ResourceRule("patch", "aro.openshift.io", "clusters", arov1alpha1.SingletonName)}},
		Reconcile: c.reconcile,
	}
}

type keeper struct{ open azureclient.Opener }

func (k keeper) reconcile(ctx context.Context, r *controller.Request) error {
	w := work{groups: r.Flags.True(flags.AzureSubnetsNSG), services: r.Flags.True(flags.AzureSubnetsServiceEndpoints) && len(r.Cluster.Spec.GatewayDomains) == 0}
	if !w.groups && !w.services {
		return nil
	}
	var err error
	if w.account, err = k.open(ctx, r.Cluster.Spec.AZEnvironment); err != nil {
		return err
	}
	subnets, err := azureclient.Subnets(ctx, r.Client, r.Cluster.Spec.ResourceID)
	if err != nil {
		return err
	}
	var failed []error
	for _, s := range subnets {
		failed = append(failed, w.keep(ctx, r, s))
	}
	r.Again(again)
	return errors.Join(failed...)
}

// work is what has to be right.
type work struct {
	account          *azureclient.Account
	groups, services bool
}

// keep puts a subnet right with one write at most.
func (w work) keep(ctx context.Context, r *controller.Request, s azureclient.Subnet) error {
	subnetClient, err := w.account.SubnetClient(s.ID)
	if err != nil {
		return err
	}
	subnet, err := azureclient.ReadSubnet(ctx, subnetClient, s.ID)
	if err != nil || subnet == nil {
		return err
	}
	group := ""
	if w.groups {
		if group, err = groupID(r.Cluster.Spec, s.Master); err != nil {
			return err
		}
	}
	regrouped := w.groups && setGroup(subnet.Properties, group)
	if extended := w.services && addEndpoints(subnet.Properties); !regrouped && !extended {
		return nil
	}
	// If another client changed the subnet meanwhile, the next reconcile reads the new state.
	guarded := ifMatch(ctx, subnet.Etag)
	poller, err := subnetClient.BeginCreateOrUpdate(guarded, s.ID.ResourceGroupName, s.ID.Parent.Name, s.ID.Name, *subnet, nil)
	if err == nil {
		_, err = poller.PollUntilDone(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("write the subnet %s: %w", s.ID, err)
	}
	r.Log.InfoContext(ctx, "subnet is put right", "subnet", s.ID.String(), "group", regrouped)
	if !regrouped {
		return nil
	}
	note := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, noted, time.Now().UTC().Format(time.RFC1123))
	cluster := &arov1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: r.Cluster.Name}}
	if err := r.Patch(ctx, cluster, client.RawPatch(types.MergePatchType, []byte(note))); err != nil {
		return fmt.Errorf("note the change of the subnet: %w", err)
	}
	return nil
}

// groupID is the network security group of a subnet.
func groupID(c arov1alpha1.ClusterSpec, masters bool) (string, error) {
	suffix := "-nsg"
	switch {
	case c.ArchitectureVersion == 1:
	case c.ArchitectureVersion == 0 && masters:
		suffix = "-controlplane-nsg"
	case c.ArchitectureVersion == 0:
		suffix = "-node-nsg"
	default:
		return "", fmt.Errorf("spec.architectureVersion %d of the Cluster is not known", c.ArchitectureVersion)
	}
	return c.ClusterResourceGroupID + "/providers/Microsoft.Network/networkSecurityGroups/" + c.InfraID + suffix, nil
}

func setGroup(p *armnetwork.SubnetPropertiesFormat, id string) (changed bool) {
	if have := p.NetworkSecurityGroup; have != nil && have.ID != nil && arm.EqualFold(*have.ID, id) {
		return false
	}
	p.NetworkSecurityGroup = &armnetwork.SecurityGroup{ID: &id}
	return true
}

func addEndpoints(p *armnetwork.SubnetPropertiesFormat) (changed bool) {
	for _, service := range endpoints {
		if hasEndpoint(p.ServiceEndpoints, service) {
			continue
		}
		everywhere := "*"
		p.ServiceEndpoints = append(p.ServiceEndpoints, &armnetwork.ServiceEndpointPropertiesFormat{Service: &service, Locations: []*string{&everywhere}})
		changed = true
	}
	return changed
}

func hasEndpoint(all []*armnetwork.ServiceEndpointPropertiesFormat, service string) bool {
	for _, e := range all {
		if e != nil && e.Service != nil && arm.EqualFold(*e.Service, service) &&
			e.ProvisioningState != nil && arm.EqualFold(string(*e.ProvisioningState), string(armnetwork.ProvisioningStateSucceeded)) {
			return true
		}
	}
	return false
}

// ifMatch makes a write depend on what was read.
func ifMatch(ctx context.Context, etag *string) context.Context {
	if etag == nil {
		return ctx
	}
	return azureclient.WithHeader(ctx, http.Header{"If-Match": []string{*etag}})
}
