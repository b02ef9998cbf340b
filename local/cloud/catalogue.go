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

const (
	registrationKind = "registration"
	featureKind      = "feature"
)

// Registration states of providers and features.
const (
	registered   = "Registered"
	unregistered = "Unregistered"
)

// locations by name.
func locations() map[string]string {
	return map[string]string{
		"eastus": "East US", "eastus2": "East US 2", "westus": "West US", "westus2": "West US 2", "westus3": "West US 3",
		"centralus": "Central US", "northeurope": "North Europe", "westeurope": "West Europe", "uksouth": "UK South", "australiaeast": "Australia East",
	}
}

func locationNames() []string { return slices.Sorted(maps.Keys(locations())) }

// namespaces of the providers there are, and the types that no behaviour names.
func namespaces() map[string][]string {
	return map[string][]string{
		"Microsoft.Authorization":     {"roleAssignments", "roleDefinitions", "denyAssignments", "permissions", "locks"},
		"Microsoft.Compute":           {"virtualMachines", "virtualMachines/extensions", "disks", "snapshots", "images", "diskEncryptionSets", "availabilitySets", "galleries", "galleries/images", "galleries/images/versions", "skus", "locations", "locations/usages"},
		"Microsoft.Features":          {"features", "providers"},
		"Microsoft.Insights":          {"actionGroups", "metricAlerts", "activityLogAlerts", "eventtypes", "metrics"},
		"Microsoft.KeyVault":          {"vaults", "vaults/secrets", "vaults/keys", "vaults/accessPolicies"},
		"Microsoft.ManagedIdentity":   {"userAssignedIdentities", "userAssignedIdentities/federatedIdentityCredentials"},
		"Microsoft.Network":           {"virtualNetworks", "virtualNetworks/subnets", "virtualNetworks/virtualNetworkPeerings", "networkSecurityGroups", "networkSecurityGroups/securityRules", "routeTables", "routeTables/routes", "natGateways", "networkInterfaces", "publicIPAddresses", "publicIPPrefixes", "loadBalancers", "privateLinkServices", "privateEndpoints", "privateEndpoints/privateDnsZoneGroups", "privateDnsZones", "privateDnsZones/A", "privateDnsZones/virtualNetworkLinks", "dnsZones", "dnsZones/A", "locations/usages"},
		"Microsoft.RedHatOpenShift":   {"openShiftClusters", "locations", "locations/openShiftVersions", "operations"},
		"Microsoft.Resources":         {"deployments", "resourceGroups", "subscriptions", "tags"},
		"Microsoft.Storage":           {"storageAccounts", "storageAccounts/blobServices", "storageAccounts/blobServices/containers"},
		"Microsoft.ContainerRegistry": {"registries"},
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

// apiVersions is what providers say of other types; the engine accepts any.
func apiVersions() []string { return []string{"2024-05-01", "2023-09-01", "2022-09-01", "2021-04-01"} }

// catalogueRoutes answers what describes the cloud rather than resources in it.
func (a *Azure) catalogueRoutes() {
	for namespace, types := range namespaces() {
		for _, t := range types {
			a.Engine.Name(namespace + "/" + t)
		}
	}
	get := func(pattern string, handler resources.Handler) { a.Engine.Route(http.MethodGet, pattern, handler) }
	get("/tenants", a.tenants)
	get("/subscriptions", a.subscriptions)
	get("/subscriptions/{subscription}", a.subscription)
	get("/subscriptions/{subscription}/locations", a.locations)
	get("/providers", a.providers)
	get("/providers/{namespace}", a.oneProvider)
	get("/subscriptions/{subscription}/providers", a.providers)
	get("/subscriptions/{subscription}/providers/{namespace}", a.oneProvider)
	get("/subscriptions/{subscription}/tagNames", func(context.Context, *resources.Call) (*resources.Answer, error) { return values([]any{}), nil })
	for verb, state := range map[string]string{"register": registered, "unregister": unregistered} {
		a.Engine.Route(http.MethodPost, "/subscriptions/{subscription}/providers/{namespace}/"+verb, func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
			return a.setRegistration(ctx, call, state)
		})
		a.Engine.Route(http.MethodPost, "/subscriptions/{subscription}/providers/Microsoft.Features/providers/{namespace}/features/{feature}/"+verb, func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
			key := featureKey(call)
			if err := a.State.Put(ctx, featureKind, key, state); err != nil {
				return nil, err
			}
			return a.feature(ctx, call)
		})
	}
	get("/subscriptions/{subscription}/providers/Microsoft.Features/providers/{namespace}/features/{feature}", a.feature)
	get("/subscriptions/{subscription}/providers/Microsoft.Features/providers/{namespace}/features", a.features)
	get("/subscriptions/{subscription}/providers/Microsoft.Features/features", a.features)
	get("/subscriptions/{subscription}/providers/Microsoft.Compute/skus", a.skus)
}

func values(all []any) *resources.Answer {
	return &resources.Answer{Status: http.StatusOK, Body: map[string]any{"value": all}}
}

func (a *Azure) tenants(context.Context, *resources.Call) (*resources.Answer, error) {
	return values([]any{map[string]any{"id": "/tenants/" + TenantID, "tenantId": TenantID, "displayName": "Local", "defaultDomain": "local.test", "tenantType": "AAD", "countryCode": "US", "domains": []string{"local.test"}}}), nil
}

// subscriptions lists those in which the caller has any role.
func (a *Azure) subscriptions(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	all, err := a.Engine.Below(ctx, "/subscriptions", "Microsoft.Resources/subscriptions")
	if err != nil {
		return nil, err
	}
	seen := []any{}
	for _, r := range all {
		some, err := a.Engine.Below(ctx, r.ID, "Microsoft.Authorization/roleAssignments")
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(some, func(one *resources.Resource) bool {
			return arm.EqualFold(one.Text("principalId"), call.Caller.ObjectID)
		}) {
			seen = append(seen, showSubscription(r))
		}
	}
	answer := values(seen)
	answer.Body.(map[string]any)["count"] = map[string]any{"type": "Total", "value": len(seen)}
	return answer, nil
}

func (a *Azure) subscription(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	r, err := a.Engine.Get(ctx, call.Path)
	if err != nil {
		return nil, err
	}
	return &resources.Answer{Status: http.StatusOK, Body: showSubscription(r)}, nil
}

func showSubscription(r *resources.Resource) map[string]any {
	return map[string]any{
		"id": r.ID, "subscriptionId": r.Name, "displayName": r.Text("displayName"), "state": "Enabled", "tenantId": tenantOf(r), "homeTenantId": tenantOf(r),
		"managedByTenants": []any{}, "authorizationSource": "RoleBased",
		"subscriptionPolicies": map[string]any{"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
	}
}

func (a *Azure) locations(_ context.Context, call *resources.Call) (*resources.Answer, error) {
	all := []any{}
	for _, name := range locationNames() {
		display := locations()[name]
		zones := []any{}
		for _, zone := range []string{"1", "2", "3"} {
			zones = append(zones, map[string]any{"logicalZone": zone, "physicalZone": name + "-az" + zone})
		}
		all = append(all, map[string]any{
			"id": "/subscriptions/" + call.Values["subscription"] + "/locations/" + name, "name": name, "type": "Region", "displayName": display, "regionalDisplayName": display,
			"metadata": map[string]any{"regionType": "Physical", "regionCategory": "Recommended", "geographyGroup": "Local"}, "availabilityZoneMappings": zones,
		})
	}
	return values(all), nil
}

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
		types = append(types, map[string]any{
			"resourceType": name[len(namespace)+1:], "locations": slices.Sorted(maps.Values(locations())), "apiVersions": versions,
			"defaultApiVersion": versions[0], "capabilities": "CrossResourceGroupResourceMove, SupportsTags, SupportsLocation",
		})
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

// registration is the state of a provider in a subscription.
func (a *Azure) registration(ctx context.Context, subscription, namespace string) (string, error) {
	state := "NotRegistered"
	if namespace == "Microsoft.Resources" || namespace == "Microsoft.Authorization" || namespace == "Microsoft.Features" {
		state = registered // Azure has these registered everywhere
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
	if call.Method != http.MethodPut && !isForwarded(call.Path) {
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

func featureKey(call *resources.Call) string {
	return strings.ToLower(call.Values["subscription"] + "/" + call.Values["namespace"] + "/" + call.Values["feature"])
}

func (a *Azure) feature(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	state := "NotRegistered"
	if _, err := a.State.Get(ctx, featureKind, featureKey(call), &state); err != nil {
		return nil, err
	}
	return &resources.Answer{Status: http.StatusOK, Body: showFeature(call.Values["subscription"], call.Values["namespace"], call.Values["feature"], state)}, nil
}

func showFeature(subscription, namespace, feature, state string) map[string]any {
	return map[string]any{
		"id":   "/subscriptions/" + subscription + "/providers/Microsoft.Features/providers/" + namespace + "/features/" + feature,
		"name": namespace + "/" + feature, "type": "Microsoft.Features/providers/features", "properties": map[string]any{"state": state},
	}
}

// features lists those that somebody registered or unregistered.
func (a *Azure) features(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	prefix := strings.ToLower(call.Values["subscription"] + "/")
	if namespace := call.Values["namespace"]; namespace != "" {
		prefix += strings.ToLower(namespace) + "/"
	}
	entries, err := a.State.List(ctx, featureKind, prefix)
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, entry := range entries {
		parts := strings.Split(entry.Key, "/")
		all = append(all, showFeature(parts[0], parts[1], parts[2], strings.Trim(string(entry.Value), `"`)))
	}
	return values(all), nil
}
