package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/mirror"
)

// environmentCredential returns the Azure credential of the environment, in a cloud. tenant may be
// empty.
func environmentCredential(cloud azure.Cloud, client *http.Client, tenant string) (azcore.TokenCredential, error) {
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: azcore.ClientOptions{Cloud: cloud.Configuration, Transport: client}, TenantID: tenant, DisableInstanceDiscovery: cloud.Custom})
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	return credential, nil
}

// registryLogin returns the login to a registry: that of a pull secret, if file names one; otherwise,
// in Azure's container registries, the Azure credential of the environment.
func registryLogin(ctx context.Context, registry name.Registry, file, cloud string, client *http.Client) (authn.Keychain, error) {
	if file != "" || !mirror.IsAzure(registry) {
		login, err := mirror.ReadPullSecret(file)
		if err != nil {
			return nil, fmt.Errorf("--destination-auth: %w", err)
		}
		return login, nil
	}
	found, err := azure.FindCloud(ctx, cloud, client)
	if err != nil {
		return nil, fmt.Errorf("--cloud: %w", err)
	}
	credential, err := environmentCredential(found, client, "")
	if err != nil {
		return nil, fmt.Errorf("login to %s: %w", registry, err)
	}
	return mirror.NewAzureRegistry(registry, credential, client), nil
}
