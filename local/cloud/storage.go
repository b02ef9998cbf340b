package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/blob"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	storageType  = "Microsoft.Storage/storageAccounts"
	accountPath  = "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + storageType + "/{account}"
	servicePath  = accountPath + "/blobServices/default"
	containerDoc = "Microsoft.Storage/storageAccounts/blobServices/containers"
)

var accountName = regexp.MustCompile(`^[a-z0-9]{3,24}$`)

// StorageAccount finds an account for the blob service.
func (a *Azure) StorageAccount(ctx context.Context, name string) (blob.Account, bool, error) {
	id, found, err := a.named(ctx, storageType, name)
	if err != nil || !found {
		return blob.Account{}, false, err
	}
	r, found, err := a.Engine.Find(ctx, id)
	if err != nil || !found {
		return blob.Account{}, false, err
	}
	shared, set := r.Get("allowSharedKeyAccess").(bool)
	public, _ := r.Get("allowBlobPublicAccess").(bool)
	return blob.Account{ID: r.ID, NoSharedKeys: set && !shared, PublicAccess: public}, true, nil
}

// storageTypes are storage accounts; containers are the blob service's, which
// clients change behind the resource manager's back.
func (a *Azure) storageTypes() {
	a.Engine.Register(storageType, resources.Behaviour{
		Created: http.StatusOK, // what clients accept of this type
		Put:     a.putAccount,
		Delete:  func(ctx context.Context, r *resources.Resource) error { return a.Blob.DeleteAccount(ctx, r.Name) },
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Etag = ""
			tagged(r)
			endpoints := map[string]any{"blob": a.Origin + "/blob/" + r.Name + "/"}
			for _, service := range []string{"dfs", "web", "queue", "table", "file"} {
				endpoints[service] = "https://" + r.Name + "." + service + "." + a.host() + "/" // without a server
			}
			r.Set(endpoints, "primaryEndpoints")
			created := r.Created.UTC().Format(time.RFC3339Nano)
			r.Set(created, "creationTime")
			r.Set(map[string]any{"key1": created, "key2": created}, "keyCreationTime")
			r.Default([]any{}, "privateEndpointConnections")
			return nil
		},
		Actions: map[string]resources.Action{
			"listKeys":       {Run: a.listKeys},
			"regenerateKey":  {Run: a.regenerateKey},
			"ListAccountSas": {Run: a.listAccountSAS},
		},
	})
	a.Engine.Route(http.MethodPost, "/subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability", func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
		name, _ := call.Body["name"].(string)
		_, taken, err := a.named(ctx, storageType, name)
		body := map[string]any{"nameAvailable": !taken && accountName.MatchString(name)}
		if taken {
			body["reason"], body["message"] = "AlreadyExists", "The storage account named "+name+" is already taken."
		}
		return &resources.Answer{Status: http.StatusOK, Body: body}, err
	})
	a.Engine.Route(http.MethodGet, servicePath, func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
		_, err := a.Engine.Get(ctx, accountOf(call.Path))
		return &resources.Answer{Status: http.StatusOK, Body: map[string]any{"id": call.Path, "name": "default", "type": "Microsoft.Storage/storageAccounts/blobServices", "sku": map[string]any{"name": "Standard_LRS", "tier": "Standard"},
			"properties": map[string]any{"cors": map[string]any{"corsRules": []any{}}, "deleteRetentionPolicy": map[string]any{"allowPermanentDelete": false, "enabled": false}}}}, err
	})
	a.Engine.Route(http.MethodGet, servicePath+"/containers", a.listContainers)
	a.Engine.Route(http.MethodGet, servicePath+"/containers/{container}", a.getContainer)
	a.Engine.Route(http.MethodPut, servicePath+"/containers/{container}", a.putContainer)
	a.Engine.Route(http.MethodDelete, servicePath+"/containers/{container}", a.deleteContainer)
}

// accountOf is the account's id at the beginning of a path.
func accountOf(path string) string { return "/" + strings.Join(resources.Segments(path)[:8], "/") }

func (a *Azure) putAccount(ctx context.Context, c *resources.Change) error {
	r := c.New
	if !accountName.MatchString(r.Name) {
		return refuse("AccountNameInvalid", "%s is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only.", r.Name)
	}
	other, taken, err := a.named(ctx, storageType, r.Name)
	if err != nil {
		return err
	}
	if taken && resources.Key(other) != resources.Key(r.ID) {
		return resources.Refuse(http.StatusConflict, "StorageAccountAlreadyTaken", "The storage account named %s is already taken.", r.Name)
	}
	if c.Old != nil && c.Old.Get("encryption", "requireInfrastructureEncryption") == true && r.Get("encryption") != nil && r.Get("encryption", "requireInfrastructureEncryption") != true {
		return refuse("InvalidRequestPropertyValue", "The encryption of an account cannot change once it is made.")
	}
	if c.Old != nil {
		r.Default(c.Old.Get("encryption"), "encryption")
	}
	if r.Kind == "" {
		r.Kind = "StorageV2"
	}
	if r.SKU == nil {
		r.SKU = map[string]any{"name": "Standard_LRS"}
	}
	sku, _ := r.SKU["name"].(string)
	if !strings.Contains(sku, "_") {
		return refuse("InvalidValuesForRequestParameters", "Values for request parameters are invalid: sku.name.")
	}
	if err := a.checkNetworkRules(ctx, r); err != nil {
		return err
	}
	r.SKU["tier"], _, _ = strings.Cut(sku, "_")
	r.Set(r.Location, "primaryLocation")
	r.Set("available", "statusOfPrimary")
	r.Default(true, "supportsHttpsTrafficOnly")
	for name, value := range map[string]any{"bypass": "AzureServices", "virtualNetworkRules": []any{}, "ipRules": []any{}, "defaultAction": "Allow"} {
		r.Default(value, "networkAcls", name)
	}
	r.Default("Microsoft.Storage", "encryption", "keySource")
	for _, service := range []string{"blob", "file"} {
		r.Default(map[string]any{"enabled": true, "keyType": "Account", "lastEnabledTime": a.Now().UTC().Format(time.RFC3339Nano)}, "encryption", "services", service)
	}
	return nil
}

// checkNetworkRules refuses rules for subnets that do not reach storage directly.
func (a *Azure) checkNetworkRules(ctx context.Context, account *resources.Resource) error {
	for _, rule := range resources.Objects(account.Get("networkAcls", "virtualNetworkRules")) {
		id, _ := rule["id"].(string)
		subnet, found, err := a.Engine.Find(ctx, id)
		if err != nil {
			return err
		}
		if !found || !reachesStorage(subnet) {
			return refuse("NetworkAclsValidationFailure", "Validation of network acls failure: SubnetsHaveNoServiceEndpointsConfigured: Subnet %s does not have ServiceEndpoints for Microsoft.Storage resources configured.", id)
		}
	}
	return nil
}

func reachesStorage(subnet *resources.Resource) bool {
	return slices.ContainsFunc(resources.Objects(subnet.Get("serviceEndpoints")), func(e map[string]any) bool {
		return e["service"] == "Microsoft.Storage"
	})
}

func keysRefused(r *resources.Resource) error {
	if r.Get("allowSharedKeyAccess") == false {
		return resources.Refuse(http.StatusForbidden, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted on this storage account.")
	}
	return nil
}

func (a *Azure) listKeys(ctx context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	keys, err := a.Blob.AccountKeys(ctx, r.Name)
	return showKeys(keys), err
}

func showKeys(keys []blob.Key) map[string]any {
	all := []any{}
	for _, k := range keys {
		all = append(all, map[string]any{"keyName": k.Name, "value": k.Value, "permissions": "FULL"})
	}
	return map[string]any{"keys": all}
}

func (a *Azure) regenerateKey(ctx context.Context, r *resources.Resource, call *resources.Call) (any, error) {
	name, _ := call.Body["keyName"].(string)
	if name != "key1" && name != "key2" {
		return nil, refuse("InvalidKeyName", "There are key1 and key2.")
	}
	keys, err := a.Blob.RegenerateKey(ctx, r.Name, name)
	return showKeys(keys), err
}

func (a *Azure) listAccountSAS(ctx context.Context, r *resources.Resource, call *resources.Call) (any, error) {
	if err := keysRefused(r); err != nil {
		return nil, err
	}
	content, err := json.Marshal(call.Body)
	if err != nil {
		return nil, err
	}
	var sas blob.SAS
	if err := json.Unmarshal(content, &sas); err != nil {
		return nil, refuse("InvalidRequestContent", "The request for a signature cannot be read.")
	}
	token, err := a.Blob.AccountSAS(ctx, r.Name, sas)
	if err != nil {
		return nil, refuse("InvalidRequestContent", "%v.", err)
	}
	return map[string]any{"accountSasToken": token}, nil
}

func showContainer(account string, c blob.Container) map[string]any {
	public := map[string]string{"blob": "Blob", "container": "Container"}[strings.ToLower(c.Public)]
	if public == "" {
		public = "None"
	}
	return map[string]any{
		"id": account + "/blobServices/default/containers/" + c.Name, "name": c.Name, "type": containerDoc, "etag": c.ETag,
		"properties": map[string]any{"publicAccess": public, "leaseState": "Available", "leaseStatus": "Unlocked", "hasImmutabilityPolicy": false, "hasLegalHold": false,
			"deleted": false, "remainingRetentionDays": 0, "defaultEncryptionScope": "$account-encryption-key", "denyEncryptionScopeOverride": false,
			"legalHold": map[string]any{"hasLegalHold": false, "tags": []any{}}},
	}
}

func (a *Azure) containers(ctx context.Context, call *resources.Call) (*resources.Resource, []blob.Container, error) {
	account, err := a.Engine.Get(ctx, accountOf(call.Path))
	if err != nil {
		return nil, nil, err
	}
	all, err := a.Blob.Containers(ctx, account.Name)
	return account, all, err
}

func (a *Azure) listContainers(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	account, all, err := a.containers(ctx, call)
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, c := range all {
		shown = append(shown, showContainer(account.ID, c))
	}
	return values(shown), nil
}

func (a *Azure) getContainer(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	account, all, err := a.containers(ctx, call)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if arm.EqualFold(c.Name, call.Values["container"]) {
			return &resources.Answer{Status: http.StatusOK, Body: showContainer(account.ID, c)}, nil
		}
	}
	return nil, resources.Refuse(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.")
}

func (a *Azure) putContainer(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	account, err := a.Engine.Get(ctx, accountOf(call.Path))
	if err != nil {
		return nil, err
	}
	public, _ := resources.At(call.Body, "properties", "publicAccess").(string)
	if public == "None" {
		public = ""
	}
	if public != "" && account.Get("allowBlobPublicAccess") != true {
		return nil, resources.Refuse(http.StatusConflict, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
	}
	status := http.StatusCreated
	c, err := a.Blob.CreateContainer(ctx, account.Name, call.Values["container"], strings.ToLower(public))
	if errors.Is(err, blob.ErrExists) {
		status, err = http.StatusOK, nil
	}
	if err != nil {
		return nil, refuse("InvalidContainerName", "%v.", err)
	}
	return &resources.Answer{Status: status, Body: showContainer(account.ID, c)}, nil
}

func (a *Azure) deleteContainer(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	account, err := a.Engine.Get(ctx, accountOf(call.Path))
	if err != nil {
		return nil, err
	}
	existed, err := a.Blob.DeleteContainer(ctx, account.Name, call.Values["container"])
	if err != nil {
		return nil, err
	}
	if !existed {
		return &resources.Answer{Status: http.StatusNoContent}, nil
	}
	return &resources.Answer{Status: http.StatusOK}, nil
}
