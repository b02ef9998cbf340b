package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/msi-dataplane/pkg/dataplane"
	"github.com/go-logr/logr"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

// errNoCredentials means that the vault has no usable credentials.
var errNoCredentials = errors.New("the vault holds no credentials of the cluster's identity")

// FetchClusterIdentity stores credentials of the cluster's identity in the identity
// vault, and renews them when they are due.
func (a *Azure) FetchClusterIdentity(ctx context.Context, c *model.Cluster) error {
	id, err := identityID(c)
	if err != nil {
		return err
	}
	vault, err := a.Secrets(a.env.IdentityVault, a.service)
	if err != nil {
		return err
	}
	name := dataplane.IdentifierForManagedIdentityCredentials(c.Internal.UID)
	stored, err := vault.GetSecret(ctx, name, "", nil)
	switch {
	case err != nil && !NotFound(err):
		return fmt.Errorf("cluster identity: %w", err)
	case err == nil:
		held, err := credentialsIn(stored.Value, id)
		if err == nil && !renewable(stored.Tags, time.Now()) && isOf(held, c.Internal.TenantID) {
			return nil
		}
	}
	fresh, err := a.fetchIdentity(ctx, c, id)
	if err != nil {
		return err
	}
	_, parameters, err := dataplane.FormatManagedIdentityCredentialsForStorage(c.Internal.UID, *fresh)
	if err != nil {
		return fmt.Errorf("cluster identity: %w", err)
	}
	_, err = vault.SetSecret(ctx, name, parameters, nil)
	if Conflict(err) {
		reclaim(ctx, vault, name)
	}
	if err != nil {
		return fmt.Errorf("cluster identity: %w", err)
	}
	return nil
}

// reclaim frees the name of a secret that was deleted in the vault, which keeps it:
// the secret is recovered or, without the permission, purged. Both take the vault
// some time; the caller has to try again.
func reclaim(ctx context.Context, vault *azsecrets.Client, name string) {
	if _, err := vault.RecoverDeletedSecret(ctx, name, nil); Forbidden(err) {
		_, _ = vault.PurgeDeletedSecret(ctx, name, nil)
	}
}

// isOf reports whether credentials are of the tenant that the cluster's
// subscription is in now: it may have moved.
func isOf(held dataplane.UserAssignedIdentityCredentials, tenant string) bool {
	return held.TenantID == nil || tenant == "" || arm.EqualFold(*held.TenantID, tenant)
}

// renewable reports whether credentials are due for renewal. Expired ones can be
// renewed as well, because the service uses its own certificate.
func renewable(tags map[string]*string, now time.Time) bool {
	tag := tags[dataplane.RenewAfterKeyVaultTag]
	if tag == nil {
		return true
	}
	from, err := time.Parse(time.RFC3339, *tag)
	return err != nil || now.After(from)
}

// ClusterIdentity returns the credential of the cluster's identity.
// FetchClusterIdentity must be called before.
func (a *Azure) ClusterIdentity(ctx context.Context, c *model.Cluster) (azcore.TokenCredential, error) {
	id, err := identityID(c)
	if err != nil {
		return nil, err
	}
	vault, err := a.Secrets(a.env.IdentityVault, a.service)
	if err != nil {
		return nil, err
	}
	stored, err := vault.GetSecret(ctx, dataplane.IdentifierForManagedIdentityCredentials(c.Internal.UID), "", nil)
	if err != nil {
		return nil, fmt.Errorf("cluster identity: %w", err)
	}
	found, err := credentialsIn(stored.Value, id)
	if err != nil {
		return nil, err
	}
	credential, err := dataplane.GetCredential(a.options(entra), found)
	if err != nil {
		return nil, fmt.Errorf("cluster identity: %w", err)
	}
	return acting{credential, clusterIdentity, id, c.Internal.TenantID}, nil
}

// ClusterIdentityIDs reads the ids of the cluster's identity from the data plane.
func (a *Azure) ClusterIdentityIDs(ctx context.Context, c *model.Cluster) (clientID, principalID string, err error) {
	id, err := identityID(c)
	if err != nil {
		return "", "", err
	}
	answer, err := a.fetchIdentity(ctx, c, id)
	if err != nil {
		return "", "", err
	}
	found := answer.ExplicitIdentities[0]
	if found.ClientID == nil || found.ObjectID == nil {
		return "", "", errors.New("cluster identity: the data plane gave no ids")
	}
	return *found.ClientID, *found.ObjectID, nil
}

// ForgetClusterIdentity removes the credentials from the vault; absent ones are not
// an error.
func (a *Azure) ForgetClusterIdentity(ctx context.Context, uid string) error {
	vault, err := a.Secrets(a.env.IdentityVault, a.service)
	if err != nil {
		return err
	}
	if _, err := vault.DeleteSecret(ctx, dataplane.IdentifierForManagedIdentityCredentials(uid), &azsecrets.DeleteSecretOptions{}); err != nil && !NotFound(err) {
		return fmt.Errorf("cluster identity: %w", err)
	}
	return nil
}

// fetchIdentity reads the identity's credentials from the data plane. The result
// has exactly that one.
func (a *Azure) fetchIdentity(ctx context.Context, c *model.Cluster, id string) (*dataplane.ManagedIdentityCredentials, error) {
	if c.Identity.IdentityURL == "" {
		return nil, errors.New("cluster identity: Azure Resource Manager gave no URL for it")
	}
	// Values that were stored before hosts were checked are checked here: the call
	// carries the service's own credential.
	if err := model.IdentityHosts(a.env.IdentityHosts).Check(c.Identity.IdentityURL); err != nil {
		return nil, fmt.Errorf("cluster identity: the URL that Azure Resource Manager gave for it is not usable: %w", err)
	}
	quiet, o := logr.Discard(), a.options(identities)
	client, err := dataplane.NewClientFactory(a.FirstParty(a.env.TenantID), a.env.MSIAudience, &o, dataplane.WithClientLogger(&quiet)).NewClient(c.Identity.IdentityURL)
	if err != nil {
		return nil, fmt.Errorf("cluster identity: %w", err)
	}
	answer, err := client.GetUserAssignedIdentitiesCredentials(ctx, dataplane.UserAssignedIdentitiesRequest{IdentityIDs: []string{id}})
	if err != nil {
		return nil, fmt.Errorf("cluster identity: %w", err)
	}
	if len(answer.ExplicitIdentities) != 1 {
		return nil, fmt.Errorf("cluster identity: the data plane returned %d identities instead of one", len(answer.ExplicitIdentities))
	}
	return answer, nil
}

// identityID returns the resource id of the cluster's identity.
func identityID(c *model.Cluster) (string, error) {
	if c.Identity == nil || len(c.Identity.UserAssignedIdentities) != 1 {
		return "", errors.New("the cluster has not exactly one identity")
	}
	return slices.Collect(maps.Keys(c.Identity.UserAssignedIdentities))[0], nil
}

// credentialsIn returns the credentials of an identity in a secret's text.
func credentialsIn(text *string, id string) (dataplane.UserAssignedIdentityCredentials, error) {
	var all dataplane.ManagedIdentityCredentials
	if text == nil || json.Unmarshal([]byte(*text), &all) != nil {
		return dataplane.UserAssignedIdentityCredentials{}, errNoCredentials
	}
	for _, one := range all.ExplicitIdentities {
		if one.ResourceID != nil && arm.EqualFold(*one.ResourceID, id) && one.ClientSecret != nil {
			return one, nil
		}
	}
	return dataplane.UserAssignedIdentityCredentials{}, errNoCredentials
}
