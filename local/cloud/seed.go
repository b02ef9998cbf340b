package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/cloud/access"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// secretLife is how long the secrets of the first applications hold.
const secretLife = 10 * 365 * 24 * time.Hour

// FirstPartyCertificate is the certificate in the vault aro-svc by which the first
// party proves itself, and FirstPartySubject its subject.
const (
	FirstPartyCertificate = "rp-firstparty"
	FirstPartySubject     = "firstparty.aroapp.test"
)

// Credentials are those of the applications that are made at first start.
type Credentials struct {
	Service Credential `json:"service"`
	Demo    Credential `json:"demo"`
}

// Credential is an application and its secret.
type Credential struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
}

// Credentials reads DIR/credentials.json, which only its owner can read.
func (a *Azure) Credentials() (Credentials, error) {
	var c Credentials
	content, err := os.ReadFile(a.credentialsFile())
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(content, &c)
}

func (a *Azure) credentialsFile() string { return filepath.Join(a.Dir, "credentials.json") }

// seed makes what an empty local Azure begins with. It may be repeated: a start
// that was interrupted is completed by the next one.
func (a *Azure) seed(ctx context.Context) error {
	if _, err := os.Stat(a.credentialsFile()); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for subscription, name := range map[string]string{serviceSubscriptionID: "Service", customerSubscriptionID: "Customer"} {
		if _, err := a.Engine.Create(ctx, subscription, map[string]any{"properties": map[string]any{"displayName": name}}); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	for namespace := range namespaces() {
		for _, subscription := range []string{ServiceSubscription, CustomerSubscription} {
			if err := a.State.Put(ctx, registrationKind, registrationKey(subscription, namespace), registered); err != nil {
				return err
			}
		}
	}
	if !a.Empty {
		if err := a.seedService(ctx); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	credentials, err := a.seedApplications(ctx)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	content, err := json.MarshalIndent(credentials, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(a.credentialsFile()+".new", append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(a.credentialsFile()+".new", a.credentialsFile())
}

// seedService makes the resources of the service itself.
func (a *Azure) seedService(ctx context.Context) error {
	const location = "eastus"
	group := serviceSubscriptionID + "/resourceGroups/" + ServiceGroup
	if _, err := a.Engine.Create(ctx, group, map[string]any{"location": location}); err != nil {
		return err
	}
	vault := map[string]any{"location": location, "properties": map[string]any{"enableRbacAuthorization": true}}
	network := func(prefix, subnet string) map[string]any {
		return map[string]any{"location": location, "properties": map[string]any{
			"addressSpace": map[string]any{"addressPrefixes": []any{prefix}},
			"subnets": []any{map[string]any{"name": subnet, "properties": map[string]any{"addressPrefix": prefix, "privateEndpointNetworkPolicies": "Disabled",
				"serviceEndpoints": []any{map[string]any{"service": "Microsoft.Storage", "locations": []any{"*"}}}}}},
		}}
	}
	for _, one := range []struct {
		path string
		body map[string]any
	}{
		{"Microsoft.Network/virtualNetworks/rp-vnet", network("10.0.0.0/24", "rp-subnet")},
		{"Microsoft.Network/virtualNetworks/rp-pe-vnet-001", network(a.Private, "rp-pe-subnet")},
		{"Microsoft.Network/dnsZones/eastus.aroapp.test", map[string]any{"location": "global"}},
		{"Microsoft.KeyVault/vaults/aro-svc", vault},
		{"Microsoft.KeyVault/vaults/aro-cls", vault},
		{"Microsoft.KeyVault/vaults/aro-msi", vault},
		{"Microsoft.Storage/storageAccounts/aroidc", map[string]any{"location": location, "kind": "StorageV2", "sku": map[string]any{"name": "Standard_LRS"}, "properties": map[string]any{"allowBlobPublicAccess": true}}},
		{"Microsoft.Storage/storageAccounts/aroidc/blobServices/default/containers/$web", map[string]any{"properties": map[string]any{"publicAccess": "Blob"}}},
	} {
		call := &resources.Call{Method: http.MethodPut, Path: group + "/providers/" + one.path, Body: one.body}
		if _, err := a.Engine.Serve(ctx, call); err != nil {
			return fmt.Errorf("%s: %w", one.path, err)
		}
	}
	return nil
}

// seedApplications makes the first applications and what they may do.
func (a *Azure) seedApplications(ctx context.Context) (Credentials, error) {
	const (
		keyVaultAdministrator = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
		blobContributor       = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	)
	serviceGroup := serviceSubscriptionID + "/resourceGroups/" + ServiceGroup
	var c Credentials
	for _, one := range []struct {
		id, name   string
		secret     string
		credential *Credential
		roles      [][2]string // role, scope
	}{
		{FirstPartyApplication, "Azure Red Hat OpenShift RP", "", nil, [][2]string{
			{access.Owner, serviceGroup}, {keyVaultAdministrator, serviceGroup + "/providers/" + vaultType + "/aro-cls"}, {access.ResourceProvider, customerSubscriptionID},
		}},
		{ServiceApplication, "aro-service", a.ServiceSecret, &c.Service, [][2]string{
			{access.Owner, serviceSubscriptionID}, {keyVaultAdministrator, serviceGroup}, {blobContributor, serviceGroup},
		}},
		{DemoApplication, "demo", a.DemoSecret, &c.Demo, [][2]string{{access.Owner, customerSubscriptionID}}},
	} {
		app, err := a.Entra.CreateApplication(ctx, one.id, one.name)
		if err != nil {
			return c, err
		}
		sp, err := a.Entra.CreateServicePrincipal(ctx, app.AppID)
		if err != nil && !errors.Is(err, entra.ErrExists) {
			return c, err
		}
		if one.credential != nil {
			if *one.credential, err = a.password(ctx, app.AppID, one.secret); err != nil {
				return c, err
			}
		}
		for _, role := range one.roles {
			if a.Empty && strings.HasPrefix(role[1], serviceGroup) {
				continue // deploying the service grants these roles
			}
			if err := a.Access.Assign(ctx, sp.ObjectID, role[0], role[1]); err != nil {
				return c, fmt.Errorf("role of %s: %w", one.name, err)
			}
		}
	}
	// The first party proves itself by a certificate of the service's vault.
	if !a.Empty {
		if err := a.Vault.EnsureCertificate(ctx, "aro-svc", FirstPartyCertificate, FirstPartySubject, FirstPartySubject); err != nil {
			return c, err
		}
	}
	if err := a.Entra.AddCertificate(ctx, FirstPartyApplication, FirstPartySubject); err != nil {
		return c, err
	}
	return c, a.grantProvider(ctx, CustomerSubscription)
}

func (a *Azure) password(ctx context.Context, app, secret string) (Credential, error) {
	c := Credential{ClientID: app, ClientSecret: secret}
	end := a.Now().Add(secretLife)
	if secret != "" {
		_, err := a.Entra.SetPassword(ctx, app, "first start", secret, end)
		return c, err
	}
	var err error
	c.ClientSecret, _, err = a.Entra.AddPassword(ctx, app, "first start", end)
	return c, err
}

// grantProvider gives the resource provider's application the role that ARM gives
// it in every subscription that registers the provider.
func (a *Azure) grantProvider(ctx context.Context, subscription string) error {
	sp, err := a.Entra.ServicePrincipal(ctx, FirstPartyApplication)
	if err != nil {
		return err
	}
	return a.Access.Assign(ctx, sp.ObjectID, access.ResourceProvider, "/subscriptions/"+subscription)
}
