// Package clouds finds Azure clouds: where they answer, and how their names end. It uses no client of Azure,
// so that a program that only needs a cloud's description is not linked with all of them.
package clouds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// Cloud describes an Azure cloud: one of Microsoft's, or one with a description at
// /metadata/endpoints. Find returns it.
type Cloud struct {
	// Name in the SDKs and OpenShift, such as AzurePublicCloud.
	Name string
	cloud.Configuration
	// Graph is the base URL of Microsoft Graph, such as https://graph.microsoft.com.
	Graph string
	// CheckAccess is the URL of the permission check, with {location} in it, and
	// CheckAccessAudience the audience of its tokens.
	CheckAccess, CheckAccessAudience string
	// StorageSuffix and VaultSuffix are DNS suffixes; a custom cloud may have URLs of another
	// form.
	StorageSuffix, VaultSuffix string
	// Custom clouds are unknown to Entra ID's instance discovery, and the hosts of
	// their vaults need not be below the audience of their tokens.
	Custom bool
}

const (
	checkAccessPath = "/providers/Microsoft.Authorization/checkAccess?api-version=2021-06-01-preview"
	metadataPath    = "/metadata/endpoints?api-version=2022-09-01"
	// maxMetadata bounds the description of a cloud, in bytes.
	maxMetadata = 1 << 20
)

// Find returns the cloud public or usgovernment, or the one that describes
// itself at an https URL.
func Find(ctx context.Context, name string, transport *http.Client) (Cloud, error) {
	switch strings.ToLower(name) {
	case "public":
		return Cloud{
			Name: "AzurePublicCloud", Configuration: cloud.AzurePublic, Graph: "https://graph.microsoft.com",
			CheckAccess:         "https://{location}.authorization.azure.net" + checkAccessPath,
			CheckAccessAudience: "https://authorization.azure.net",
			StorageSuffix:       "core.windows.net", VaultSuffix: "vault.azure.net",
		}, nil
	case "usgovernment":
		return Cloud{
			Name: "AzureUSGovernmentCloud", Configuration: cloud.AzureGovernment, Graph: "https://graph.microsoft.us",
			CheckAccess:         "https://{location}.authorization.azure.us" + checkAccessPath,
			CheckAccessAudience: "https://authorization.azure.us",
			StorageSuffix:       "core.usgovcloudapi.net", VaultSuffix: "vault.usgovcloudapi.net",
		}, nil
	}
	c, err := discover(ctx, name, transport)
	if err != nil {
		return Cloud{}, fmt.Errorf("cloud %q: %w", name, err)
	}
	return c, nil
}

// metadata is the part of a cloud's description that the service uses.
type metadata struct {
	Name            string `json:"name"`
	ResourceManager string `json:"resourceManager"`
	Authentication  struct {
		LoginEndpoint string   `json:"loginEndpoint"`
		Audiences     []string `json:"audiences"`
	} `json:"authentication"`
	Graph          string `json:"graph"`
	MicrosoftGraph string `json:"microsoftGraphResourceId"`
	CheckAccess    string `json:"checkAccess"`
	Suffixes       struct {
		Storage string `json:"storage"`
		Vault   string `json:"keyVaultDns"`
	} `json:"suffixes"`
}

func discover(ctx context.Context, name string, transport *http.Client) (Cloud, error) {
	u, err := url.Parse(name)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return Cloud{}, errors.New("use public, usgovernment or an https URL")
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(name, "/")+metadataPath, nil)
	if err != nil {
		return Cloud{}, err
	}
	resp, err := transport.Do(req)
	if err != nil {
		return Cloud{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return Cloud{}, fmt.Errorf("its description answers %s", resp.Status)
	}
	var m metadata
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxMetadata)).Decode(&m); err != nil {
		return Cloud{}, fmt.Errorf("its description cannot be read: %w", err)
	}
	return m.cloud()
}

// cloud converts a description to a Cloud, or returns what it lacks.
func (m metadata) cloud() (Cloud, error) {
	if m.MicrosoftGraph == "" {
		m.MicrosoftGraph = m.Graph
	}
	var missing []string
	for _, need := range []struct{ key, value string }{
		{"resourceManager", m.ResourceManager}, {"authentication.loginEndpoint", m.Authentication.LoginEndpoint},
		{"authentication.audiences", strings.Join(m.Authentication.Audiences, "")},
		{"microsoftGraphResourceId", m.MicrosoftGraph}, {"checkAccess", m.CheckAccess},
	} {
		if need.value == "" {
			missing = append(missing, need.key)
		}
	}
	if len(missing) > 0 {
		return Cloud{}, fmt.Errorf("its description lacks %s", strings.Join(missing, ", "))
	}
	audience := strings.TrimRight(m.Authentication.Audiences[0], "/")
	return Cloud{
		Name: m.Name,
		Configuration: cloud.Configuration{
			ActiveDirectoryAuthorityHost: strings.TrimRight(m.Authentication.LoginEndpoint, "/") + "/",
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: strings.TrimRight(m.ResourceManager, "/"), Audience: audience},
			},
		},
		Graph:       strings.TrimRight(m.MicrosoftGraph, "/"),
		CheckAccess: m.CheckAccess, CheckAccessAudience: audience,
		StorageSuffix: m.Suffixes.Storage, VaultSuffix: m.Suffixes.Vault,
		Custom: true,
	}, nil
}

// ARMScope returns the scope of tokens for Azure Resource Manager.
func (c Cloud) ARMScope() string {
	return strings.TrimRight(c.Services[cloud.ResourceManager].Audience, "/") + "/.default"
}
