package network

import (
	"context"
	"net/http"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// effectiveRoutes are where traffic of an interface goes: as Azure sends it, unless
// the route table of the subnet has a route for the same prefix.
func (n *Network) effectiveRoutes(ctx context.Context, nic *resources.Resource, _ *resources.Call) (any, error) {
	t, err := n.topology(ctx)
	if err != nil {
		return nil, err
	}
	if t.attached(nic.ID) == "" {
		return nil, resources.Refuse(http.StatusBadRequest, "NetworkInterfaceNotAttachedToRunningVM",
			"Network interface %s must be attached to a running virtual machine to have effective routes.", nic.ID)
	}
	subnetID := ""
	for _, m := range resources.Objects(nic.Get("ipConfigurations")) {
		subnetID = refID(resources.At(m, "properties", "subnet"))
	}
	own := object{}
	routes := []any{}
	if table := t.get(refID(resources.At(t.element(subnetID), "properties", "routeTable"))); table != nil {
		for _, m := range resources.Objects(table.Get("routes")) {
			prefix := textAt(m, "properties", "addressPrefix")
			own[prefix] = true
			routes = append(routes, effectiveRoute("User", textAt(m, "name"), prefix, textAt(m, "properties", "nextHopType"), textAt(m, "properties", "nextHopIpAddress")))
		}
	}
	standard := []any{}
	if vnet := t.get(parentID(subnetID)); vnet != nil {
		list, _ := vnet.Get("addressSpace", "addressPrefixes").([]any)
		for _, value := range list {
			prefix, _ := value.(string)
			standard = append(standard, usual(own, prefix, "VnetLocal"))
		}
	}
	standard = append(standard, usual(own, "0.0.0.0/0", "Internet"))
	return object{"value": append(standard, routes...)}, nil
}

// usual is a route of Azure's own, which a route of the owner's makes invalid.
func usual(own object, prefix, hop string) object {
	route := effectiveRoute("Default", "", prefix, hop, "")
	if own[prefix] != nil {
		route["state"] = "Invalid"
	}
	return route
}

func effectiveRoute(source, name, prefix, hop, address string) object {
	addresses := []any{}
	if address != "" {
		addresses = append(addresses, address)
	}
	route := object{
		"source": source, "state": "Active", "addressPrefix": []any{prefix}, "nextHopType": hop,
		"nextHopIpAddress": addresses, "disableBgpRoutePropagation": false,
	}
	if name != "" {
		route["name"] = name
	}
	return route
}
