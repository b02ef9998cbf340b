package nsg

import (
	"net/netip"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
)

// side is what an end of a rule covers of a cluster.
type side string

// The sides.
const (
	master   side = "master"
	worker   side = "worker"
	anywhere side = "any"
	network  side = "VirtualNetwork"
)

// cut are the pairs of sides that must reach each other, in either direction. Workers
// among themselves may be kept apart.
var cut = map[[2]side]bool{
	{master, master}: true, {master, worker}: true, {master, anywhere}: true, {worker, anywhere}: true, {anywhere, anywhere}: true,
	{master, network}: true, {worker, network}: true, {network, anywhere}: true, {network, network}: true,
}

// sides are the address ranges of a cluster's machines.
type sides struct{ masters, workers []netip.Prefix }

func newSides(masters *armnetwork.Subnet, workers []*armnetwork.Subnet) sides {
	s := sides{masters: ranges(prefixesOf(masters))}
	for _, w := range workers {
		s.workers = append(s.workers, ranges(prefixesOf(w))...)
	}
	return s
}

func ranges(texts []string) (list []netip.Prefix) {
	for _, t := range texts {
		if p, ok := parse(t); ok {
			list = append(list, p)
		}
	}
	return list
}

// parse reads a range, or an address as the range of it alone.
func parse(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// cutBy reports whether a rule denies what the machines of a cluster need.
func (s sides) cutBy(p *armnetwork.SecurityRulePropertiesFormat) bool {
	if value(p.Access) == armnetwork.SecurityRuleAccessAllow {
		return false
	}
	for _, from := range s.of(sources(p)) {
		for _, to := range s.of(destinations(p)) {
			if cut[[2]side{from, to}] || cut[[2]side{to, from}] {
				return true
			}
		}
	}
	return false
}

// of are the sides that an end covers. Service tags other than VirtualNetwork are none.
func (s sides) of(texts []string) (found []side) {
	for _, t := range texts {
		switch {
		case t == "*":
			found = append(found, anywhere)
		case arm.EqualFold(t, string(network)):
			found = append(found, network)
		default:
			p, ok := parse(t)
			if ok && overlaps(p, s.masters) {
				found = append(found, master)
			}
			if ok && overlaps(p, s.workers) {
				found = append(found, worker)
			}
		}
	}
	return found
}

func overlaps(p netip.Prefix, list []netip.Prefix) bool {
	for _, other := range list {
		if p.Overlaps(other) {
			return true
		}
	}
	return false
}
