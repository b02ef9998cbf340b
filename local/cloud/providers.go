package cloud

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/openapi"
)

// namespaces of the providers there are, and the types that no behaviour names.
func namespaces() map[string][]string {
	return map[string][]string{
		"Microsoft.Authorization":     {"roleAssignments", "roleDefinitions", "denyAssignments", "permissions", "locks"},
		"Microsoft.Compute":           {"virtualMachines", "virtualMachines/extensions", "virtualMachineScaleSets", "virtualMachineScaleSets/virtualMachines", "disks", "snapshots", "images", "diskEncryptionSets", "availabilitySets", "galleries", "galleries/images", "galleries/images/versions", "skus", "locations", "locations/usages", "locations/vmSizes", "locations/publishers"},
		"Microsoft.Features":          {"features", "providers"},
		"Microsoft.Insights":          {"actionGroups", "metricAlerts", "activityLogAlerts", "eventtypes", "metrics"},
		"Microsoft.KeyVault":          {"vaults", "vaults/secrets", "vaults/keys", "vaults/accessPolicies", "deletedVaults", "locations", "locations/deletedVaults"},
		"Microsoft.ManagedIdentity":   {"userAssignedIdentities", "userAssignedIdentities/federatedIdentityCredentials"},
		"Microsoft.Network":           {"virtualNetworks", "virtualNetworks/subnets", "virtualNetworks/virtualNetworkPeerings", "networkSecurityGroups", "networkSecurityGroups/securityRules", "routeTables", "routeTables/routes", "natGateways", "networkInterfaces", "publicIPAddresses", "publicIPPrefixes", "loadBalancers", "privateLinkServices", "privateEndpoints", "privateEndpoints/privateDnsZoneGroups", "privateDnsZones", "privateDnsZones/A", "privateDnsZones/virtualNetworkLinks", "dnsZones", "dnsZones/A", "locations/usages"},
		"Microsoft.RedHatOpenShift":   {"openShiftClusters", "locations", "locations/openShiftVersions", "locations/platformWorkloadIdentityRoleSets", "locations/operationResults", "locations/operationsStatus", "operations"},
		"Microsoft.Resources":         {"deployments", "resourceGroups", "subscriptions", "tags"},
		"Microsoft.Storage":           {"storageAccounts", "storageAccounts/blobServices", "storageAccounts/blobServices/containers"},
		"Microsoft.ContainerRegistry": {"registries", "registries/replications"},
		"Microsoft.DocumentDB":        {"databaseAccounts", "databaseAccounts/sqlDatabases", "databaseAccounts/sqlDatabases/containers", "databaseAccounts/sqlRoleAssignments", "databaseAccounts/sqlRoleDefinitions"},
	}
}

// clusterVersions are the api-versions of the resource provider, the newest first.
func clusterVersions() ([]string, error) {
	folders, err := openapi.Files.ReadDir("arm")
	if err != nil {
		return nil, fmt.Errorf("api-versions of the resource provider: %w", err)
	}
	versions := make([]string, 0, len(folders))
	for _, folder := range slices.Backward(folders) {
		versions = append(versions, folder.Name())
	}
	return versions, nil
}

// apiVersions are the listed api-versions of other types; the engine accepts any.
func apiVersions() []string { return []string{"2024-05-01", "2023-09-01", "2022-09-01", "2021-04-01"} }

func (a *Azure) providers(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	all := []any{}
	for _, namespace := range slices.Sorted(maps.Keys(namespaces())) {
		one, err := a.showProvider(ctx, call.Values["subscription"], namespace)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return values(all), nil
}

func (a *Azure) oneProvider(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	namespace := canonicalNamespace(call.Values["namespace"])
	if namespace == "" {
		return nil, resources.Refuse(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", call.Values["namespace"])
	}
	body, err := a.showProvider(ctx, call.Values["subscription"], namespace)
	return &resources.Answer{Status: http.StatusOK, Body: body}, err
}

func canonicalNamespace(name string) string {
	for namespace := range namespaces() {
		if arm.EqualFold(namespace, name) {
			return namespace
		}
	}
	return ""
}

func (a *Azure) showProvider(ctx context.Context, subscription, namespace string) (map[string]any, error) {
	versions, err := a.versions(namespace)
	if err != nil {
		return nil, err
	}
	types := []any{}
	names := a.Engine.Types(namespace)
	slices.Sort(names)
	for _, name := range names {
		types = append(types, showType(namespace, name[len(namespace)+1:], versions))
	}
	body := map[string]any{"namespace": namespace, "resourceTypes": types, "id": "/providers/" + namespace}
	if subscription != "" {
		state, err := a.registration(ctx, subscription, namespace)
		if err != nil {
			return nil, err
		}
		body["id"] = "/subscriptions/" + subscription + "/providers/" + namespace
		body["registrationState"], body["registrationPolicy"] = state, "RegistrationRequired"
	}
	return body, nil
}

// clusterRegion is the one region that the resource provider serves here.
const clusterRegion = "eastus"

// regionsOf are where resources of a type can be, by name.
func regionsOf(namespace, kind string) []string {
	switch {
	case builtIn(namespace):
		return nil
	case arm.EqualFold(namespace, providerNamespace):
		if arm.EqualFold(kind, "operations") {
			return nil
		}
		return []string{clusterRegion}
	}
	return locationNames()
}

// since are the first api-versions of types that their provider has not had from the start.
var since = map[string]string{
	"microsoft.redhatopenshift/locations/openshiftversions":                "2022-09-04",
	"microsoft.redhatopenshift/locations/platformworkloadidentityrolesets": "2024-08-12-preview",
}

// showType is a type of a provider in its listing.
func showType(namespace, kind string, versions []string) map[string]any {
	if first := since[arm.ToLower(namespace+"/"+kind)]; first != "" {
		versions = versions[:slices.Index(versions, first)+1]
	}
	places := []any{}
	for _, region := range regionsOf(namespace, kind) {
		places = append(places, locations()[region])
	}
	capabilities := "None"
	if tracked := !strings.Contains(kind, "/") && kind != "locations" && kind != "operations"; tracked && len(places) > 0 {
		capabilities = "SupportsTags, SupportsLocation"
		if !arm.EqualFold(namespace, providerNamespace) {
			capabilities = "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, " + capabilities
		}
	}
	return map[string]any{"resourceType": kind, "locations": places, "apiVersions": versions, "defaultApiVersion": versions[0], "capabilities": capabilities}
}

// builtIn providers are registered in every subscription, for ever.
func builtIn(namespace string) bool {
	return slices.Contains([]string{"Microsoft.Resources", "Microsoft.Authorization", "Microsoft.Features"}, namespace)
}

// operations answers what can be done with the types of a provider, as roles name it.
func (a *Azure) operations(_ context.Context, call *resources.Call) (*resources.Answer, error) {
	namespace := canonicalNamespace(call.Values["namespace"])
	if namespace == "" {
		return nil, resources.Refuse(http.StatusNotFound, "ProviderNotFound", "Provider '%s' not found.", call.Values["namespace"])
	}
	return &resources.Answer{Status: http.StatusOK, Body: a.showOperations(namespace)}, nil
}

func (a *Azure) allOperations(context.Context, *resources.Call) (*resources.Answer, error) {
	all := []any{}
	for _, namespace := range slices.Sorted(maps.Keys(namespaces())) {
		all = append(all, a.showOperations(namespace))
	}
	return values(all), nil
}

func (a *Azure) showOperations(namespace string) map[string]any {
	types := []any{}
	joined := joins()
	for _, t := range slices.Sorted(slices.Values(a.Engine.Types(namespace))) {
		kind := t[len(namespace)+1:]
		verbs := []string{"read", "write", "delete"}
		for _, action := range slices.Sorted(maps.Keys(a.Engine.Behaviour(t).Actions)) {
			verbs = append(verbs, action+"/action")
		}
		if action, ok := strings.CutPrefix(joined[arm.ToLower(t)], t+"/"); ok && strings.HasSuffix(action, "/action") {
			verbs = append(verbs, action)
		}
		operations := []any{}
		for _, verb := range verbs {
			operations = append(operations, map[string]any{"name": t + "/" + verb, "displayName": verb + " " + kind, "description": verb + " " + kind, "origin": "user,system", "isDataAction": false, "properties": nil})
		}
		types = append(types, map[string]any{"name": kind, "displayName": kind, "operations": operations})
	}
	return map[string]any{
		"id": "/providers/Microsoft.Authorization/providerOperations/" + namespace, "name": namespace, "displayName": namespace,
		"type": "Microsoft.Authorization/providerOperations", "resourceTypes": types, "operations": []any{},
	}
}

// unregistrable refuses to unregister a provider that the subscription uses.
func (a *Azure) unregistrable(ctx context.Context, subscription, namespace string) error {
	if builtIn(namespace) {
		return resources.Refuse(http.StatusConflict, "CannotUnregisterProvider", "The resource provider '%s' cannot be unregistered.", namespace)
	}
	all, err := a.Engine.Below(ctx, "/subscriptions/"+subscription, "")
	if err != nil {
		return err
	}
	for _, r := range all {
		if strings.HasPrefix(arm.ToLower(r.Type), arm.ToLower(namespace)+"/") {
			return resources.Refuse(http.StatusConflict, "CannotUnregisterProvider", "The resource provider '%s' cannot be unregistered because the subscription has resources of it, such as '%s'. Delete them first.", namespace, r.ID)
		}
	}
	return nil
}

// registration is the state of a provider in a subscription.
func (a *Azure) registration(ctx context.Context, subscription, namespace string) (string, error) {
	state := "NotRegistered"
	if builtIn(namespace) {
		state = registered
	}
	_, err := a.State.Get(ctx, registrationKind, registrationKey(subscription, namespace), &state)
	return state, err
}

func registrationKey(subscription, namespace string) string {
	return strings.ToLower(subscription + "/" + namespace)
}

func (a *Azure) setRegistration(ctx context.Context, call *resources.Call, state string) (*resources.Answer, error) {
	namespace, subscription := canonicalNamespace(call.Values["namespace"]), call.Values["subscription"]
	if namespace == "" {
		return a.oneProvider(ctx, call)
	}
	if state == unregistered {
		if err := a.unregistrable(ctx, subscription, namespace); err != nil {
			return nil, err
		}
	}
	if err := a.State.Put(ctx, registrationKind, registrationKey(subscription, namespace), state); err != nil {
		return nil, err
	}
	if arm.EqualFold(namespace, providerNamespace) {
		if err := a.grantProvider(ctx, subscription); err != nil {
			return nil, err
		}
		if err := a.provider.announce(ctx, subscription, state); err != nil {
			a.Log.Warn("the resource provider hears of the subscription later", "subscription", subscription, "error", err)
		}
	}
	return a.oneProvider(ctx, call)
}

// registered refuses to write resources of a provider that the subscription did
// not register. Clients register it and try again.
func (a *Azure) registered(ctx context.Context, call *resources.Call) error {
	if !strings.Contains(resources.Key(call.Path), "/providers/") || call.Method != http.MethodPut && !isForwarded(call.Path) {
		return nil
	}
	id, err := resources.Parse(call.Path)
	if err != nil {
		return err
	}
	subscription := resources.Subscription(call.Path)
	if subscription == "" {
		return nil
	}
	namespace := canonicalNamespace(id.Namespace)
	if namespace == "" {
		return nil
	}
	state, err := a.registration(ctx, subscription, namespace)
	if err != nil || state == registered {
		return err
	}
	return resources.Refuse(http.StatusConflict, "MissingSubscriptionRegistration", "The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register subscriptions.", namespace)
}
