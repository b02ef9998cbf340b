package azure

import (
	"errors"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	checkaccess "github.com/Azure/checkaccess-v2-go-sdk/client"
)

// Blobs returns a client of a storage account's blob service with the credential
// cred.
func (a *Azure) Blobs(serviceURL string, cred azcore.TokenCredential) (*azblob.Client, error) {
	return azblob.NewClient(serviceURL, cred, &azblob.ClientOptions{ClientOptions: a.options(blob)})
}

// BlobsWithSAS returns a client of a storage account's blob service with a shared
// access signature, which is the query of a URL, with or without its question mark.
func (a *Azure) BlobsWithSAS(serviceURL, sas string) (*azblob.Client, error) {
	u, err := url.Parse(serviceURL)
	if err != nil {
		return nil, errors.New("the URL of the blob service is invalid") // the error would contain the signature
	}
	u.RawQuery = strings.TrimPrefix(sas, "?")
	return azblob.NewClientWithNoCredential(u.String(), &azblob.ClientOptions{ClientOptions: a.options(blob)})
}

// Secrets returns a client of a key vault's secrets.
func (a *Azure) Secrets(vaultURL string, cred azcore.TokenCredential) (*azsecrets.Client, error) {
	return azsecrets.NewClient(vaultURL, cred, &azsecrets.ClientOptions{
		ClientOptions: a.options(vault), DisableChallengeResourceVerification: a.cloud.Custom})
}

// Certificates returns a client of a key vault's certificates.
func (a *Azure) Certificates(vaultURL string, cred azcore.TokenCredential) (*azcertificates.Client, error) {
	return azcertificates.NewClient(vaultURL, cred, &azcertificates.ClientOptions{
		ClientOptions: a.options(vault), DisableChallengeResourceVerification: a.cloud.Custom})
}

// CheckAccess returns a client of the permission check, as the first-party
// application.
func (a *Azure) CheckAccess(location string) (checkaccess.RemotePDPClient, error) {
	endpoint := strings.ReplaceAll(a.cloud.CheckAccess, "{location}", strings.ToLower(location))
	o := a.options(permissions)
	return checkaccess.NewRemotePDPClient(endpoint, a.cloud.CheckAccessAudience+"/.default", a.FirstParty(a.env.TenantID), &o)
}
