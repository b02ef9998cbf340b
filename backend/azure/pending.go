package azure

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	checkaccess "github.com/Azure/checkaccess-v2-go-sdk/client"

	"github.com/aro-rp/aro/model"
)

var errPending = errors.New("not wired yet")

// FindCloud finds public, usgovernment, or the cloud that answers at an https URL.
func FindCloud(ctx context.Context, name string, transport *http.Client) (Cloud, error) {
	return Cloud{}, errPending
}

// Azure is Azure, reached as the service.
type Azure struct{ options Options }

// New makes the clients' common ground. It calls nobody: see Load.
func New(o Options) (*Azure, error) { return &Azure{o}, nil }

// Load reads what the service needs from its vault, once at start.
func (a *Azure) Load(ctx context.Context) error { return errPending }

// Run refreshes what Load read until ctx ends.
func (a *Azure) Run(ctx context.Context) error { return errPending }

// Cloud is where a reaches to.
func (a *Azure) Cloud() Cloud { return a.options.Cloud }

// FirstParty acts as the service's first party application in a tenant.
func (a *Azure) FirstParty(tenantID string) azcore.TokenCredential { return nil }

// Service acts as the service's own identity.
func (a *Azure) Service() azcore.TokenCredential { return a.options.Service }

// ServicePrincipal acts as a customer's application.
func (a *Azure) ServicePrincipal(tenantID, clientID string, secret model.Secret) (azcore.TokenCredential, error) {
	return nil, errPending
}

// FetchClusterIdentity sees to it that the vault holds fresh credentials of the cluster's identity.
func (a *Azure) FetchClusterIdentity(ctx context.Context, c *model.Cluster) error { return errPending }

// ClusterIdentity acts as the cluster's identity; FetchClusterIdentity comes first.
func (a *Azure) ClusterIdentity(ctx context.Context, c *model.Cluster) (azcore.TokenCredential, error) {
	return nil, errPending
}

// ClusterIdentityIDs are the ids of the cluster's identity.
func (a *Azure) ClusterIdentityIDs(ctx context.Context, c *model.Cluster) (clientID, principalID string, err error) {
	return "", "", errPending
}

// ForgetClusterIdentity removes the credentials from the vault; absent ones are fine.
func (a *Azure) ForgetClusterIdentity(ctx context.Context, uid string) error { return errPending }

// Clients makes the clients of one subscription, acting as cred.
func (a *Azure) Clients(subscription string, cred azcore.TokenCredential) (*Clients, error) {
	return nil, errPending
}

// Token is cred's token for Azure Resource Manager.
func (a *Azure) Token(ctx context.Context, cred azcore.TokenCredential) (string, error) {
	return "", errPending
}

// ObjectID is the object id of whom cred acts as.
func (a *Azure) ObjectID(ctx context.Context, cred azcore.TokenCredential) (string, error) {
	return "", errPending
}

// ServicePrincipalObjectID asks Graph, as cred, for an application's service principal.
func (a *Azure) ServicePrincipalObjectID(ctx context.Context, cred azcore.TokenCredential, appID string) (string, error) {
	return "", errPending
}

// CheckAccess asks, as the first party application, what identities may do.
func (a *Azure) CheckAccess(location string) (checkaccess.RemotePDPClient, error) {
	return nil, errPending
}

// Blobs is a storage account's blob service, as cred.
func (a *Azure) Blobs(serviceURL string, cred azcore.TokenCredential) (*azblob.Client, error) {
	return nil, errPending
}

// BlobsWithSAS is a storage account's blob service with a shared access signature,
// which is the query of a URL without its question mark.
func (a *Azure) BlobsWithSAS(serviceURL, sas string) (*azblob.Client, error) { return nil, errPending }

// Secrets are a key vault's secrets.
func (a *Azure) Secrets(vaultURL string, cred azcore.TokenCredential) (*azsecrets.Client, error) {
	return nil, errPending
}

// Certificates are a key vault's certificates.
func (a *Azure) Certificates(vaultURL string, cred azcore.TokenCredential) (*azcertificates.Client, error) {
	return nil, errPending
}

// PollEvery is how often to look at a long-running operation; give it to
// PollUntilDone as runtime.PollUntilDoneOptions.Frequency.
func (a *Azure) PollEvery() time.Duration { return time.Second }

// Deploy makes a template's resources in a group, incrementally, and waits for
// them. When a deployment of that name runs already, it waits for that one.
// Parameters are bare values by name, without {"value": …}; a model.Secret is
// given to parameters of a secure type. Outputs are bare values too.
func (a *Azure) Deploy(ctx context.Context, clients *Clients, group, name string, template, parameters map[string]any) (map[string]any, error) {
	return nil, errPending
}

// Subject is whom a call to Azure was about.
type Subject struct {
	// ManagedGroup is the name of the cluster's managed resource group: what is
	// refused there is the service's trouble, not the customer's.
	ManagedGroup string
	// ClientID and ObjectID are those of the cluster's service principal; empty for
	// workload identity clusters.
	ClientID, ObjectID string
}

// SubjectOf is the subject of calls about c.
func SubjectOf(c *model.Cluster) Subject { return Subject{} }

// Explain makes of an error of Azure what a customer can act on: an *arm.Error,
// wrapped by pipeline.Again when it may cure itself. What it does not know it
// leaves alone.
func Explain(err error, about Subject) error { return err }

// NotFound tells whether err says that something does not exist.
func NotFound(err error) bool { return false }

// Conflict tells whether err says that something is in the way: 409 or 412.
func Conflict(err error) bool { return false }

// Code is the error code of Azure, or empty.
func Code(err error) string { return "" }

// Keeper holds named secrets of a key vault and keeps them fresh.
type Keeper struct{}
