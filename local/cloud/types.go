package cloud

import (
	"context"
	"net/http"
	"net/url"
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
		Located:   true,
		Put: func(ctx context.Context, c *resources.Change) error {
			client, principal, err := a.Entra.CreateIdentity(ctx, c.New.ID)
			if err != nil {
				return err
			}
			c.New.Properties = map[string]any{"tenantId": TenantID, "clientId": client, "principalId": principal, "isolationScope": "None"}
			return nil
		},
		Deleted: func(ctx context.Context, r *resources.Resource) error { return a.Entra.DeleteIdentity(ctx, r.ID) },
		Actions: map[string]resources.Action{"listAssociatedResources": {Run: a.associated}},
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Etag = ""
			// The real service writes this segment in lower case.
			r.ID = strings.Replace(r.ID, "/resourceGroups/", "/resourcegroups/", 1)
			tagged(r)
			return nil
		},
	})
	a.Engine.Register(federatedType, resources.Behaviour{Stateless: true, Located: true, Put: a.putFederated, Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
		r.Etag = ""
		r.ID = strings.Replace(r.ID, "/resourceGroups/", "/resourcegroups/", 1)
		return nil
	}})
}

// associated lists the resources that have an identity.
func (a *Azure) associated(ctx context.Context, identity *resources.Resource, _ *resources.Call) (any, error) {
	everything, err := a.Engine.Below(ctx, "/subscriptions", "")
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, r := range everything {
		if hasIdentity(r.Identity, identity.ID) {
			all = append(all, map[string]any{
				"id": r.ID, "name": r.Name, "type": arm.ToLower(r.Type), "resourceGroup": resources.Group(r.ID), "subscriptionId": resources.Subscription(r.ID), "subscriptionDisplayName": resources.Subscription(r.ID),
			})
		}
	}
	return map[string]any{"totalCount": len(all), "value": all}, nil
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

// tagged shows an empty set where a resource has no tags, as some types do.
func tagged(r *resources.Resource) {
	if r.Tags == nil {
		r.Tags = map[string]string{}
	}
}
