package network

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// instances are those of scale sets. Their addresses and pools are what the scale set
// gave them, which is not shown to callers.
const instances = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"

// Allocate finds the lowest address of a subnet that is free.
func (n *Network) Allocate(ctx context.Context, subnet string) (string, error) {
	t, err := n.topology(ctx)
	if err != nil {
		return "", err
	}
	element := t.element(subnet)
	if element == nil {
		return "", notReferenced("the scale set", subnet)
	}
	busy := map[netip.Addr]bool{}
	for _, u := range t.users(subnet) {
		if address, err := netip.ParseAddr(u.address); err == nil {
			busy[address] = true
		}
	}
	address, ok := lowest(prefixes(element), func(a netip.Addr) bool { return busy[a] })
	if !ok {
		return "", resources.Refuse(http.StatusBadRequest, "SubnetIsFull", "Subnet %s does not have enough capacity for 1 IP addresses.", nameOf(subnet))
	}
	return address.String(), nil
}

// localText is what the scale set remembers of an instance.
func localText(r *resources.Resource, member string) string {
	s, _ := r.Local[member].(string)
	return s
}

// instanceUsers are the addresses of instances.
func (t *topology) instanceUsers(subnet string) []user {
	var all []user
	for _, r := range t.of(instances) {
		u := user{id: r.ID, subnet: localText(r, "subnet"), address: localText(r, "address")}
		if u.subnet != "" && (subnet == "" || sameID(u.subnet, subnet)) {
			all = append(all, u)
		}
	}
	return all
}

// instancesIn are the instances that are members of a pool.
func (t *topology) instancesIn(pool string) []*resources.Resource {
	var all []*resources.Resource
	for _, r := range t.of(instances) {
		members, _ := r.Local["pools"].([]any)
		for _, member := range members {
			if id, _ := member.(string); sameID(id, pool) {
				all = append(all, r)
			}
		}
	}
	return all
}

// DialPublic opens a connection for a client outside of all virtual networks: names resolve by the
// public DNS zones of the local Azure, other names by the system.
func (n *Network) DialPublic(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil {
		t, err := n.topology(ctx)
		if err != nil {
			return nil, err
		}
		if known := t.lookUp("", host); known != "" {
			address = net.JoinHostPort(known, port)
		}
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}
