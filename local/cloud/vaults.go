package cloud

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/vault"
)

const (
	deletedVaultKind = "deletedvault"
	// deletedVaultLife is how long a deleted vault can come back, in days.
	deletedVaultLife = 90
)

// vaultName is what DNS allows of the name of a vault.
var vaultName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$`)

// deletedVault is what is kept of a vault after its deletion; what is in it stays at the
// data plane.
type deletedVault struct {
	Vault   *resources.Resource `json:"vault"`
	Deleted time.Time           `json:"deleted"`
	Purge   time.Time           `json:"purge"`
}

// vaultTypes are key vaults; what is in them is the data plane's.
func (a *Azure) vaultTypes() {
	a.Engine.Register(vaultType, resources.Behaviour{
		Created: http.StatusOK, // also for a new one
		Put:     a.putVault,
		Deleted: a.keepDeleted,
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Etag = ""
			tagged(r)
			r.Set(a.Origin+"/vaults/"+strings.ToLower(r.Name)+"/", "vaultUri")
			by, _ := r.Local["createdBy"].(string)
			if r.More == nil {
				r.More = map[string]any{}
			}
			r.More["systemData"] = map[string]any{
				"createdBy": by, "createdByType": "Application", "createdAt": r.Created.Format(time.RFC3339Nano),
				"lastModifiedBy": by, "lastModifiedByType": "Application", "lastModifiedAt": r.Changed.Format(time.RFC3339Nano),
			}
			return nil
		},
	})
	const subscription = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
	a.Engine.Route(http.MethodGet, subscription+"/deletedVaults", a.deletedVaults)
	a.Engine.Route(http.MethodGet, subscription+"/locations/{location}/deletedVaults/{vault}", func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
		d, err := a.deletedVault(ctx, call)
		if err != nil {
			return nil, err
		}
		return &resources.Answer{Status: http.StatusOK, Body: d.shown()}, nil
	})
	a.Engine.Route(http.MethodPost, subscription+"/locations/{location}/deletedVaults/{vault}/purge", func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
		d, err := a.deletedVault(ctx, call)
		if err != nil {
			return nil, err
		}
		return &resources.Answer{Status: http.StatusOK}, a.purgeVault(ctx, d.Vault.Name)
	})
	a.Engine.Route(http.MethodPost, subscription+"/checkNameAvailability", func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
		name, _ := call.Body["name"].(string)
		_, taken, err := a.named(ctx, vaultType, name)
		body := map[string]any{"nameAvailable": !taken && vaultName.MatchString(name)}
		switch {
		case taken:
			body["reason"], body["message"] = "AlreadyExists", "The vault name '"+name+"' is already in use."
		case !vaultName.MatchString(name):
			body["reason"], body["message"] = "AccountNameInvalid", "The vault name '"+name+"' is invalid."
		}
		return &resources.Answer{Status: http.StatusOK, Body: body}, err
	})
	a.Engine.Route(http.MethodPut, "/subscriptions/{subscription}/resourceGroups/{group}/providers/"+vaultType+"/{vault}/accessPolicies/{operation}", a.changePolicies)
}

func (a *Azure) putVault(ctx context.Context, c *resources.Change) error {
	r := c.New
	if !vaultName.MatchString(r.Name) {
		return refuse("VaultNameNotValid", "The vault name '%s' is invalid. A vault's name must be between 3-24 alphanumeric characters.", r.Name)
	}
	other, taken, err := a.named(ctx, vaultType, r.Name)
	if err != nil {
		return err
	}
	if taken && resources.Key(other) != resources.Key(r.ID) {
		return resources.Refuse(http.StatusConflict, "VaultAlreadyExists", "The vault name '%s' is already in use.", r.Name)
	}
	if c.Old == nil {
		if err := a.revive(ctx, r); err != nil {
			return err
		}
		r.Local = map[string]any{"createdBy": c.Call.Caller.AppID}
	}
	r.Set(nil, "createMode")
	r.Default(TenantID, "tenantId")
	r.Default(map[string]any{"family": "A", "name": "standard"}, "sku")
	// A vault with access policies uses them, unless it is set otherwise.
	r.Default(len(resources.Objects(r.Get("accessPolicies"))) == 0, "enableRbacAuthorization")
	r.Default(true, "enableSoftDelete")
	r.Default(deletedVaultLife, "softDeleteRetentionInDays")
	r.Default(false, "enabledForDeployment")
	r.Default("Enabled", "publicNetworkAccess")
	r.Default([]any{}, "accessPolicies")
	return nil
}

// revive recovers a deleted vault, if requested, and otherwise refuses its name.
func (a *Azure) revive(ctx context.Context, r *resources.Resource) error {
	revives := arm.EqualFold(r.Text("createMode"), "recover")
	var d deletedVault
	found, err := a.State.Get(ctx, deletedVaultKind, strings.ToLower(r.Name), &d)
	switch {
	case err != nil:
		return err
	case found && a.Now().After(d.Purge):
		return a.purgeVault(ctx, r.Name)
	case !found && revives:
		return resources.Refuse(http.StatusNotFound, "DeletedVaultNotFound", "The specified deleted vault '%s' does not exist.", r.Name)
	case !found:
		return nil
	case !revives:
		return resources.Refuse(http.StatusConflict, "ConflictError", "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.")
	case resources.Key(d.Vault.ID) != resources.Key(r.ID):
		return resources.Refuse(http.StatusConflict, "ConflictError", "The deleted vault '%s' can be recovered only as '%s'.", r.Name, d.Vault.ID)
	}
	r.Properties, r.Tags, r.Location = d.Vault.Properties, d.Vault.Tags, d.Vault.Location
	_, err = a.State.Delete(ctx, deletedVaultKind, strings.ToLower(r.Name))
	return err
}

func (a *Azure) keepDeleted(ctx context.Context, r *resources.Resource) error {
	days := deletedVaultLife
	if n, ok := r.Get("softDeleteRetentionInDays").(float64); ok {
		days = int(n)
	}
	now := a.Now().UTC()
	return a.State.Put(ctx, deletedVaultKind, strings.ToLower(r.Name), deletedVault{r, now, now.AddDate(0, 0, days)})
}

func (a *Azure) purgeVault(ctx context.Context, name string) error {
	if err := a.Vault.DeleteVault(ctx, name); err != nil {
		return err
	}
	_, err := a.State.Delete(ctx, deletedVaultKind, strings.ToLower(name))
	return err
}

// deletedVault finds the one that a call names.
func (a *Azure) deletedVault(ctx context.Context, call *resources.Call) (deletedVault, error) {
	var d deletedVault
	found, err := a.State.Get(ctx, deletedVaultKind, strings.ToLower(call.Values["vault"]), &d)
	if err == nil && (!found || !d.of(call.Values["subscription"]) || a.Now().After(d.Purge) || d.Vault.Location != resources.Location(call.Values["location"])) {
		err = resources.Refuse(http.StatusNotFound, "DeletedVaultNotFound", "The specified deleted vault '%s' does not exist.", call.Values["vault"])
	}
	return d, err
}

func (d deletedVault) of(subscription string) bool {
	return arm.EqualFold(resources.Subscription(d.Vault.ID), subscription)
}

func (d deletedVault) shown() map[string]any {
	subscription := "/subscriptions/" + resources.Subscription(d.Vault.ID)
	tags := d.Vault.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return map[string]any{
		"id":   subscription + "/providers/Microsoft.KeyVault/locations/" + d.Vault.Location + "/deletedVaults/" + d.Vault.Name,
		"name": d.Vault.Name, "type": "Microsoft.KeyVault/deletedVaults",
		"properties": map[string]any{
			"vaultId": d.Vault.ID, "location": d.Vault.Location, "tags": tags, "purgeProtectionEnabled": d.Vault.Get("enablePurgeProtection"),
			"deletionDate": d.Deleted.Format(time.RFC3339), "scheduledPurgeDate": d.Purge.Format(time.RFC3339),
		},
	}
}

func (a *Azure) deletedVaults(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	entries, err := a.State.List(ctx, deletedVaultKind, "")
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, entry := range entries {
		var d deletedVault
		if _, err := a.State.Get(ctx, deletedVaultKind, entry.Key, &d); err != nil {
			return nil, err
		}
		if d.of(call.Values["subscription"]) && a.Now().Before(d.Purge) {
			all = append(all, d.shown())
		}
	}
	return values(all), nil
}

// changePolicies adds, replaces or removes access policies of a vault.
func (a *Azure) changePolicies(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	path := "/" + strings.Join(resources.Segments(call.Path)[:8], "/")
	given := resources.Objects(resources.At(call.Body, "properties", "accessPolicies"))
	operation := arm.ToLower(call.Values["operation"])
	if !slices.Contains([]string{"add", "replace", "remove"}, operation) {
		return nil, refuse("InvalidAccessPolicyOperation", "The operation must be add, replace or remove.")
	}
	var after []any
	err := a.Engine.Change(ctx, path, func(r *resources.Resource) error {
		for _, old := range resources.Objects(r.Get("accessPolicies")) {
			if operation != "replace" && !slices.ContainsFunc(given, func(p map[string]any) bool { return samePrincipal(old, p) }) {
				after = append(after, old)
			}
		}
		for _, p := range given {
			if operation != "remove" {
				after = append(after, p)
			}
		}
		r.Set(slices.Concat([]any{}, after), "accessPolicies")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{
		"id": path + "/accessPolicies/", "type": vaultType + "/accessPolicies", "properties": map[string]any{"accessPolicies": slices.Concat([]any{}, after)},
	}}, nil
}

func samePrincipal(a, b map[string]any) bool {
	text := func(m map[string]any, name string) string { s, _ := m[name].(string); return s }
	return arm.EqualFold(text(a, "objectId"), text(b, "objectId")) && arm.EqualFold(text(a, "applicationId"), text(b, "applicationId"))
}

// vaultAccess decides for the data plane of vaults: by roles, or by the access policies
// of a vault that has them.
type vaultAccess struct{ *Azure }

// Check reports whether a principal may do a data action at a scope.
func (a vaultAccess) Check(ctx context.Context, principal, action, scope string) (allowed bool, why string, err error) {
	r, found, err := a.Engine.Find(ctx, "/"+strings.Join(resources.Segments(scope)[:8], "/"))
	if err != nil {
		return false, "", err
	}
	if !found || r.Get("enableRbacAuthorization") != false {
		return a.Access.Check(ctx, principal, action, scope)
	}
	object, verb, _ := strings.Cut(strings.TrimPrefix(arm.ToLower(action), "microsoft.keyvault/vaults/"), "/")
	for _, policy := range resources.Objects(r.Get("accessPolicies")) {
		if id, _ := policy["objectId"].(string); !arm.EqualFold(id, principal) {
			continue
		}
		granted, _ := resources.At(policy, "permissions", object).([]any)
		for _, permission := range granted {
			text, _ := permission.(string)
			if arm.EqualFold(text, "all") || slices.Contains(policyPermissions(verb), arm.ToLower(text)) {
				return true, "", nil
			}
		}
	}
	return false, vault.ByPolicy, nil
}

// policyPermissions are those of access policies of which an action needs one.
func policyPermissions(verb string) []string {
	switch verb = strings.TrimSuffix(verb, "/action"); verb {
	case "getsecret":
		return []string{"get"}
	case "setsecret":
		return []string{"set"}
	case "readmetadata", "read":
		return []string{"get", "list"}
	case "update":
		return []string{"update", "set"}
	}
	return []string{verb}
}
