package cloud

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/access"
	"github.com/aro-rp/aro/local/cloud/blob"
	"github.com/aro-rp/aro/local/cloud/deployments"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/msgraph"
	"github.com/aro-rp/aro/local/cloud/registry"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/vault"
)

// assemble makes the services of the local Azure and the types that no other package provides.
func (a *Azure) assemble(ctx context.Context) (err error) {
	a.Entra, err = entra.New(ctx, entra.Options{
		State: a.State, Origin: a.Origin, Tenant: TenantID, Others: []string{OtherTenantID}, FirstParty: FirstPartyApplication,
		Roots: a.Authority.Pool(), Federated: a, Client: a.Client(), Assigned: a.provider.assigned, Users: users(), Now: a.Now,
	})
	if err != nil {
		return err
	}
	if a.Access, err = access.New(a.Engine, a.principal); err != nil {
		return err
	}
	a.Vault = vault.New(vault.Options{State: a.State, Origin: a.Origin, Tenant: TenantID, Tokens: a.Entra, Access: vaultAccess{a}, Vaults: a, Authority: a.Authority, Now: a.Now})
	a.Mount("/vaults/", a.Vault)
	a.Blob, err = blob.New(ctx, blob.Options{State: a.State, Dir: filepath.Join(a.Dir, "blob"), Origin: a.Origin, Tenant: TenantID, Tokens: a.Entra, Access: a.Access, Accounts: a, Now: a.Now})
	if err != nil {
		return err
	}
	a.Mount("/blob/", a.Blob)
	a.Mount(entra.MachinePrefix, http.HandlerFunc(a.Entra.ServeMachines))
	a.Mount("/graph/", msgraph.New(msgraph.Options{Entra: a.Entra, Origin: a.Origin, Tenant: TenantID, Administrators: []string{DemoApplication}, Now: a.Now}))
	a.Registry = registry.New(registry.Options{Engine: a.Engine, Dir: filepath.Join(a.Dir, "registries"), Program: a.RegistryProgram, Manager: a.Origin, Tokens: a.Entra, Access: a.Access, Now: a.Now, Log: a.Log})
	a.OnClose(a.Registry.Close)
	a.identityTypes()
	a.storageTypes()
	a.vaultTypes()
	a.lockTypes()
	a.groupRights()
	a.catalogueRoutes()
	a.activityRoutes()
	a.provider.register()
	a.deployments = deployments.New(deployments.Options{
		Engine: a.Engine, Do: a.doNoted, Permit: a.permit, Validate: a.provider.validate, Offered: a.offered, Provider: a.describeProvider, Zones: zonesOf,
		Secret: a.Vault.Secret, Fetch: a.fetch, Tenant: TenantID, Cloud: a.describe(), Log: a.Log, Now: a.Now,
	})
	return nil
}

// principal returns the principal type of an object of the directory for role assignments: users
// and groups have no roles here.
func (a *Azure) principal(ctx context.Context, objectID string) (string, bool, error) {
	_, found, err := a.Entra.Principal(ctx, objectID)
	return "ServicePrincipal", found, err
}

// FederatedCredentials are those of a managed identity, for the token endpoint.
func (a *Azure) FederatedCredentials(ctx context.Context, identity string) ([]entra.FederatedCredential, error) {
	all, err := a.Engine.Below(ctx, identity, federatedType)
	if err != nil {
		return nil, err
	}
	var credentials []entra.FederatedCredential
	for _, r := range all {
		one := entra.FederatedCredential{Issuer: r.Text("issuer"), Subject: r.Text("subject")}
		audiences, _ := r.Get("audiences").([]any)
		for _, audience := range audiences {
			if s, ok := audience.(string); ok {
				one.Audiences = append(one.Audiences, s)
			}
		}
		credentials = append(credentials, one)
	}
	return credentials, nil
}

// VaultID finds a key vault by its name.
func (a *Azure) VaultID(ctx context.Context, name string) (string, bool, error) {
	return a.named(ctx, vaultType, name)
}

// named finds a resource of a type whose names are unique in the whole cloud.
func (a *Azure) named(ctx context.Context, resourceType, name string) (string, bool, error) {
	all, err := a.Engine.Below(ctx, "/subscriptions", resourceType)
	if err != nil {
		return "", false, err
	}
	for _, r := range all {
		if arm.EqualFold(r.Name, name) {
			return r.ID, true, nil
		}
	}
	return "", false, nil
}

// groupRights gives the service's first party the rights that ARM grants on the
// groups it makes for clusters.
func (a *Azure) groupRights() {
	groups := a.Engine.Behaviour(resources.GroupType)
	groups.Kept = func(ctx context.Context, c *resources.Change) error {
		managed := strings.Contains(strings.ToLower(c.New.ManagedBy), "/providers/"+providerNamespace+"/")
		if !managed || !arm.EqualFold(c.Call.Caller.AppID, FirstPartyApplication) {
			return nil
		}
		return a.Access.Assign(ctx, c.Call.Caller.ObjectID, access.Owner, c.New.ID)
	}
	a.Engine.Register(resources.GroupType, groups)
}

// refuse is a short form.
func refuse(code, message string, args ...any) error {
	return resources.Refuse(http.StatusBadRequest, code, message, args...)
}
