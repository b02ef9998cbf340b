package preflight

import (
	"context"
	"strings"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

// everywhere is the prefix of a default route. Routes for its two halves have the
// same effect.
const everywhere = "0.0.0.0/0"

var halves = [2]string{"0.0.0.0/1", "128.0.0.0/1"}

// defaultRoutes finds subnets without a default route, if the customer provides the
// routes. Running clusters are not checked, because their routes work.
func (r *run) defaultRoutes(ctx context.Context, found *report) {
	if r.c.Properties.NetworkProfile.OutboundType != model.UserDefinedRouting {
		return
	}
	tables := map[string]*armnetwork.RouteTable{}
	for _, p := range r.uniquePlaces() {
		s, _ := r.subnet(p.id)
		if s == nil || s.Properties == nil {
			continue // reported by another check
		}
		table, id := &armnetwork.RouteTable{}, ""
		if attached := s.Properties.RouteTable; attached != nil {
			id = value(attached.ID)
			if table = tables[arm.ToLower(id)]; table == nil {
				if table = r.readRoutes(ctx, p, id, found); table == nil {
					continue
				}
				tables[arm.ToLower(id)] = table
			}
		}
		r.defaultRoute(p, s, table, id, found)
	}
}

// readRoutes returns nil if the table cannot be checked.
func (r *run) readRoutes(ctx context.Context, p place, id string, found *report) *armnetwork.RouteTable {
	parsed, err := azarm.ParseResourceID(id)
	if err != nil {
		return nil
	}
	got, err := r.customer.RouteTables.Get(ctx, parsed.ResourceGroupName, parsed.Name, nil)
	switch {
	case azure.NotFound(err):
		found.add(arm.InvalidLinkedRouteTable, p.target, "The route table %q of the subnet %q does not exist. Create it, or detach it from the subnet.", id, p.id)
		return nil
	case err != nil:
		found.explain(err, r.about)
		return nil
	}
	return &got.RouteTable
}

// defaultRoute checks the next hop of the default route of one subnet.
func (r *run) defaultRoute(p place, s *armnetwork.Subnet, table *armnetwork.RouteTable, id string, found *report) {
	hops := nextHops(table)
	var hop armnetwork.RouteNextHopType
	leads := false
	switch whole, isWhole := hops[everywhere]; {
	case hops[halves[0]] != "" && hops[halves[1]] != "": // longer prefixes take precedence
		leads = true
		if hops[halves[0]] == armnetwork.RouteNextHopTypeNone || hops[halves[1]] == armnetwork.RouteNextHopTypeNone {
			hop = armnetwork.RouteNextHopTypeNone
		}
	case isWhole:
		leads, hop = true, whole
	}
	switch {
	case leads && hop == armnetwork.RouteNextHopTypeNone:
		found.add(arm.InvalidLinkedRouteTable, p.target, "The default route in the route table %q of the subnet %q has the next hop None, which drops all traffic. "+
			"Let it lead to a firewall or gateway, for outboundType is UserDefinedRouting.", id, p.id)
	case leads, s.Properties.NatGateway != nil, r.propagatesRoutes(p, table):
	case id == "":
		found.add(arm.InvalidLinkedRouteTable, p.target, "The subnet %q has no route table. Attach one with a route for %s that leads to a firewall or gateway, "+
			"for outboundType is UserDefinedRouting.", p.id, everywhere)
	default:
		found.add(arm.InvalidLinkedRouteTable, p.target, "The route table %q of the subnet %q has no route for %s. Add one that leads to a firewall or gateway, "+
			"for outboundType is UserDefinedRouting.", id, p.id, everywhere)
	}
}

// nextHops returns the next hops of a table's routes by prefix.
func nextHops(table *armnetwork.RouteTable) map[string]armnetwork.RouteNextHopType {
	hops := map[string]armnetwork.RouteNextHopType{}
	if table.Properties == nil {
		return hops
	}
	for _, route := range table.Properties.Routes {
		if route != nil && route.Properties != nil {
			hops[strings.TrimSpace(value(route.Properties.AddressPrefix))] = value(route.Properties.NextHopType)
		}
	}
	return hops
}

// propagatesRoutes reports whether gateways may propagate routes to the subnet that
// are in no table, such as the default route.
func (r *run) propagatesRoutes(p place, table *armnetwork.RouteTable) bool {
	if table.Properties != nil && value(table.Properties.DisableBgpRoutePropagation) {
		return false
	}
	id, ok := networkOf(p.id)
	if !ok {
		return false
	}
	n := r.networks[arm.ToLower(id.String())]
	return n != nil && n.gateways
}

// hasGateways reports whether a network has a gateway or route server, or uses
// those of a peered network.
func hasGateways(n *armnetwork.VirtualNetworkPropertiesFormat) bool {
	for _, s := range n.Subnets {
		if name := arm.ToLower(value(s.ID)); strings.HasSuffix(name, "/subnets/gatewaysubnet") || strings.HasSuffix(name, "/subnets/routeserversubnet") {
			return true
		}
	}
	for _, peering := range n.VirtualNetworkPeerings {
		if peering != nil && peering.Properties != nil && value(peering.Properties.UseRemoteGateways) {
			return true
		}
	}
	return false
}
