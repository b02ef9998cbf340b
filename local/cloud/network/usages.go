package network

import (
	"context"
	"net/http"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// limits of a subscription in a location.
func limits() []struct {
	name, label, resourceType string
	limit                     int
} {
	return []struct {
		name, label, resourceType string
		limit                     int
	}{
		{"VirtualNetworks", "Virtual Networks", virtualNetworks, 1000},
		{"NetworkSecurityGroups", "Network Security Groups", securityGroups, 5000},
		{"PublicIPAddresses", "Public IP Addresses", publicIPAddresses, 1000},
		{"StandardSkuPublicIpAddresses", "Public IPv4 Addresses - Standard", publicIPAddresses, 1000},
		{"NetworkInterfaces", "Network Interfaces", interfaces, 65536},
		{"LoadBalancers", "Load Balancers", loadBalancers, 1000},
		{"StandardSkuLoadBalancers", "Standard Sku Load Balancers", loadBalancers, 1000},
		{"PrivateEndpoints", "Private Endpoints", privateEndpoints, 65536},
		{"PrivateLinkServices", "Private Link Services", privateLinkServices, 800},
		{"RouteTables", "Route Tables", routeTables, 200},
		{"NatGateways", "Nat Gateways", natGateways, 1000},
	}
}

// usages answers how much of its limits a subscription uses.
func (n *Network) usages() {
	n.engine.Route(http.MethodGet, "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/usages",
		func(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
			t, err := n.topology(ctx)
			if err != nil {
				return nil, err
			}
			value := []any{}
			location := resources.Location(call.Values["location"])
			for _, l := range limits() {
				value = append(value, object{
					"id":           call.Path + "/" + l.name,
					"name":         object{"value": l.name, "localizedValue": l.label},
					"unit":         "Count",
					"currentValue": t.count(l.resourceType, call.Values["subscription"], location),
					"limit":        l.limit,
				})
			}
			return &resources.Answer{Status: http.StatusOK, Body: object{"value": value}}, nil
		})
}

func (t *topology) count(resourceType, subscription, location string) int {
	count := 0
	for _, r := range t.of(resourceType) {
		if resources.Key(resources.Subscription(r.ID)) == resources.Key(subscription) && r.Location == location {
			count++
		}
	}
	return count
}

// withinQuota refuses a new resource where the limit is reached.
func withinQuota(t *topology, r *resources.Resource, name, resourceType, code string) error {
	for _, l := range limits() {
		if l.name == name && t.count(resourceType, resources.Subscription(r.ID), r.Location) >= l.limit {
			return resources.Refuse(http.StatusBadRequest, code, "Cannot create more than %d %s for this subscription in this region.", l.limit, l.label)
		}
	}
	return nil
}
