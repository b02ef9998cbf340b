package cloud_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/network"
)

// machined has the types of Microsoft.Network and Microsoft.Compute with their rules.
func machined(h *host) cloud.Options {
	return cloud.Options{Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
		log := slog.New(slog.DiscardHandler)
		n := network.New(a.Engine, log)
		compute.New(compute.Options{Engine: a.Engine, Machines: h, Watch: n.Watch, Origin: a.Origin, Log: log})
		return nil
	}}}
}

// names are those of the elements of a list, or of the list that an answer has.
func names(list any) string {
	if answer, ok := list.(object); ok {
		list = answer["value"]
	}
	elements, _ := list.([]any)
	var all []string
	for _, e := range elements {
		m, _ := e.(object)
		for _, member := range []string{"name", "tagName", "resourceType"} {
			if name, ok := m[member].(string); ok {
				all = append(all, name)
				break
			}
		}
	}
	return strings.Join(all, " ")
}

// raw is call for answers that are lists.
func (w *fixture) raw(target string) string {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.Origin+target, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := w.demo().GetToken(w.t.Context(), policy.TokenRequestOptions{Scopes: []string{w.Origin + "/.default"}})
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	resp, err := w.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s %s %v", target, resp.Status, content, err)
	}
	return string(content)
}

func TestSizesAndImagesAreListed(t *testing.T) {
	w := newFixture(t, machined(nil))
	const compute = customer + "/providers/Microsoft.Compute/locations/eastus"
	sizes := w.want(w.demo(), http.MethodGet, compute+"/vmSizes?api-version=2023-07-01", nil, http.StatusOK, "")
	if all := names(sizes); !strings.Contains(all, "Standard_D8s_v3") {
		t.Error(all)
	}
	w.want(w.demo(), http.MethodGet, customer+"/providers/Microsoft.Compute/locations/nowhere/vmSizes?api-version=2023-07-01", nil, http.StatusBadRequest, "NoRegisteredProviderFound")
	for path, want := range map[string]string{
		"": `"azureopenshift"`,
		"/azureopenshift/artifacttypes/vmimage/offers":                                    `"aro4"`,
		"/AzureOpenShift/artifacttypes/vmimage/offers/aro4/skus":                          `"aro_419"`,
		"/azureopenshift/artifacttypes/vmimage/offers/aro4/skus/aro_419/versions":         `"419.6.20250523"`,
		"/azureopenshift/artifacttypes/vmimage/offers/aro4/skus/aro_419/versions/419.6.1": `"V2"`,
	} {
		if got := w.raw(compute + "/publishers" + path + "?api-version=2023-07-01"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
	aliases := w.raw("/local/aliases.json")
	if !strings.Contains(aliases, `"Ubuntu2204":{"architecture":"x64"`) {
		t.Error(aliases)
	}
}

func TestFreeAddressesOfANetworkAreListed(t *testing.T) {
	w := newFixture(t, networked())
	w.group("g")
	const vnet = customer + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
	made := w.want(w.demo(), http.MethodPut, vnet+"?api-version=2023-04-01", object{"location": "eastus", "properties": object{
		"addressSpace": object{"addressPrefixes": []string{"10.0.0.0/16"}}, "subnets": []object{{"name": "s", "properties": object{
			"addressPrefix": "10.0.0.0/24", "delegations": []object{{"name": "d", "properties": object{"serviceName": "Microsoft.Web/serverFarms"}}},
		}}},
	}}, http.StatusCreated, "")
	for address, want := range map[string]object{
		"10.0.0.0": {"available": false, "isPlatformReserved": false, "availableIPAddresses": []any{"10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8"}},
		"10.0.0.9": {"available": true, "isPlatformReserved": false},
	} {
		got := w.want(w.demo(), http.MethodGet, vnet+"/CheckIPAddressAvailability?ipAddress="+address+"&api-version=2023-04-01", nil, http.StatusOK, "")
		if jsonText(t, got) != jsonText(t, want) {
			t.Errorf("%s: %v", address, got)
		}
	}
	subnet := made["properties"].(object)["subnets"].([]any)[0].(object)
	delegation := subnet["properties"].(object)["delegations"].([]any)[0].(object)
	properties := delegation["properties"].(object)
	if delegation["id"] != vnet+"/subnets/s/delegations/d" || properties["provisioningState"] != "Succeeded" || len(properties["actions"].([]any)) != 1 {
		t.Error(delegation)
	}
}

func TestProvidersTellWhatTheyHave(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	shown := w.want(w.demo(), http.MethodGet, customer+"/providers/Microsoft.RedHatOpenShift?api-version=2024-11-01", nil, http.StatusOK, "")
	types := map[string]object{}
	for _, e := range shown["resourceTypes"].([]any) {
		types[e.(object)["resourceType"].(string)] = e.(object)
	}
	clusters, sets := types["openShiftClusters"], types["locations/platformWorkloadIdentityRoleSets"]
	if clusters == nil || sets == nil || types["locations/operationsStatus"] == nil || types["locations/operationResults"] == nil {
		t.Fatal(types)
	}
	if got := jsonText(t, clusters["locations"]); got != `["East US"]` {
		t.Errorf("clusters are offered in %s", got)
	}
	versions := sets["apiVersions"].([]any)
	if versions[len(versions)-1] != "2024-08-12-preview" || clusters["capabilities"] != "SupportsTags, SupportsLocation" || sets["capabilities"] != "None" {
		t.Error(versions, clusters["capabilities"], sets["capabilities"])
	}
	operations := w.want(w.demo(), http.MethodGet, "/providers/Microsoft.Authorization/providerOperations/microsoft.storage?api-version=2022-04-01&$expand=resourceTypes", nil, http.StatusOK, "")
	if text := jsonText(t, operations); !strings.Contains(text, `"Microsoft.Storage/storageAccounts/listKeys/action"`) || !strings.Contains(text, `"Microsoft.Storage/storageAccounts/write"`) {
		t.Error(text)
	}
	w.want(w.demo(), http.MethodGet, "/providers/Microsoft.Authorization/providerOperations/Microsoft.No?api-version=2022-04-01", nil, http.StatusNotFound, "ProviderNotFound")
	w.want(w.demo(), http.MethodPost, "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01", object{"query": "resources"}, http.StatusBadRequest, "NotOffered")
}

func TestAProviderInUseIsNotUnregistered(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	const unregister = customer + "/providers/Microsoft.RedHatOpenShift/unregister?api-version=2024-11-01"
	w.cluster(nil)
	w.want(w.demo(), http.MethodPost, unregister, nil, http.StatusConflict, "CannotUnregisterProvider")
	w.want(w.demo(), http.MethodDelete, aCluster+"?api-version=2023-11-22", nil, http.StatusAccepted, "")
	w.within(10*time.Second, "the cluster's end", func() bool {
		status, _, _ := w.call(w.demo(), http.MethodPost, unregister, nil)
		return status == http.StatusOK
	})
	w.want(w.demo(), http.MethodPost, customer+"/providers/Microsoft.Resources/unregister?api-version=2024-11-01", nil, http.StatusConflict, "CannotUnregisterProvider")
}

func TestTagNamesAreThoseInUse(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.cluster(object{"team": "a"})
	const path, version = customer + "/tagNames", "?api-version=2021-04-01"
	w.want(w.demo(), http.MethodDelete, path+"/cost"+version, nil, http.StatusNoContent, "")
	w.want(w.demo(), http.MethodPut, path+"/cost"+version, nil, http.StatusCreated, "")
	w.want(w.demo(), http.MethodPut, path+"/cost/tagValues/low"+version, nil, http.StatusCreated, "")
	w.want(w.demo(), http.MethodPut, path+"/cost"+version, nil, http.StatusOK, "")
	got := w.want(w.demo(), http.MethodGet, path+version, nil, http.StatusOK, "")["value"].([]any)
	if names(got) != "cost team" {
		t.Fatal(got)
	}
	cost, team := got[0].(object), got[1].(object)
	if cost["count"].(object)["value"] != 0.0 || cost["values"].([]any)[0].(object)["tagValue"] != "low" || team["count"].(object)["value"] != 1.0 || team["values"].([]any)[0].(object)["tagValue"] != "a" {
		t.Error(got)
	}
	w.want(w.demo(), http.MethodDelete, path+"/cost"+version, nil, http.StatusOK, "")
}

func TestAssociatedResourcesOfAnIdentity(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const identity = customer + "/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
	made := w.want(w.demo(), http.MethodPut, identity+"?api-version=2023-01-31", object{"location": "eastus"}, http.StatusCreated, "")
	w.want(w.demo(), http.MethodPut, aCluster+"?api-version=2024-08-12-preview", object{"location": "eastus", "identity": object{"type": "UserAssigned", "userAssignedIdentities": object{made["id"].(string): object{}}}}, http.StatusCreated, "")
	got := w.want(w.demo(), http.MethodPost, identity+"/listAssociatedResources?api-version=2021-09-30-preview", nil, http.StatusOK, "")
	if got["totalCount"] != 1.0 || got["value"].([]any)[0].(object)["name"] != "c" || made["tags"] == nil {
		t.Error(got, made)
	}
}

func TestADeletedVaultComesBackWithItsSecretsOrIsPurged(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const vault, version = customer + "/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv-one", "?api-version=2023-07-01"
	const deleted = customer + "/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/kv-one"
	body := func(mode string) object {
		properties := object{"tenantId": cloud.TenantID, "sku": object{"family": "A", "name": "standard"}}
		if mode != "" {
			properties["createMode"] = mode
		}
		return object{"location": "eastus", "tags": object{"a": "1"}, "properties": properties}
	}
	made := w.want(w.demo(), http.MethodPut, vault+version, body(""), http.StatusOK, "")
	if made["etag"] != nil || made["systemData"] == nil {
		t.Error(made)
	}
	if err := w.Vault.EnsureSecret(t.Context(), "kv-one", "s", "v"); err != nil {
		t.Fatal(err)
	}
	w.want(w.demo(), http.MethodGet, deleted+version, nil, http.StatusNotFound, "DeletedVaultNotFound")
	w.want(w.demo(), http.MethodDelete, vault+version, nil, http.StatusOK, "")
	shown := w.want(w.demo(), http.MethodGet, deleted+version, nil, http.StatusOK, "")
	if shown["properties"].(object)["vaultId"] != vault || names(w.want(w.demo(), http.MethodGet, customer+"/providers/Microsoft.KeyVault/deletedVaults"+version, nil, http.StatusOK, "")) != "kv-one" {
		t.Error(shown)
	}
	w.want(w.demo(), http.MethodPut, vault+version, body(""), http.StatusConflict, "ConflictError")
	again := w.want(w.demo(), http.MethodPut, vault+version, body("recover"), http.StatusOK, "")
	if value, found, err := w.Vault.SecretValue(t.Context(), "kv-one", "s"); value != "v" || !found || err != nil || again["tags"].(object)["a"] != "1" {
		t.Error(value, found, err, again)
	}
	w.want(w.demo(), http.MethodDelete, vault+version, nil, http.StatusOK, "")
	w.want(w.demo(), http.MethodPost, deleted+"/purge"+version, nil, http.StatusOK, "")
	w.want(w.demo(), http.MethodGet, deleted+version, nil, http.StatusNotFound, "DeletedVaultNotFound")
	w.want(w.demo(), http.MethodPut, vault+version, body(""), http.StatusOK, "")
	if _, found, err := w.Vault.SecretValue(t.Context(), "kv-one", "s"); found || err != nil {
		t.Error("a purged vault has kept its secret", err)
	}
}

// named sends a request to a service by a name of its own, wherever that leads.
func (w *fixture) named(method, host, path, scope, body string) (int, string) {
	w.t.Helper()
	client := w.Client()
	address := w.listener.Addr().String()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	req, err := http.NewRequest(method, strings.Replace(w.Origin, "localhost", host, 1)+path, bytes.NewBufferString(body))
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := w.demo().GetToken(w.t.Context(), policy.TokenRequestOptions{Scopes: []string{scope + "/.default"}})
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-ms-blob-type", "BlockBlob")
	req.Header.Set("x-ms-version", "2023-11-03")
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(content)
}

func TestVaultsAndAccountsAnswerByTheirNames(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	demo, err := w.Entra.ServicePrincipal(t.Context(), cloud.DemoApplication)
	if err != nil {
		t.Fatal(err)
	}
	const group = customer + "/resourceGroups/g"
	w.want(w.demo(), http.MethodPut, group+"/providers/Microsoft.KeyVault/vaults/kv-one?api-version=2023-07-01", object{"location": "eastus", "properties": object{
		"accessPolicies": []object{{"tenantId": cloud.TenantID, "objectId": demo.ObjectID, "permissions": object{"secrets": []string{"Get", "set"}}}},
	}}, http.StatusOK, "")
	if status, body := w.named(http.MethodPut, "kv-one.vaults.localhost", "/secrets/s?api-version=7.4", "https://vault.azure.net", `{"value":"v"}`); status != http.StatusOK {
		t.Error(status, body)
	}
	if status, body := w.named(http.MethodGet, "kv-one.vaults.localhost", "/secrets/s?api-version=7.4", "https://vault.azure.net", ""); status != http.StatusOK || !strings.Contains(body, `"v"`) {
		t.Error(status, body)
	}
	if status, body := w.named(http.MethodDelete, "kv-one.vaults.localhost", "/secrets/s?api-version=7.4", "https://vault.azure.net", ""); status != http.StatusForbidden || !strings.Contains(body, "ForbiddenByPolicy") {
		t.Errorf("access policies give get and set only: %d %s", status, body)
	}
	w.want(w.demo(), http.MethodPut, group+"/providers/Microsoft.KeyVault/vaults/kv-one/accessPolicies/add?api-version=2023-07-01", object{"properties": object{
		"accessPolicies": []object{{"tenantId": cloud.TenantID, "objectId": demo.ObjectID, "permissions": object{"secrets": []string{"all"}}}},
	}}, http.StatusOK, "")
	if status, body := w.named(http.MethodDelete, "kv-one.vaults.localhost", "/secrets/s?api-version=7.4", "https://vault.azure.net", ""); status != http.StatusOK {
		t.Error(status, body)
	}

	w.want(w.demo(), http.MethodPut, group+"/providers/Microsoft.Storage/storageAccounts/one?api-version=2023-01-01", object{"location": "eastus"}, http.StatusOK, "")
	if err := w.Access.Assign(t.Context(), demo.ObjectID, "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", customer); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPut, "/things?restype=container", "", http.StatusCreated},
		{http.MethodPut, "/things/a.txt", "text", http.StatusCreated},
		{http.MethodGet, "/things/a.txt", "", http.StatusOK},
	} {
		if status, body := w.named(step.method, "one.blob.localhost", step.path, "https://storage.azure.com", step.body); status != step.status {
			t.Errorf("%s %s: %d %s", step.method, step.path, status, body)
		}
	}
	metadata := w.raw("/metadata/endpoints?api-version=2022-09-01")
	port := w.Origin[strings.LastIndex(w.Origin, ":"):]
	if !strings.Contains(metadata, `"keyVaultDns":"vaults.localhost`+port+`"`) || !strings.Contains(metadata, `"storage":"localhost`+port+`"`) {
		t.Error(metadata)
	}
}
