package cloud

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	identityType  = "Microsoft.ManagedIdentity/userAssignedIdentities"
	federatedType = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
	vaultType     = "Microsoft.KeyVault/vaults"

	// maxFederated is how many federated credentials an identity has at most.
	maxFederated = 20
)

// identityTypes are managed identities, whose principals the directory keeps.
func (a *Azure) identityTypes() {
	a.Engine.Register(identityType, resources.Behaviour{
		Stateless: true,
		Put: func(ctx context.Context, c *resources.Change) error {
			client, principal, err := a.Entra.CreateIdentity(ctx, c.New.ID)
			if err != nil {
				return err
			}
			c.New.Properties = map[string]any{"tenantId": TenantID, "clientId": client, "principalId": principal}
			return nil
		},
		Deleted: func(ctx context.Context, r *resources.Resource) error { return a.Entra.DeleteIdentity(ctx, r.ID) },
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Etag = ""
			// The real service writes this segment in lower case.
			r.ID = strings.Replace(r.ID, "/resourceGroups/", "/resourcegroups/", 1)
			return nil
		},
	})
	a.Engine.Register(federatedType, resources.Behaviour{Stateless: true, Put: a.putFederated, Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
		r.Etag = ""
		r.ID = strings.Replace(r.ID, "/resourceGroups/", "/resourcegroups/", 1)
		return nil
	}})
}

func (a *Azure) putFederated(ctx context.Context, c *resources.Change) error {
	audiences, _ := c.New.Get("audiences").([]any)
	if c.New.Text("issuer") == "" || c.New.Text("subject") == "" || len(audiences) != 1 {
		return refuse("InvalidParameter", "A federated identity credential needs an issuer, a subject and exactly one audience.")
	}
	id, err := resources.Parse(c.New.ID)
	if err != nil {
		return err
	}
	others, err := a.Engine.Below(ctx, id.Parent(), federatedType)
	if err != nil {
		return err
	}
	for _, other := range others {
		if !arm.EqualFold(other.Name, c.New.Name) && other.Text("issuer") == c.New.Text("issuer") && other.Text("subject") == c.New.Text("subject") {
			return resources.Refuse(http.StatusConflict, "Conflict", "Issuer and subject combination already exists for this Managed Identity.")
		}
	}
	if c.Old == nil && len(others) >= maxFederated {
		return refuse("TooManyFederatedIdentityCredentials", "Too many Federated Identity Credentials are configured on the identity; the limit is %d.", maxFederated)
	}
	return nil
}

// vaultName is what DNS allows of the name of a vault.
var vaultName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$`)

// vaultTypes are key vaults; what is in them is the data plane's.
func (a *Azure) vaultTypes() {
	a.Engine.Register(vaultType, resources.Behaviour{
		Deleted: func(ctx context.Context, r *resources.Resource) error { return a.Vault.DeleteVault(ctx, r.Name) },
		Put: func(ctx context.Context, c *resources.Change) error {
			if !vaultName.MatchString(c.New.Name) {
				return refuse("VaultNameNotValid", "The vault name '%s' is invalid. A vault's name must be between 3-24 alphanumeric characters.", c.New.Name)
			}
			other, taken, err := a.named(ctx, vaultType, c.New.Name)
			if err != nil {
				return err
			}
			if taken && resources.Key(other) != resources.Key(c.New.ID) {
				return resources.Refuse(http.StatusConflict, "VaultAlreadyExists", "The vault name '%s' is already in use.", c.New.Name)
			}
			c.New.Default(TenantID, "tenantId")
			c.New.Default(map[string]any{"family": "A", "name": "standard"}, "sku")
			c.New.Default(true, "enableRbacAuthorization")
			c.New.Default(true, "enableSoftDelete")
			c.New.Default([]any{}, "accessPolicies")
			return nil
		},
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Set(a.Origin+"/vaults/"+strings.ToLower(r.Name)+"/", "vaultUri")
			return nil
		},
	})
}
