package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	checkaccess "github.com/Azure/checkaccess-v2-go-sdk/client"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/pipeline"
)

// Blobs is a storage account's blob service, as cred.
func (a *Azure) Blobs(serviceURL string, cred azcore.TokenCredential) (*azblob.Client, error) {
	return azblob.NewClient(serviceURL, cred, &azblob.ClientOptions{ClientOptions: a.options(blob)})
}

// BlobsWithSAS is a storage account's blob service with a shared access signature,
// which is the query of a URL, with or without its question mark.
func (a *Azure) BlobsWithSAS(serviceURL, sas string) (*azblob.Client, error) {
	u, err := url.Parse(serviceURL)
	if err != nil {
		return nil, errors.New("the blob service's URL is none") // the error would repeat it
	}
	u.RawQuery = strings.TrimPrefix(sas, "?")
	return azblob.NewClientWithNoCredential(u.String(), &azblob.ClientOptions{ClientOptions: a.options(blob)})
}

// Secrets are a key vault's secrets.
func (a *Azure) Secrets(vaultURL string, cred azcore.TokenCredential) (*azsecrets.Client, error) {
	return azsecrets.NewClient(vaultURL, cred, &azsecrets.ClientOptions{
		ClientOptions: a.options(vault), DisableChallengeResourceVerification: a.cloud.Custom})
}

// Certificates are a key vault's certificates.
func (a *Azure) Certificates(vaultURL string, cred azcore.TokenCredential) (*azcertificates.Client, error) {
	return azcertificates.NewClient(vaultURL, cred, &azcertificates.ClientOptions{
		ClientOptions: a.options(vault), DisableChallengeResourceVerification: a.cloud.Custom})
}

// CheckAccess asks, as the first party application, what identities may do.
func (a *Azure) CheckAccess(location string) (checkaccess.RemotePDPClient, error) {
	endpoint := strings.ReplaceAll(a.cloud.CheckAccess, "{location}", strings.ToLower(location))
	o := a.options(permissions)
	return checkaccess.NewRemotePDPClient(endpoint, a.cloud.CheckAccessAudience+"/.default", a.FirstParty(a.env.TenantID), &o)
}

// ServicePrincipalObjectID asks Graph, as cred, for the object id of an
// application's service principal. One that is absent may be about to appear.
func (a *Azure) ServicePrincipalObjectID(ctx context.Context, cred azcore.TokenCredential, appID string) (string, error) {
	o := a.options(graph)
	line := runtime.NewPipeline("aro", "v1", runtime.PipelineOptions{
		PerRetry: []policy.Policy{runtime.NewBearerTokenPolicy(cred, []string{a.cloud.Graph + "/.default"}, nil)}}, &o)
	query := url.Values{"$filter": {"appId eq '" + strings.ReplaceAll(appID, "'", "''") + "'"}, "$select": {"id"}}
	req, err := runtime.NewRequest(ctx, http.MethodGet, a.cloud.Graph+"/v1.0/servicePrincipals?"+strings.ReplaceAll(query.Encode(), "+", "%20"))
	if err != nil {
		return "", err
	}
	resp, err := line.Do(req)
	if err != nil {
		return "", fmt.Errorf("service principal of %s: %w", appID, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if !runtime.HasStatusCode(resp, http.StatusOK) {
		return "", fmt.Errorf("service principal of %s: %w", appID, runtime.NewResponseError(resp))
	}
	var found struct {
		Value []struct {
			ID string `json:"id"`
		} `json:"value"`
	}
	if err := runtime.UnmarshalAsJSON(resp, &found); err != nil {
		return "", fmt.Errorf("service principal of %s: %w", appID, err)
	}
	if len(found.Value) == 0 {
		return "", pipeline.Again(arm.InvalidServicePrincipalCredentials.At(servicePrincipalTarget,
			"The application %s has no service principal in the cluster's tenant. Create one, or give the cluster another application.", appID))
	}
	return found.Value[0].ID, nil
}
