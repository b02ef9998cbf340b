package preflight

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

// smallestSubnet is the longest prefix of a subnet for machines.
const smallestSubnet = 27

// network is a virtual network, read once per run.
type network struct {
	id, location string
	target       string                        // the first path that refers to it
	subnets      map[string]*armnetwork.Subnet // by lower-case id
	gateways     bool                          // which may add routes
}

// place is a subnet, with the path that refers to it.
type place struct {
	id, target string
	by         naming
}

// naming is the machine set that has a value; empty for the request.
type naming string

// String returns a phrase for messages.
func (n naming) String() string {
	if n == "" {
		return ""
	}
	return fmt.Sprintf(" of the machine set %q", string(n))
}

// remedy returns what to do about an invalid id.
func (n naming) remedy() string {
	if n == "" {
		return "correct the id"
	}
	return "correct or delete the machine set in the cluster"
}

// namingOf returns the machine set of a pool, if the pools of that property were
// read from the cluster.
func namingOf(property string, w model.WorkerProfile) naming {
	if property == "workerProfilesStatus" {
		return naming(w.Name)
	}
	return ""
}

// places returns the subnets of the cluster's machines, the masters' first.
func (r *run) places() []place {
	p := r.c.Properties
	all := []place{{id: p.MasterProfile.SubnetID, target: "properties.masterProfile.subnetId"}}
	name, pools := p.WorkerPools()
	for i, w := range pools {
		if w.SubnetID != "" {
			all = append(all, place{w.SubnetID, fmt.Sprintf("properties.%s[%d].subnetId", name, i), namingOf(name, w)})
		}
	}
	return all
}

// uniquePlaces returns each subnet once.
func (r *run) uniquePlaces() []place {
	var all []place
	seen := map[string]bool{}
	for _, p := range r.places() {
		if key := arm.ToLower(p.id); !seen[key] {
			seen[key] = true
			all = append(all, p)
		}
	}
	return all
}

// networkOf returns the id of a subnet's virtual network.
func networkOf(subnetID string) (*azarm.ResourceID, bool) {
	id, err := azarm.ParseResourceID(subnetID)
	if err != nil || id.Parent == nil || !arm.EqualFold(id.ResourceType.String(), "Microsoft.Network/virtualNetworks/subnets") {
		return nil, false
	}
	return id.Parent, true
}

// readNetworks reads each virtual network once.
func (r *run) readNetworks(ctx context.Context, found *report) {
	for _, p := range r.uniquePlaces() {
		id, ok := networkOf(p.id)
		if !ok {
			found.add(arm.InvalidResourceID, p.target, "The id %q%s is not that of a subnet. Correct it.", p.id, p.by)
			continue
		}
		key := arm.ToLower(id.String())
		if _, read := r.networks[key]; read {
			continue
		}
		r.networks[key] = nil
		got, err := r.customer.VirtualNetworks.Get(ctx, id.ResourceGroupName, id.Name, nil)
		switch {
		case azure.NotFound(err):
			found.add(arm.InvalidLinkedVNet, p.target, "The virtual network %q%s does not exist. Create it, or %s.", id, p.by, p.by.remedy())
		case err != nil:
			found.explain(err, r.about)
		default:
			r.networks[key] = networkFrom(id.String(), p.target, got.VirtualNetwork)
		}
	}
}

func networkFrom(id, target string, got armnetwork.VirtualNetwork) *network {
	n := &network{id: id, target: target, location: value(got.Location), subnets: map[string]*armnetwork.Subnet{}}
	if got.Properties == nil {
		return n
	}
	n.gateways = hasGateways(got.Properties)
	for _, s := range got.Properties.Subnets {
		if s != nil {
			n.subnets[arm.ToLower(value(s.ID))] = s
		}
	}
	return n
}

// subnet returns a subnet; nil if its network does not exist. known reports whether
// the network was read at all.
func (r *run) subnet(id string) (s *armnetwork.Subnet, known bool) {
	parent, ok := networkOf(id)
	if !ok {
		return nil, false
	}
	n := r.networks[arm.ToLower(parent.String())]
	if n == nil {
		return nil, false
	}
	return n.subnets[arm.ToLower(id)], true
}

// readable returns the networks that exist, in the order of the places.
func (r *run) readable() []*network {
	var all []*network
	seen := map[*network]bool{}
	for _, p := range r.uniquePlaces() {
		if id, ok := networkOf(p.id); ok {
			if n := r.networks[arm.ToLower(id.String())]; n != nil && !seen[n] {
				seen[n] = true
				all = append(all, n)
			}
		}
	}
	return all
}

// networkLocations finds networks in another location than the cluster.
func (r *run) networkLocations(_ context.Context, found *report) {
	for _, n := range r.readable() {
		if !sameLocation(n.location, r.c.Location) {
			found.add(arm.InvalidLinkedVNet, n.target, "The virtual network %q is in %s, but the cluster in %s. Use a network in the cluster's location.", n.id, n.location, r.c.Location)
		}
	}
}

func sameLocation(a, b string) bool {
	plain := func(s string) string { return arm.ToLower(strings.ReplaceAll(s, " ", "")) }
	return plain(a) == plain(b)
}

// cidrs finds overlapping address ranges of subnets, pods and services.
func (r *run) cidrs(_ context.Context, found *report) {
	type named struct {
		target, name string
		prefix       netip.Prefix
	}
	var all []named
	add := func(target, name, text string) {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, named{target, name, p.Masked()})
		}
	}
	for _, p := range r.uniquePlaces() {
		if s, _ := r.subnet(p.id); s != nil {
			for _, prefix := range prefixes(s) {
				add(p.target, fmt.Sprintf("the subnet %q", p.id), prefix)
			}
		}
	}
	const pods, services = "properties.networkProfile.podCidr", "properties.networkProfile.serviceCidr"
	add(pods, pods, r.c.Properties.NetworkProfile.PodCIDR)
	add(services, services, r.c.Properties.NetworkProfile.ServiceCIDR)
	for i, a := range all {
		for _, b := range all[i+1:] {
			if a.prefix.Overlaps(b.prefix) {
				found.add(arm.InvalidLinkedVNet, b.target, "The range %s of %s overlaps %s of %s. Choose ranges that do not overlap.", b.prefix, b.name, a.prefix, a.name)
			}
		}
	}
}

func prefixes(s *armnetwork.Subnet) []string {
	if s.Properties == nil {
		return nil
	}
	var all []string
	if text := value(s.Properties.AddressPrefix); text != "" {
		all = append(all, text)
	}
	for _, p := range s.Properties.AddressPrefixes {
		if text := value(p); text != "" && text != value(s.Properties.AddressPrefix) {
			all = append(all, text)
		}
	}
	return all
}

// reserved finds subnets in ranges that every cluster uses internally.
func (r *run) reserved(p place, s *armnetwork.Subnet, found *report) {
	if !r.create {
		return
	}
	for _, text := range prefixes(s) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		if taken, use, ok := model.Reserved(prefix); ok {
			found.add(arm.InvalidLinkedVNet, p.target, "The subnet %q has the range %s, which overlaps %s, which %s. Use a subnet with another range.", p.id, prefix, taken, use)
		}
	}
}

// subnetsUsable finds subnets that do not exist, are too small, are not ready or
// have an unexpected security group.
func (r *run) subnetsUsable(_ context.Context, found *report) {
	for _, p := range r.places() {
		s, known := r.subnet(p.id)
		if !known {
			continue
		}
		if s == nil || s.Properties == nil {
			found.add(arm.InvalidLinkedVNet, p.target, "The subnet %q%s does not exist. Create it, or %s.", p.id, p.by, p.by.remedy())
			continue
		}
		if state := value(s.Properties.ProvisioningState); state != armnetwork.ProvisioningStateSucceeded {
			found.add(arm.InvalidLinkedVNet, p.target, "The subnet %q%s is in state %s. Wait until it is Succeeded, or repair it.", p.id, p.by, state)
		}
		for _, text := range prefixes(s) {
			if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Bits() > smallestSubnet {
				found.add(arm.InvalidLinkedVNet, p.target, "The subnet %q%s has the range %s. It must be /%d or larger.", p.id, p.by, text, smallestSubnet)
			}
		}
		r.reserved(p, s, found)
		r.securityGroup(p, s, found)
	}
}

// securityGroup checks the security group of a subnet: before the service attaches
// its own there must be none, or the customer's if preconfiguredNSG is enabled.
func (r *run) securityGroup(p place, s *armnetwork.Subnet, found *report) {
	attached := ""
	if s.Properties.NetworkSecurityGroup != nil {
		attached = value(s.Properties.NetworkSecurityGroup.ID)
	}
	ours := r.c.Properties.ClusterProfile.ResourceGroupID + "/providers/Microsoft.Network/networkSecurityGroups/" + r.c.Internal.InfraID + "-nsg"
	isOurs := r.c.Internal.InfraID != "" && arm.EqualFold(attached, ours)
	switch {
	case r.preconfigured() && attached == "":
		found.add(arm.InvalidLinkedVNet, p.target, "The subnet %q%s has no network security group. Attach one, for preconfiguredNSG is Enabled.", p.id, p.by)
	case r.preconfigured(), isOurs:
	case r.create && attached != "":
		found.add(arm.InvalidLinkedVNet, p.target, "The subnet %q has the network security group %q. Detach it, or set preconfiguredNSG to Enabled.", p.id, attached)
	case !r.create:
		found.add(arm.InvalidLinkedVNet, p.target, "The subnet %q%s must have the cluster's network security group %q. Attach it.", p.id, p.by, ours)
	}
}

func (r *run) preconfigured() bool {
	return r.c.Properties.NetworkProfile.PreconfiguredNSG == model.Enabled
}

// value returns *p, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
