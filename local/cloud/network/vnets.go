package network

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"github.com/aro-rp/aro/local/cloud/resources"
)

func (n *Network) virtualNetworks() resources.Behaviour {
	return resources.Behaviour{
		Views:  map[string]resources.Action{"CheckIPAddressAvailability": {Run: n.availability}},
		Embeds: []string{"subnets", "virtualNetworkPeerings"},
		Keeps:  []string{"subnets", "virtualNetworkPeerings"},
		Put: func(_ context.Context, c *resources.Change) error {
			c.New.Default(false, "enableDdosProtection")
			identified(c)
			return checkRanges(c.New)
		},
		InUse: func(ctx context.Context, r *resources.Resource) error {
			for _, m := range resources.Objects(r.Get("subnets")) {
				if err := n.subnetInUse(ctx, textAt(m, "id")); err != nil {
					return err
				}
			}
			return nil
		},
		Show: func(ctx context.Context, r *resources.Resource, query url.Values) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			if fromVersion(query, "2024-01-01") {
				r.Default("Disabled", "privateEndpointVNetPolicies")
			}
			for _, m := range resources.Objects(r.Get("subnets")) {
				t.decorateSubnet(textAt(m, "id"), resources.Object(m["properties"]))
			}
			return nil
		},
	}
}

func (n *Network) subnets() resources.Behaviour {
	return resources.Behaviour{
		Put: n.putSubnet,
		InUse: func(ctx context.Context, r *resources.Resource) error {
			return n.subnetInUse(ctx, r.ID)
		},
		Show: func(ctx context.Context, r *resources.Resource, _ url.Values) error {
			t, err := n.topology(ctx)
			if err == nil {
				t.decorateSubnet(r.ID, r.Properties)
			}
			return err
		},
	}
}

func (n *Network) putSubnet(ctx context.Context, c *resources.Change) error {
	r := c.New
	for _, worked := range []string{"ipConfigurations", "privateEndpoints", "purpose", "resourceNavigationLinks", "serviceAssociationLinks", "ipConfigurationProfiles"} {
		r.Set(nil, worked)
	}
	r.Default("Disabled", "privateEndpointNetworkPolicies")
	r.Default("Enabled", "privateLinkServiceNetworkPolicies")
	r.Default([]any{}, "delegations")
	for _, m := range resources.Objects(r.Get("delegations")) {
		delegate(r, m)
	}
	for _, m := range resources.Objects(r.Get("serviceEndpoints")) {
		m["provisioningState"] = resources.Succeeded
		if locations, _ := m["locations"].([]any); len(locations) == 0 {
			m["locations"] = []any{"*"}
		}
	}
	for _, property := range []string{"networkSecurityGroup", "routeTable", "natGateway"} {
		id := refID(r.Get(property))
		if err := n.mustExist(ctx, r.ID, id); err != nil {
			return err
		}
		if id == "" {
			r.Set(nil, property)
		} else {
			r.Set(ref(id), property) // a whole object may have come back from an expanded GET
		}
	}
	if c.Old == nil || slices.Equal(prefixes(c.Old.Shown()), prefixes(r.Shown())) {
		return nil
	}
	return n.keepAddresses(ctx, r)
}

// delegate completes the delegation of a subnet to a service.
func delegate(subnet *resources.Resource, delegation object) {
	delegation["id"] = subnet.ID + "/delegations/" + textAt(delegation, "name")
	delegation["type"] = subnets + "/delegations"
	delegation["etag"] = subnet.Etag
	resources.Place(delegation, resources.Succeeded, "properties", "provisioningState")
	resources.Place(delegation, []any{"Microsoft.Network/virtualNetworks/subnets/join/action"}, "properties", "actions")
}

// availability answers whether a private address is free, and otherwise which ones are.
func (n *Network) availability(ctx context.Context, vnet *resources.Resource, call *resources.Call) (any, error) {
	wanted, err := netip.ParseAddr(call.Query.Get("ipaddress"))
	if err != nil {
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidIPAddressFormat", "The value '%s' is not an IP address.", call.Query.Get("ipaddress"))
	}
	t, err := n.topology(ctx)
	if err != nil {
		return nil, err
	}
	const most = 5
	free, available := []any{}, false
	for _, subnet := range resources.Objects(vnet.Get("subnets")) {
		busy := map[netip.Addr]bool{}
		for _, u := range t.users(textAt(subnet, "id")) {
			if address, err := netip.ParseAddr(u.address); err == nil {
				busy[address] = true
			}
		}
		for _, p := range prefixes(subnet) {
			if p.Contains(wanted) && !busy[wanted] && !offLimits(wanted, p) {
				available = true
			}
		}
		for len(free) < most {
			address, ok := lowest(prefixes(subnet), func(a netip.Addr) bool { return busy[a] || a.Less(wanted) })
			if !ok {
				break
			}
			busy[address] = true
			free = append(free, address.String())
		}
	}
	answer := object{"available": available, "isPlatformReserved": false}
	if !available {
		answer["availableIPAddresses"] = free
	}
	return answer, nil
}

// keepAddresses refuses to take a range from under those who have addresses of it.
func (n *Network) keepAddresses(ctx context.Context, subnet *resources.Resource) error {
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	ranges := prefixes(subnet.Shown())
	for _, u := range t.users(subnet.ID) {
		if address, err := netip.ParseAddr(u.address); err == nil && !within(address, ranges).IsValid() {
			return resources.Refuse(http.StatusBadRequest, "InUsePrefixCannotBeDeleted", "IpPrefix of subnet %s is in use by %s and cannot be deleted.", subnet.Name, u.id)
		}
	}
	return nil
}

func (n *Network) subnetInUse(ctx context.Context, id string) error {
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	for _, u := range t.users(id) {
		return resources.Refuse(http.StatusBadRequest, "InUseSubnetCannotBeDeleted", "Subnet %s is in use by %s and cannot be deleted. "+
			"In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.", nameOf(id), u.id)
	}
	return nil
}

// decorateSubnet adds who uses the subnet.
func (t *topology) decorateSubnet(id string, properties object) {
	var configurations []string
	for _, u := range t.users(id) {
		configurations = append(configurations, u.id)
	}
	if configurations != nil {
		properties["ipConfigurations"] = refs(configurations)
	}
	if endpoints := t.using(privateEndpoints, id, "subnet"); endpoints != nil {
		properties["privateEndpoints"] = refs(endpoints)
		properties["purpose"] = "PrivateEndpoints"
	}
}

// checkRanges requires that subnets lie inside of their network and do not overlap.
func checkRanges(vnet *resources.Resource) error {
	var space []netip.Prefix
	list, _ := vnet.Get("addressSpace", "addressPrefixes").([]any)
	for _, value := range list {
		s, _ := value.(string)
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return resources.Refuse(http.StatusBadRequest, "InvalidAddressPrefixFormat", "Address prefix %s of resource %s is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24.", s, vnet.ID)
		}
		space = append(space, p)
	}
	if len(space) == 0 {
		return resources.Refuse(http.StatusBadRequest, "VnetAddressSpaceMissing", "Virtual network %s has no address prefix.", vnet.Name)
	}
	type owned struct {
		netip.Prefix
		name string
	}
	var seen []owned
	for _, subnet := range resources.Objects(vnet.Get("subnets")) {
		name := textAt(subnet, "name")
		ranges := prefixes(subnet)
		if len(ranges) == 0 {
			return resources.Refuse(http.StatusBadRequest, "InvalidCIDRNotation", "The address prefix of subnet %s in virtual network %s has an invalid CIDR notation.", name, vnet.Name)
		}
		for _, p := range ranges {
			if !slices.ContainsFunc(space, func(s netip.Prefix) bool { return s.Bits() <= p.Bits() && s.Contains(p.Addr()) }) {
				return resources.Refuse(http.StatusBadRequest, "NetcfgInvalidSubnet", "Subnet '%s' is not valid because its IP address range is outside the IP address range of virtual network '%s'.", name, vnet.Name)
			}
			for _, other := range seen {
				if other.Overlaps(p) {
					return resources.Refuse(http.StatusBadRequest, "NetcfgSubnetRangesOverlap", "Subnet '%s' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '%s'.", name, vnet.Name)
				}
			}
			seen = append(seen, owned{p, name})
		}
	}
	return nil
}
