// Package storageaccounts keeps the cluster's storage accounts open to its subnets.
package storageaccounts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"
	imageregistryv1 "github.com/openshift/api/imageregistry/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/operator/azureclient"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	service = "Microsoft.Storage"
	again   = time.Hour
)

// New is the controller.
func New(open azureclient.Opener) controller.Spec {
	k := keeper{open}
	role := func(o client.Object) string { return strings.ToLower(o.GetLabels()[azureclient.RoleLabel]) }
	return controller.Spec{
		Name: "StorageAccounts",
		Summary: "Adds the subnets of the cluster and of the service to the network rules of the cluster's two storage accounts, that of the service and that of the image " +
			"registry. Never removes one. Looks once an hour and when machines change.",
		Flag: flags.StorageAccounts,
		Watches: []controller.Watch{
			{Kind: machinev1beta1.GroupVersion.WithKind("Machine"), Namespace: azureclient.MachineNamespace, Spec: true, Matches: func(o client.Object) bool { return role(o) == "master" }},
			{Kind: machinev1beta1.GroupVersion.WithKind("MachineSet"), Namespace: azureclient.MachineNamespace, Spec: true, Matches: func(o client.Object) bool { return role(o) == "worker" }},
		},
		Rules:     []controller.Rule{{PolicyRule: controller.ResourceRule("get", imageregistryv1.GroupVersion.Group, "configs", "cluster")}},
		Reconcile: k.reconcile,
	}
}

type keeper struct{ open azureclient.Opener }

func (k keeper) reconcile(ctx context.Context, r *controller.Request) error {
	account, err := k.open(ctx, r.Cluster.Spec.AZEnvironment)
	if err != nil {
		return err
	}
	subnets, err := wanted(ctx, r, account)
	if err != nil {
		return err
	}
	registry := &imageregistryv1.Config{ObjectMeta: metav1.ObjectMeta{Name: "cluster"}}
	if err := r.Read(ctx, registry); err != nil {
		return err
	}
	if registry.Spec.Storage.Azure == nil {
		return errors.New("the image registry does not keep its images in Azure: spec.storage.azure of its Config is not set")
	}
	group, err := azarm.ParseResourceID(r.Cluster.Spec.ClusterResourceGroupID)
	if err != nil {
		return fmt.Errorf("spec.clusterResourceGroupId of the Cluster: %w", err)
	}
	accounts, err := armstorage.NewAccountsClient(group.SubscriptionID, account.Credential, account.Options)
	if err != nil {
		return err
	}
	r.Again(again)
	var failed []error
	for _, name := range []string{"cluster" + r.Cluster.Spec.StorageSuffix, registry.Spec.Storage.Azure.AccountName} {
		failed = append(failed, admit(ctx, accounts, group.ResourceGroupName, name, subnets))
	}
	return errors.Join(failed...)
}

// wanted returns the subnets that need the accounts: the service's, and those of the cluster that
// have service endpoints for storage.
func wanted(ctx context.Context, r *controller.Request, account *azureclient.Account) ([]string, error) {
	ids := slices.Clone(r.Cluster.Spec.ServiceSubnets)
	subnets, err := azureclient.Subnets(ctx, r.Client, r.Cluster.Spec.ResourceID)
	if err != nil {
		return nil, err
	}
	for _, s := range subnets {
		c, err := account.SubnetClient(s.ID)
		if err != nil {
			return nil, err
		}
		subnet, err := azureclient.ReadSubnet(ctx, c, s.ID)
		if err != nil {
			return nil, err
		}
		if subnet != nil && reachesStorage(subnet.Properties, r.Cluster.Spec.Location) {
			ids = append(ids, s.ID.String())
		}
	}
	return ids, nil
}

func reachesStorage(p *armnetwork.SubnetPropertiesFormat, location string) bool {
	for _, e := range p.ServiceEndpoints {
		if e == nil || e.Service == nil || *e.Service != service {
			continue
		}
		for _, l := range e.Locations {
			if l != nil && (*l == "*" || arm.EqualFold(*l, location)) {
				return true
			}
		}
	}
	return false
}

// admit adds the subnets that an account does not admit yet.
func admit(ctx context.Context, c *armstorage.AccountsClient, group, name string, subnets []string) error {
	answer, err := c.GetProperties(ctx, group, name, nil)
	if err != nil {
		return fmt.Errorf("read the storage account %s: %w", name, err)
	}
	rules := &armstorage.NetworkRuleSet{}
	if answer.Properties != nil && answer.Properties.NetworkRuleSet != nil {
		rules = answer.Properties.NetworkRuleSet
	}
	if rules.DefaultAction == nil { // required, and what an account without rules does
		allow := armstorage.DefaultActionAllow
		rules.DefaultAction = &allow
	}
	before := len(rules.VirtualNetworkRules)
	for _, id := range subnets {
		if !slices.ContainsFunc(rules.VirtualNetworkRules, func(r *armstorage.VirtualNetworkRule) bool {
			return r != nil && r.VirtualNetworkResourceID != nil && arm.EqualFold(*r.VirtualNetworkResourceID, id)
		}) {
			allow := "Allow"
			rules.VirtualNetworkRules = append(rules.VirtualNetworkRules, &armstorage.VirtualNetworkRule{VirtualNetworkResourceID: &id, Action: &allow})
		}
	}
	if len(rules.VirtualNetworkRules) == before {
		return nil
	}
	_, err = c.Update(ctx, group, name, armstorage.AccountUpdateParameters{Properties: &armstorage.AccountPropertiesUpdateParameters{NetworkRuleSet: rules}}, nil)
	if err != nil {
		return fmt.Errorf("write the storage account %s: %w", name, err)
	}
	return nil
}
