package model

import (
	"net/netip"

	"github.com/aro-rp/aro/arm"
)

// The network plug-ins of OpenShift that 2021-09-01-preview can name.
const (
	OVNKubernetes = "OVNKubernetes"
	OpenShiftSDN  = "OpenShiftSDN"
)

// The longest prefixes, so that there are addresses enough.
const (
	maxPodPrefix     = 18
	maxServicePrefix = 22
)

const networkTarget = "properties.networkProfile"

func (v *validation) network() {
	word(v, networkTarget+".softwareDefinedNetwork", func(c *Cluster) string { return c.Properties.NetworkProfile.SoftwareDefinedNetwork },
		OVNKubernetes, OpenShiftSDN)
	word(v, networkTarget+".outboundType", func(c *Cluster) OutboundType { return c.Properties.NetworkProfile.OutboundType },
		LoadBalancer, UserDefinedRouting)
	word(v, networkTarget+".preconfiguredNSG", func(c *Cluster) Feature { return c.Properties.NetworkProfile.PreconfiguredNSG },
		Enabled, Disabled)
	v.ranges()
	v.userDefinedRouting()
}

// ranges judges the pod and service networks, alone and against each other.
func (v *validation) ranges() {
	podCIDR := func(c *Cluster) string { return c.Properties.NetworkProfile.PodCIDR }
	serviceCIDR := func(c *Cluster) string { return c.Properties.NetworkProfile.ServiceCIDR }
	pods := v.cidr("podCidr", maxPodPrefix, podCIDR)
	services := v.cidr("serviceCidr", maxServicePrefix, serviceCIDR)
	if pods.Overlaps(services) && v.changed(func(c *Cluster) any { return [2]string{podCIDR(c), serviceCIDR(c)} }) {
		v.faults.Add(arm.InvalidCIDRRange, networkTarget, "podCidr overlaps serviceCidr. Choose ranges that have no address in common.")
	}
}

// cidr judges one range and gives it back, invalid if it cannot be read.
func (v *validation) cidr(name string, longest int, of func(*Cluster) string) netip.Prefix {
	target := networkTarget + "." + name
	changed := v.changed(func(c *Cluster) any { return of(c) })
	sent, err := netip.ParsePrefix(of(v.c))
	if err != nil || !sent.Addr().Is4() {
		if changed {
			v.fault(target, "The value must be an IPv4 range in CIDR notation, such as 10.128.0.0/14.")
		}
		return netip.Prefix{}
	}
	if !changed {
		return sent
	}
	if sent.Bits() > longest {
		v.fault(target, "The range is too small. Its prefix length can be at most %d.", longest)
	}
	if sent != sent.Masked() {
		v.faults.Add(arm.InvalidNetworkAddress, target, "The address must be the first of its range: all bits behind the prefix must be zero.")
	}
	v.reserved(name, sent)
	return sent
}

// reserved notes where a range overlaps one that OVN uses inside every cluster.
func (v *validation) reserved(name string, r netip.Prefix) {
	if v.c.Properties.NetworkProfile.SoftwareDefinedNetwork == OpenShiftSDN {
		return
	}
	for _, taken := range []string{"100.64.0.0/16", "169.254.169.0/29", "100.88.0.0/16"} {
		if r.Overlaps(netip.MustParsePrefix(taken)) {
			v.faults.Add(arm.InvalidCIDRRange, networkTarget, "%s overlaps %s, which OpenShift uses itself. Choose another range.", name, taken)
		}
	}
}

// userDefinedRouting: without a public load balancer nothing can be public.
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
		v.fault(loadBalancerTarget+".managedOutboundIps.count", "The count must be from 1 to %d.", maxManagedOutboundIPs)
	}
	v.unimplementedOutbound(lb)
}

// managedOutboundIPs is the count asked for, -1 if none was.
func managedOutboundIPs(c *Cluster) any {
	if lb := c.Properties.NetworkProfile.LoadBalancerProfile; lb != nil && lb.ManagedOutboundIPs != nil {
		return lb.ManagedOutboundIPs.Count
	}
	return -1
}

// unimplementedOutbound refuses the members that 2023-07-01-preview alone has
// and that no release ever acted on.
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
