package network

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// topology is all that exists of the types that matter, at one moment.
type topology struct {
	snapshot *resources.Snapshot
	byType   map[string][]*resources.Resource // by lower-case type, sorted by id
	byID     map[string]*resources.Resource   // by key
}

// known are the types that a topology has.
func known() []string {
	types := []string{
		virtualNetworks, securityGroups, routeTables, natGateways, interfaces, publicIPAddresses, loadBalancers,
		privateLinkServices, privateEndpoints, virtualMachines, instances, dnsZones, privateDNSZones, networkLinks,
	}
	return append(types, dnsZones+"/A", privateDNSZones+"/A")
}

// read reads what exists; resources that are as in an earlier topology are shared with it.
func read(ctx context.Context, engine *resources.Engine, earlier *topology) (*topology, error) {
	t := &topology{byType: map[string][]*resources.Resource{}, byID: map[string]*resources.Resource{}}
	var before *resources.Snapshot
	if earlier != nil {
		before = earlier.snapshot
	}
	var err error
	if t.snapshot, err = engine.Snapshot(ctx, known(), before); err != nil {
		return nil, err
	}
	for _, r := range t.snapshot.Resources() {
		t.byID[resources.Key(r.ID)] = r
		resourceType := strings.ToLower(r.Type)
		t.byType[resourceType] = append(t.byType[resourceType], r)
	}
	return t, nil
}

func (t *topology) of(resourceType string) []*resources.Resource {
	return t.byType[strings.ToLower(resourceType)]
}

// get is the resource, nil if there is none.
func (t *topology) get(id string) *resources.Resource { return t.byID[resources.Key(id)] }

// element is one that a resource embeds, by its own id; nil if there is none.
func (t *topology) element(id string) object {
	parsed, err := resources.Parse(id)
	if err != nil || len(parsed.Types) < 2 {
		return nil
	}
	parent := t.get(parsed.Parent())
	if parent == nil {
		return nil
	}
	for member, elements := range parent.Properties {
		if !arm.EqualFold(member, parsed.Last()) {
			continue
		}
		for _, m := range resources.Objects(elements) {
			if arm.EqualFold(textAt(m, "name"), parsed.Name()) {
				return m
			}
		}
	}
	return nil
}

// user is something that has a private address in a subnet.
type user struct {
	id      string // of the IP configuration or frontend
	subnet  string
	address string
}

// users of private addresses, those of one subnet if it is named.
func (t *topology) users(subnet string) []user {
	var all []user
	collect := func(r *resources.Resource, member string) {
		for _, m := range resources.Objects(r.Get(member)) {
			u := user{id: textAt(m, "id"), subnet: refID(resources.At(m, "properties", "subnet")), address: textAt(m, "properties", "privateIPAddress")}
			if u.subnet != "" && (subnet == "" || sameID(u.subnet, subnet)) {
				all = append(all, u)
			}
		}
	}
	for _, r := range t.of(interfaces) {
		collect(r, "ipConfigurations")
	}
	for _, r := range t.of(loadBalancers) {
		collect(r, "frontendIPConfigurations")
	}
	return append(all, t.instanceUsers(subnet)...)
}

// using are the ids of resources of a type whose property refers to id.
func (t *topology) using(resourceType, id string, path ...string) []string {
	var ids []string
	for _, r := range t.of(resourceType) {
		if target := refID(r.Get(path...)); target != "" && sameID(target, id) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// subnetsUsing are the ids of subnets whose property refers to id.
func (t *topology) subnetsUsing(property, id string) []string {
	var ids []string
	for _, vnet := range t.of(virtualNetworks) {
		for _, subnet := range resources.Objects(vnet.Get("subnets")) {
			if target := refID(resources.At(subnet, "properties", property)); target != "" && sameID(target, id) {
				ids = append(ids, textAt(subnet, "id"))
			}
		}
	}
	return ids
}

// elementsUsing are the ids of elements of a type whose property refers to id, or
// has a reference to it in its list.
func (t *topology) elementsUsing(resourceType, member, property, id string) []string {
	var ids []string
	for _, r := range t.of(resourceType) {
		for _, m := range resources.Objects(r.Get(member)) {
			value := resources.At(m, "properties", property)
			if target := refID(value); target != "" && sameID(target, id) || slices.ContainsFunc(refIDs(value), func(one string) bool { return sameID(one, id) }) {
				ids = append(ids, textAt(m, "id"))
			}
		}
	}
	return ids
}

// attached is the machine that has the interface, or empty.
func (t *topology) attached(nic string) string {
	for _, vm := range t.of(virtualMachines) {
		if slices.ContainsFunc(refIDs(vm.Get("networkProfile", "networkInterfaces")), func(id string) bool { return sameID(id, nic) }) {
			return vm.ID
		}
	}
	return ""
}

// parentID of an embedded element, such as the network of a subnet.
func parentID(id string) string {
	parsed, err := resources.Parse(id)
	if err != nil {
		return ""
	}
	return parsed.Parent()
}

// inNetwork reports whether a subnet is of a virtual network.
func inNetwork(subnet, vnet string) bool { return sameID(parentID(subnet), vnet) }

// prefixes of a subnet, which may have one or a list.
func prefixes(subnet object) []netip.Prefix {
	var all []netip.Prefix
	add := func(value any) {
		s, _ := value.(string)
		if p, err := netip.ParsePrefix(s); err == nil {
			all = append(all, p.Masked())
		}
	}
	add(resources.At(subnet, "properties", "addressPrefix"))
	if list, ok := resources.At(subnet, "properties", "addressPrefixes").([]any); ok && len(all) == 0 {
		for _, value := range list {
			add(value)
		}
	}
	return all
}
