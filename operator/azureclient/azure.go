// Package azureclient is Azure as the operator sees it: with the cluster's own identity, and
// no more of it than the subnets, storage accounts and flow logs of one cluster.
package azureclient

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/azure/clouds"
)

// Account is an identity in a cloud.
type Account struct {
	Credential azcore.TokenCredential
	Options    *arm.ClientOptions
	Graph      string
}

// Opener opens the account of the cluster's operator in the cloud of this name.
type Opener func(ctx context.Context, azEnvironment string) (*Account, error)

// Find finds a cloud by the name that the Cluster has of it.
type Find func(ctx context.Context, azEnvironment string) (clouds.Cloud, error)

// names are what package clouds calls Microsoft's clouds, by the names in Cluster objects, in lower case.
var names = map[string]string{"azurepubliccloud": "public", "azureusgovernmentcloud": "usgovernment"}

// Known finds Microsoft's clouds.
func Known(ctx context.Context, azEnvironment string) (clouds.Cloud, error) {
	name, known := names[strings.ToLower(azEnvironment)]
	if !known {
		return clouds.Cloud{}, fmt.Errorf("spec.azEnvironment %q of the Cluster is no cloud that the operator knows", azEnvironment)
	}
	return clouds.Find(ctx, name, nil)
}

// FromEnvironment takes the identity from the variables that the deployment sets, of
// which AZURE_TOKEN_CREDENTIALS must be one, so that no other identity of the node is
// used by chance.
func FromEnvironment(find Find, transport policy.Transporter) Opener {
	return func(ctx context.Context, azEnvironment string) (*Account, error) {
		c, err := find(ctx, azEnvironment)
		if err != nil {
			return nil, err
		}
		options := azcore.ClientOptions{Cloud: c.Configuration, Transport: transport}
		credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: options, RequireAzureTokenCredentials: true, DisableInstanceDiscovery: c.Custom})
		if err != nil {
			return nil, fmt.Errorf("identity in Azure: %w", err)
		}
		return &Account{Credential: credential, Options: &arm.ClientOptions{ClientOptions: options}, Graph: c.Graph}, nil
	}
}

// GraphToken is a token for Microsoft Graph.
func (open Opener) GraphToken(ctx context.Context, azEnvironment string) (string, error) {
	account, err := open(ctx, azEnvironment)
	if err != nil {
		return "", err
	}
	token, err := account.Credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{account.Graph + "/.default"}})
	return token.Token, err
}

// WithHeader adds headers to the requests of a call.
func WithHeader(ctx context.Context, header http.Header) context.Context {
	return policy.WithHTTPHeader(ctx, header)
}
