package network

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// reserved is how many addresses at the start of a subnet are Azure's own.
const reserved = 4

// publicRange is where public addresses of the local Azure come from: on Linux
// every one of them is this machine.
const publicRange = "127.96.0.0/16"

// assign gives the IP configurations of one resource, maps with properties, their private
// addresses: their present or requested ones, or the lowest free ones.
func (n *Network) assign(ctx context.Context, configurations []object) error {
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	taken := map[netip.Addr]bool{} // within this change
	var open []object
	for _, m := range configurations {
		properties := resources.Object(m["properties"])
		subnet := t.element(refID(properties["subnet"]))
		if subnet == nil {
			return notReferenced(textAt(m, "id"), refID(properties["subnet"]))
		}
		properties["subnet"] = ref(textAt(subnet, "id"))
		properties["privateIPAddressVersion"] = "IPv4"
		had := t.addressOf(textAt(m, "id"), textAt(subnet, "id"))
		if static(properties) || !had.IsValid() {
			open = append(open, m)
			continue
		}
		properties["privateIPAllocationMethod"], properties["privateIPAddress"] = "Dynamic", had.String()
		taken[had] = true
	}
	for _, m := range open {
		if err := t.give(m, taken); err != nil {
			return err
		}
	}
	return nil
}

func static(properties object) bool {
	return arm.EqualFold(textAt(properties, "privateIPAllocationMethod"), "Static")
}

// addressOf is what the configuration has in the subnet already.
func (t *topology) addressOf(configuration, subnet string) netip.Addr {
	for _, u := range t.users(subnet) {
		if sameID(u.id, configuration) {
			address, _ := netip.ParseAddr(u.address) // else it is not valid
			return address
		}
	}
	return netip.Addr{}
}

// give finds an address for one configuration. What its own resource has kept is
// in taken, and what it has given up is free.
func (t *topology) give(configuration object, taken map[netip.Addr]bool) error {
	id, properties := textAt(configuration, "id"), resources.Object(configuration["properties"])
	subnetID := refID(properties["subnet"])
	subnet := t.element(subnetID)
	ranges, busy := prefixes(subnet), map[netip.Addr]string{}
	for _, u := range t.users(subnetID) {
		if address, err := netip.ParseAddr(u.address); err == nil && !sameID(parentID(u.id), parentID(id)) {
			busy[address] = u.id
		}
	}
	if static(properties) {
		address, err := netip.ParseAddr(textAt(properties, "privateIPAddress"))
		if err != nil {
			return resources.Refuse(http.StatusBadRequest, "InvalidPrivateIPAddress", "The value '%s' is no IP address.", textAt(properties, "privateIPAddress"))
		}
		return mayHave(address, nameOf(subnetID), ranges, busy, taken)
	}
	address, ok := lowest(ranges, func(a netip.Addr) bool { return busy[a] != "" || taken[a] })
	if !ok {
		return resources.Refuse(http.StatusBadRequest, "SubnetIsFull", "Subnet %s with address prefix %s does not have enough capacity for 1 IP addresses.",
			nameOf(subnetID), textAt(subnet, "properties", "addressPrefix"))
	}
	properties["privateIPAllocationMethod"], properties["privateIPAddress"] = "Dynamic", address.String()
	taken[address] = true
	return nil
}

// mayHave refuses a static address that is reserved or in use.
func mayHave(address netip.Addr, subnet string, ranges []netip.Prefix, busy map[netip.Addr]string, taken map[netip.Addr]bool) error {
	switch inside := within(address, ranges); {
	case !inside.IsValid():
		return resources.Refuse(http.StatusBadRequest, "PrivateIPAddressNotInSubnet", "Private static IP address %s does not belong to the range of subnet %s.", address, subnet)
	case offLimits(address, inside):
		return resources.Refuse(http.StatusBadRequest, "PrivateIPAddressInReservedRange", "Private static IP address %s falls within reserved IP range of subnet %s.", address, subnet)
	case busy[address] != "" || taken[address]:
		return resources.Refuse(http.StatusBadRequest, "PrivateIPAddressIsAllocated", "IP configuration %s is using the private IP address %s which is already allocated to resource %s.", subnet, address, busy[address])
	}
	taken[address] = true
	return nil
}

func within(address netip.Addr, ranges []netip.Prefix) netip.Prefix {
	for _, p := range ranges {
		if p.Contains(address) {
			return p
		}
	}
	return netip.Prefix{}
}

// offLimits are the first addresses of a range, and the last.
func offLimits(address netip.Addr, p netip.Prefix) bool {
	first := p.Addr()
	for range reserved {
		if address == first {
			return true
		}
		first = first.Next()
	}
	return !p.Contains(address.Next())
}

// lowest free address of the ranges.
func lowest(ranges []netip.Prefix, busy func(netip.Addr) bool) (netip.Addr, bool) {
	for _, p := range ranges {
		for address := p.Addr(); p.Contains(address); address = address.Next() {
			if !offLimits(address, p) && !busy(address) {
				return address, true
			}
		}
	}
	return netip.Addr{}, false
}

// notReferenced is how Azure refuses a reference to what does not exist.
func notReferenced(from, to string) error {
	return resources.Refuse(http.StatusBadRequest, "InvalidResourceReference",
		"Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.", to, from)
}

// mustExist refuses a reference to what does not exist; empty refers to nothing.
func (n *Network) mustExist(ctx context.Context, from, to string) error {
	if to == "" {
		return nil
	}
	_, found, err := n.engine.Find(ctx, to)
	if err == nil && !found {
		return notReferenced(from, to)
	}
	return err
}
