// Package azure is how the service reaches Azure: which cloud, as whom, with
// which clients, how often it tries, and what Azure's errors mean to a customer.
//
// It offers the official SDK's clients and hides none of them. What is done with
// them is not its business: that is package cluster's and package preflight's.
package azure

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dns/armdns"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armfeatures"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/env"
)

// Cloud is where an Azure answers: one of Microsoft's, or any that describes
// itself at /metadata/endpoints. Find it with FindCloud.
type Cloud struct {
	// Name as the SDKs and OpenShift know it, such as AzurePublicCloud.
	Name string
	cloud.Configuration
	// Graph is the base URL of Microsoft Graph, such as https://graph.microsoft.com.
	Graph string
	// CheckAccess is the URL of the permission check, with {location} in it.
	CheckAccess string
	// StorageSuffix and VaultSuffix are DNS suffixes; a custom cloud may have other URL shapes.
	StorageSuffix, VaultSuffix string
	// Custom clouds need instance discovery off and answer with one audience of their own.
	Custom bool
}

// Options are what a Azure needs.
type Options struct {
	Cloud       Cloud
	Environment *env.Environment
	// Transport reaches the cloud; its CA pool is the process's.
	Transport *http.Client
	// Service is the service's own identity.
	Service azcore.TokenCredential
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Clients are the SDK's clients of one subscription, acting as one identity.
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
	NatGateways         *armnetwork.NatGatewaysClient
	LoadBalancers       *armnetwork.LoadBalancersClient
	PublicIPs           *armnetwork.PublicIPAddressesClient
	Interfaces          *armnetwork.InterfacesClient
	PrivateEndpoints    *armnetwork.PrivateEndpointsClient
	PrivateLinkServices *armnetwork.PrivateLinkServicesClient
	NetworkUsages       *armnetwork.UsagesClient
	PrivateZones        *armprivatedns.PrivateZonesClient
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
	Permissions     *armauthorization.PermissionsClient

	Identities           *armmsi.UserAssignedIdentitiesClient
	FederatedCredentials *armmsi.FederatedIdentityCredentialsClient
}

// correlation is how a request's correlation id reaches the SDK's calls.
type correlation struct{}

// WithCorrelation makes all calls to Azure under ctx carry the correlation id of
// the request that began the operation.
func WithCorrelation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlation{}, id)
}
