package cloud

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
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
	get("/providers/Microsoft.Authorization/providerOperations", a.allOperations)
	get("/providers/Microsoft.Authorization/providerOperations/{namespace}", a.operations)
	a.Engine.Route(http.MethodPost, resourceGraph, func(context.Context, *resources.Call) (*resources.Answer, error) {
		return nil, refuse("NotOffered", "Azure Resource Graph is not offered by the local Azure. GET /subscriptions/{subscriptionId}/resources lists the resources of a subscription.")
	})
	a.tagRoutes()
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
	get("/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/vmSizes", a.vmSizes)
}

// resourceGraph is the path of queries over all resources.
const resourceGraph = "/providers/Microsoft.ResourceGraph/resources"

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

// features lists those that were registered or unregistered.
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
