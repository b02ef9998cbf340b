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

const (
	registryType    = "Microsoft.ContainerRegistry/registries"
	replicationType = "Microsoft.ContainerRegistry/registries/replications"
)

// registryName is what DNS allows of the name of a registry.
var registryName = regexp.MustCompile(`^[a-zA-Z0-9]{5,50}$`)

// registryTypes are container registries as resources. No images are behind them.
func (a *Azure) registryTypes() {
	a.Engine.Register(registryType, resources.Behaviour{Put: a.putRegistry, Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
		r.Set(strings.ToLower(r.Name)+".azurecr.io", "loginServer")
		r.Set(r.Created.Format("2006-01-02T15:04:05.0000000Z"), "creationDate")
		return nil
	}})
	a.Engine.Register(replicationType, resources.Behaviour{Put: func(ctx context.Context, c *resources.Change) error {
		c.New.Default(true, "regionEndpointEnabled")
		id, err := resources.Parse(c.New.ID)
		if err != nil {
			return err
		}
		registry, err := a.Engine.Get(ctx, id.Parent())
		if err != nil {
			return err
		}
		if registry.SKU["name"] != "Premium" {
			return refuse("ReplicationNotSupported", "The registry '%s' needs the SKU Premium for replications.", registry.Name)
		}
		return nil
	}})
	a.Engine.Route(http.MethodPost, "/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability", func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
		name, _ := call.Body["name"].(string)
		_, taken, err := a.named(ctx, registryType, name)
		body := map[string]any{"nameAvailable": !taken && registryName.MatchString(name)}
		if taken {
			body["reason"], body["message"] = "AlreadyExists", "The registry "+name+" is already in use."
		}
		return &resources.Answer{Status: http.StatusOK, Body: body}, err
	})
}

func (a *Azure) putRegistry(ctx context.Context, c *resources.Change) error {
	if !registryName.MatchString(c.New.Name) {
		return refuse("InvalidResourceName", "The registry name '%s' is invalid: use 5 to 50 letters and digits.", c.New.Name)
	}
	other, taken, err := a.named(ctx, registryType, c.New.Name)
	if err != nil {
		return err
	}
	if taken && resources.Key(other) != resources.Key(c.New.ID) {
		return resources.Refuse(http.StatusConflict, "AlreadyInUse", "The registry DNS name %s.azurecr.io is already in use.", strings.ToLower(c.New.Name))
	}
	if c.New.SKU["name"] == nil {
		return refuse("InvalidSku", "A registry needs a sku with the name Basic, Standard or Premium.")
	}
	c.New.SKU["tier"] = c.New.SKU["name"]
	for member, value := range map[string]any{"adminUserEnabled": false, "anonymousPullEnabled": false, "dataEndpointEnabled": false, "publicNetworkAccess": "Enabled"} {
		c.New.Default(value, member)
	}
	return nil
}
