package model

import (
	"net/netip"

	"github.com/aro-rp/aro/arm"
)

// The network plug-ins of OpenShift. Only 2021-09-01-preview can set them.
const (
	OVNKubernetes = "OVNKubernetes"
	OpenShiftSDN  = "OpenShiftSDN"
)

// Limits of prefixes. The longest leave enough addresses; the shortest for services
// is the limit of Kubernetes.
const (
	maxPodPrefix     = 18
	minServicePrefix = 12
	maxServicePrefix = 22
	// hostPrefix is the prefix of the part of the pods' range that each machine
	// gets.
	hostPrefix  = 23
	masterNodes = 3
)

// reservedRange is a range that pods, services and machines cannot use.
type reservedRange struct {
	prefix netip.Prefix
	// use completes "which".
	use string
	// ovn is true for ranges of OVN-Kubernetes only.
	ovn bool
}

// reservedRanges are the ranges that OVN-Kubernetes uses in every offered release,
// and those that are special on every host. For an address that is in two, the
// first applies.
func reservedRanges() []reservedRange {
	const ovn = "OVN-Kubernetes uses inside every cluster"
	return []reservedRange{
		{netip.MustParsePrefix("100.64.0.0/16"), ovn, true},
		{netip.MustParsePrefix("169.254.169.0/29"), ovn + " up to 4.17", true},
		{netip.MustParsePrefix("100.88.0.0/16"), ovn, true},
		{netip.MustParsePrefix("169.254.0.0/17"), ovn + " from 4.18", true},
		{netip.MustParsePrefix("127.0.0.0/8"), "every machine uses for itself", false},
	}
}

// Reserved returns the reserved range that p overlaps, and what uses it.
func Reserved(p netip.Prefix) (reserved netip.Prefix, use string, ok bool) {
	for _, r := range reservedRanges() {
		if p.Overlaps(r.prefix) {
			return r.prefix, r.use, true
		}
	}
	return netip.Prefix{}, "", false
}

const networkTarget = "properties.networkProfile"

func (v *validation) network() {
	enum(v, networkTarget+".softwareDefinedNetwork", func(c *Cluster) string { return c.Properties.NetworkProfile.SoftwareDefinedNetwork },
		OVNKubernetes, OpenShiftSDN)
	enum(v, networkTarget+".outboundType", func(c *Cluster) OutboundType { return c.Properties.NetworkProfile.OutboundType },
		LoadBalancer, UserDefinedRouting)
	enum(v, networkTarget+".preconfiguredNSG", func(c *Cluster) Feature { return c.Properties.NetworkProfile.PreconfiguredNSG },
		Enabled, Disabled)
	v.openShiftSDN()
	v.ranges()
	v.userDefinedRouting()
}

// firstWithoutSDN is the first release whose installer does not have the older
// plug-in.
const firstWithoutSDN = "4.15.0"

func (v *validation) openShiftSDN() {
	if v.creating() && v.c.Properties.NetworkProfile.SoftwareDefinedNetwork == OpenShiftSDN && !olderThan(v.c.Properties.ClusterProfile.Version, firstWithoutSDN) {
		v.fault(networkTarget+".softwareDefinedNetwork", "OpenShift has no OpenShiftSDN since 4.15. Use OVNKubernetes.")
	}
}

// ranges validates the pod and service networks, alone and against each other.
func (v *validation) ranges() {
	podCIDR := func(c *Cluster) string { return c.Properties.NetworkProfile.PodCIDR }
	serviceCIDR := func(c *Cluster) string { return c.Properties.NetworkProfile.ServiceCIDR }
	pods := v.cidr("podCidr", 0, maxPodPrefix, podCIDR)
	services := v.cidr("serviceCidr", minServicePrefix, maxServicePrefix, serviceCIDR)
	if pods.Overlaps(services) && v.changed(func(c *Cluster) any { return [2]string{podCIDR(c), serviceCIDR(c)} }) {
		v.faults.Add(arm.InvalidCIDRRange, networkTarget, "podCidr overlaps serviceCidr: they are %s and %s. Choose ranges that have no address in common.", pods, services)
	}
	v.capacity(pods)
}

// cidr validates one range and returns it; it is invalid if it cannot be parsed.
func (v *validation) cidr(name string, shortest, longest int, of func(*Cluster) string) netip.Prefix {
	target := networkTarget + "." + name
	changed := v.changed(func(c *Cluster) any { return of(c) })
	sent, err := netip.ParsePrefix(of(v.c))
	if err != nil || !sent.Addr().Is4() {
		if changed {
			v.refuse(target, of(v.c), "The value must be an IPv4 range in CIDR notation, such as 10.128.0.0/14.")
		}
		return netip.Prefix{}
	}
	if !changed {
		return sent
	}
	if sent.Bits() > longest {
		v.refuse(target, sent.String(), "The range is too small. Its prefix length can be at most %d.", longest)
	}
	if sent.Bits() < shortest {
		v.refuse(target, sent.String(), "The range is too large. Its prefix length must be at least %d.", shortest)
	}
	if sent.Addr().IsUnspecified() {
		v.refuse(target, sent.String(), "The range cannot begin at 0.0.0.0. Choose a private one, such as 10.128.0.0/14 for pods or 172.30.0.0/16 for services.")
	}
	if sent != sent.Masked() {
		v.faults.Add(arm.InvalidNetworkAddress, target, "%q is not allowed. The address must be the first of its range: all bits behind the prefix must be zero. Write %s.", sent, sent.Masked())
	}
	v.reserved(name, sent)
	return sent
}

// reserved adds a fault if a range overlaps one that every cluster uses.
func (v *validation) reserved(name string, r netip.Prefix) {
	sdn := v.c.Properties.NetworkProfile.SoftwareDefinedNetwork == OpenShiftSDN
	for _, taken := range reservedRanges() {
		if r.Overlaps(taken.prefix) && !(taken.ovn && sdn) {
			v.faults.Add(arm.InvalidCIDRRange, networkTarget, "%s overlaps %s, which %s: it is %s. Choose another range.", name, taken.prefix, taken.use, r)
		}
	}
}

// capacity adds a fault for a create with more machines than the pods' range has
// parts for.
func (v *validation) capacity(pods netip.Prefix) {
	if !v.creating() || !pods.IsValid() || pods.Bits() > maxPodPrefix || len(v.c.Properties.WorkerProfiles) != 1 {
		return
	}
	most := 1<<(hostPrefix-pods.Bits()) - masterNodes
	if count := v.c.Properties.WorkerProfiles[0].Count; count > most && count <= maxWorkers {
		v.fault("properties.workerProfiles[0].count", "The podCidr %s has room for %d workers beside the masters: each machine takes a /%d of it. "+
			"Ask for fewer workers, or choose a larger podCidr.", pods, most, hostPrefix)
	}
}

// userDefinedRouting rejects public endpoints, which need a public load balancer.
func (v *validation) userDefinedRouting() {
	udr := v.c.Properties.NetworkProfile.OutboundType == UserDefinedRouting
	if udr && hasPublicEndpoint(v.c) && v.changed(func(c *Cluster) any {
		return []any{c.Properties.NetworkProfile.OutboundType, hasPublicEndpoint(c)}
	}) {
		v.fault(networkTarget+".outboundType",
			"UserDefinedRouting needs the visibility of apiserverProfile and of every ingress profile to be Private. Change them, or use Loadbalancer.")
	}
}

func hasPublicEndpoint(c *Cluster) bool {
	if c.Properties.APIServerProfile.Visibility != Private {
		return true
	}
	for _, ingress := range c.Properties.IngressProfiles {
		if ingress.Visibility != Private {
			return true
		}
	}
	return false
}

const (
	loadBalancerTarget    = networkTarget + ".loadBalancerProfile"
	maxManagedOutboundIPs = 20
)

func (v *validation) loadBalancer() {
	lb := v.c.Properties.NetworkProfile.LoadBalancerProfile
	if lb == nil {
		return
	}
	if v.c.Properties.NetworkProfile.OutboundType == UserDefinedRouting && v.changed(func(c *Cluster) any {
		return []any{c.Properties.NetworkProfile.OutboundType, c.Properties.NetworkProfile.LoadBalancerProfile != nil}
	}) {
		v.fault(loadBalancerTarget, "UserDefinedRouting uses no load balancer. Remove loadBalancerProfile, or use outboundType Loadbalancer.")
	}
	if v.creating() && len(lb.EffectiveOutboundIPs) > 0 {
		v.fault(loadBalancerTarget+".effectiveOutboundIps", "The service sets the effective outbound IPs. Remove them.")
	}
	if m := lb.ManagedOutboundIPs; m != nil && (m.Count < 1 || m.Count > maxManagedOutboundIPs) && v.changed(managedOutboundIPs) {
		v.fault(loadBalancerTarget+".managedOutboundIps.count", "The count %d must be from 1 to %d.", m.Count, maxManagedOutboundIPs)
	}
	v.unimplementedOutbound(lb)
}

// managedOutboundIPs returns the requested count, -1 if there is none.
func managedOutboundIPs(c *Cluster) any {
	if lb := c.Properties.NetworkProfile.LoadBalancerProfile; lb != nil && lb.ManagedOutboundIPs != nil {
		return lb.ManagedOutboundIPs.Count
	}
	return -1
}

// unimplementedOutbound rejects members of 2023-07-01-preview that no release has
// implemented.
func (v *validation) unimplementedOutbound(lb *LoadBalancerProfile) {
	ways := 0
	for _, given := range []bool{lb.ManagedOutboundIPs != nil, len(lb.OutboundIPs) > 0, len(lb.OutboundIPPrefixes) > 0} {
		if given {
			ways++
		}
	}
	if ways > 1 && v.changed(func(c *Cluster) any { return c.Properties.NetworkProfile.LoadBalancerProfile }) {
		v.fault(loadBalancerTarget, "Only one of managedOutboundIps, outboundIps and outboundIpPrefixes can be given. Keep managedOutboundIps.")
	}
	for _, member := range []struct {
		name  string
		given bool
		of    func(*LoadBalancerProfile) any
	}{
		{"outboundIps", len(lb.OutboundIPs) > 0, func(p *LoadBalancerProfile) any { return p.OutboundIPs }},
		{"outboundIpPrefixes", len(lb.OutboundIPPrefixes) > 0, func(p *LoadBalancerProfile) any { return p.OutboundIPPrefixes }},
		{"allocatedOutboundPorts", lb.AllocatedOutboundPorts != 0, func(p *LoadBalancerProfile) any { return p.AllocatedOutboundPorts }},
	} {
		of := func(c *Cluster) any {
			if p := c.Properties.NetworkProfile.LoadBalancerProfile; p != nil {
				return member.of(p)
			}
			return nil
		}
		if member.given && v.changed(of) {
			v.fault(loadBalancerTarget+"."+member.name, "%s is not implemented. Remove it and use managedOutboundIps.", member.name)
		}
	}
}
