package azure

import (
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dns/armdns"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armfeatures"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"
)

// Clients are the SDK's clients of one subscription with one identity.
type Clients struct {
	Subscription string
	Credential   azcore.TokenCredential

	Groups      *armresources.ResourceGroupsClient
	Resources   *armresources.Client
	Deployments *armresources.DeploymentsClient
	Operations  *armresources.DeploymentOperationsClient
	Providers   *armresources.ProvidersClient
	Features    *armfeatures.Client

	VirtualNetworks     *armnetwork.VirtualNetworksClient
	Subnets             *armnetwork.SubnetsClient
	SecurityGroups      *armnetwork.SecurityGroupsClient
	RouteTables         *armnetwork.RouteTablesClient
	LoadBalancers       *armnetwork.LoadBalancersClient
	PublicIPs           *armnetwork.PublicIPAddressesClient
	Interfaces          *armnetwork.InterfacesClient
	PrivateEndpoints    *armnetwork.PrivateEndpointsClient
	PrivateLinkServices *armnetwork.PrivateLinkServicesClient
	NetworkUsages       *armnetwork.UsagesClient
	ZoneLinks           *armprivatedns.VirtualNetworkLinksClient
	RecordSets          *armdns.RecordSetsClient

	VirtualMachines    *armcompute.VirtualMachinesClient
	Disks              *armcompute.DisksClient
	DiskEncryptionSets *armcompute.DiskEncryptionSetsClient
	SKUs               *armcompute.ResourceSKUsClient
	ComputeUsages      *armcompute.UsageClient

	StorageAccounts *armstorage.AccountsClient

	RoleAssignments *armauthorization.RoleAssignmentsClient
	RoleDefinitions *armauthorization.RoleDefinitionsClient

	Identities           *armmsi.UserAssignedIdentitiesClient
	FederatedCredentials *armmsi.FederatedIdentityCredentialsClient

	pollEvery time.Duration
}

// Clients returns the clients of one subscription with the credential cred.
func (a *Azure) Clients(subscription string, cred azcore.TokenCredential) (*Clients, error) {
	c := &Clients{Subscription: subscription, Credential: cred, pollEvery: a.env.PollEvery()}
	for _, fill := range []func(*Clients) error{a.fillResources, a.fillNetwork, a.fillCompute, a.fillIdentity} {
		if err := fill(c); err != nil {
			return nil, fmt.Errorf("clients of subscription %s: %w", subscription, err)
		}
	}
	return c, nil
}

func (a *Azure) fillResources(c *Clients) error {
	resources, err := armresources.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	features, err := armfeatures.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	storage, err := armstorage.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	c.Groups = resources.NewResourceGroupsClient()
	c.Resources = resources.NewClient()
	c.Deployments = resources.NewDeploymentsClient()
	c.Operations = resources.NewDeploymentOperationsClient()
	c.Providers = resources.NewProvidersClient()
	c.Features = features.NewClient()
	c.StorageAccounts = storage.NewAccountsClient()
	return nil
}

func (a *Azure) fillNetwork(c *Clients) error {
	network, err := armnetwork.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	private, err := armprivatedns.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	dns, err := armdns.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	c.VirtualNetworks = network.NewVirtualNetworksClient()
	c.Subnets = network.NewSubnetsClient()
	c.SecurityGroups = network.NewSecurityGroupsClient()
	c.RouteTables = network.NewRouteTablesClient()
	c.LoadBalancers = network.NewLoadBalancersClient()
	c.PublicIPs = network.NewPublicIPAddressesClient()
	c.Interfaces = network.NewInterfacesClient()
	c.PrivateEndpoints = network.NewPrivateEndpointsClient()
	c.PrivateLinkServices = network.NewPrivateLinkServicesClient()
	c.NetworkUsages = network.NewUsagesClient()
	c.ZoneLinks = private.NewVirtualNetworkLinksClient()
	c.RecordSets = dns.NewRecordSetsClient()
	return nil
}

func (a *Azure) fillCompute(c *Clients) error {
	compute, err := armcompute.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	c.VirtualMachines = compute.NewVirtualMachinesClient()
	c.Disks = compute.NewDisksClient()
	c.DiskEncryptionSets = compute.NewDiskEncryptionSetsClient()
	c.SKUs = compute.NewResourceSKUsClient()
	c.ComputeUsages = compute.NewUsageClient()
	return nil
}

func (a *Azure) fillIdentity(c *Clients) error {
	authorization, err := armauthorization.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	msi, err := armmsi.NewClientFactory(c.Subscription, c.Credential, a.armOptions())
	if err != nil {
		return err
	}
	c.RoleAssignments = authorization.NewRoleAssignmentsClient()
	c.RoleDefinitions = authorization.NewRoleDefinitionsClient()
	c.Identities = msi.NewUserAssignedIdentitiesClient()
	c.FederatedCredentials = msi.NewFederatedIdentityCredentialsClient()
	return nil
}
