package model_test

import (
	"net/netip"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

const (
	podCIDR     = "properties.networkProfile.podCidr"
	serviceCIDR = "properties.networkProfile.serviceCidr"
	lbProfile   = "properties.networkProfile.loadBalancerProfile"
)

func overlap(mentions string) fault {
	return fault{arm.InvalidCIDRRange, "properties.networkProfile", mentions}
}

func TestPodAndServiceNetworks(t *testing.T) {
	var cases []ruleCase
	for _, tc := range []struct {
		why, pods, services string
		want                []fault
	}{
		{"the usual ranges", "10.128.0.0/14", "172.30.0.0/16", nil},
		{"the smallest ranges", "10.128.0.0/18", "172.30.0.0/22", nil},
		{"neighbours do not overlap", "10.0.0.0/18", "10.0.64.0/22", nil},
		{"absent", "", "", []fault{invalid(podCIDR, "CIDR"), invalid(serviceCIDR, "CIDR")}},
		{"an address without prefix", "10.128.0.0", "172.30.0.0", []fault{invalid(podCIDR, "CIDR"), invalid(serviceCIDR, "CIDR")}},
		{"IPv6", "2001:db8::/18", "2001:db9::/22", []fault{invalid(podCIDR, "IPv4"), invalid(serviceCIDR, "IPv4")}},
		{"IPv4 in the clothes of IPv6", "::ffff:10.128.0.0/110", "172.30.0.0/16", []fault{invalid(podCIDR, "IPv4")}},
		{"too few addresses", "10.128.0.0/19", "172.30.0.0/23", []fault{invalid(podCIDR, "at most 18"), invalid(serviceCIDR, "at most 22")}},
		{"bits behind the prefix", "10.128.0.1/14", "172.30.1.0/16",
			[]fault{{arm.InvalidNetworkAddress, podCIDR, "zero"}, {arm.InvalidNetworkAddress, serviceCIDR, "zero"}}},
		{"pods equal services", "10.0.0.0/16", "10.0.0.0/16", []fault{overlap("podCidr overlaps serviceCidr")}},
		{"services inside pods, base addresses differ", "10.0.0.0/14", "10.2.0.0/22", []fault{overlap("serviceCidr")}},
		{"pods inside services", "10.2.0.0/18", "10.0.0.0/14", []fault{overlap("serviceCidr")}},
		{"pods are OVN's join network", "100.64.0.0/16", "172.30.0.0/16", []fault{overlap("podCidr overlaps 100.64.0.0/16")}},
		{"pods inside OVN's join network, base addresses differ", "100.64.64.0/18", "172.30.0.0/16", []fault{overlap("100.64.0.0/16")}},
		{"pods around both masquerade networks", "169.254.0.0/16", "172.30.0.0/16", []fault{overlap("169.254.169.0/29"), overlap("169.254.0.0/17")}},
		{"services in the masquerade network from 4.18", "10.128.0.0/14", "169.254.8.0/22", []fault{overlap("serviceCidr overlaps 169.254.0.0/17")}},
		{"pods that every machine takes for itself", "127.64.0.0/16", "172.30.0.0/16", []fault{overlap("podCidr overlaps 127.0.0.0/8")}},
		{"services that every machine takes for itself", "10.128.0.0/14", "127.0.0.0/12", []fault{overlap("serviceCidr overlaps 127.0.0.0/8")}},
		{"pods from no address", "0.0.0.0/9", "172.30.0.0/16", []fault{invalid(podCIDR, "0.0.0.0")}},
		{"services from no address", "10.128.0.0/14", "0.0.0.0/16", []fault{invalid(serviceCIDR, "0.0.0.0")}},
		{"the largest range of services", "10.128.0.0/14", "172.16.0.0/12", nil},
		{"a larger range of services", "10.128.0.0/14", "172.0.0.0/11", []fault{invalid(serviceCIDR, "at least 12")}},
		{"services in the transit network", "10.128.0.0/14", "100.88.252.0/22", []fault{overlap("serviceCidr overlaps 100.88.0.0/16")}},
		{"pods around two reserved ranges", "100.64.0.0/10", "172.30.0.0/16", []fault{overlap("100.64.0.0/16"), overlap("100.88.0.0/16")}},
		{"beside the reserved ranges", "100.65.0.0/16", "100.89.0.0/16", nil},
		{"the whole internet", "0.0.0.0/0", "172.30.0.0/16",
			[]fault{invalid(podCIDR, "0.0.0.0"), overlap("100.64.0.0/16"), overlap("169.254.169.0/29"), overlap("100.88.0.0/16"),
				overlap("169.254.0.0/17"), overlap("127.0.0.0/8"), overlap("serviceCidr")}},
	} {
		cases = append(cases, ruleCase{tc.why, func(c *model.Cluster) {
			c.Properties.NetworkProfile.PodCIDR, c.Properties.NetworkProfile.ServiceCIDR = tc.pods, tc.services
		}, tc.want})
	}
	onCreate(t, valid, cases)
}

func TestTheWorkersHaveRoomInThePodsRange(t *testing.T) {
	of := func(pods string, workers int) func(*model.Cluster) {
		return func(c *model.Cluster) {
			c.Properties.NetworkProfile.PodCIDR, c.Properties.WorkerProfiles[0].Count = pods, workers
		}
	}
	const count = "properties.workerProfiles[0].count"
	onCreate(t, valid, []ruleCase{
		{"all that fit into the smallest", of("10.128.0.0/18", 29), nil},
		{"one more", of("10.128.0.0/18", 30), []fault{invalid(count, "has room for 29 workers")}},
		{"the most workers in a larger one", of("10.128.0.0/17", 50), nil},
		{"more than there can be at all", of("10.128.0.0/18", 51), []fault{invalid(count, "from 2 to 50")}},
	})
	onUpdate(t, func() *model.Cluster { c := valid(); of("10.128.0.0/18", 29)(c); return c }, []ruleCase{
		{"what is stored is not judged again", func(c *model.Cluster) { c.Tags = map[string]string{"a": "b"} }, nil},
	})
}

func TestReservedRanges(t *testing.T) {
	for text, want := range map[string]string{
		"100.64.1.0/24": "100.64.0.0/16", "100.0.0.0/8": "100.64.0.0/16", "100.88.0.0/27": "100.88.0.0/16", "169.254.1.0/24": "169.254.0.0/17",
		"169.254.169.0/27": "169.254.169.0/29", "127.0.0.0/24": "127.0.0.0/8", "10.0.0.0/8": "", "100.65.0.0/16": "", "fd00::/64": "",
	} {
		reserved, use, ok := model.Reserved(netip.MustParsePrefix(text))
		if ok != (want != "") || ok && (reserved.String() != want || use == "") {
			t.Errorf("%s overlaps %v, %q, want %s", text, reserved, use, want)
		}
	}
}

func TestNetworkWords(t *testing.T) {
	network := func(change func(*model.NetworkProfile)) func(*model.Cluster) {
		return func(c *model.Cluster) { change(&c.Properties.NetworkProfile) }
	}
	onCreate(t, valid, []ruleCase{
		{"the older plug-in", func(c *model.Cluster) {
			c.Properties.ClusterProfile.Version, c.Properties.NetworkProfile.SoftwareDefinedNetwork = "4.14.9", model.OpenShiftSDN
		}, nil},
		{"the older plug-in where there is none any more", network(func(n *model.NetworkProfile) { n.SoftwareDefinedNetwork = model.OpenShiftSDN }),
			[]fault{invalid("properties.networkProfile.softwareDefinedNetwork", "Use OVNKubernetes")}},
		{"the older plug-in does not use OVN's ranges", func(c *model.Cluster) {
			n := &c.Properties.NetworkProfile
			c.Properties.ClusterProfile.Version, n.SoftwareDefinedNetwork, n.PodCIDR = "4.14.9", model.OpenShiftSDN, "100.64.0.0/16"
		}, nil},
		{"an unknown plug-in", network(func(n *model.NetworkProfile) { n.SoftwareDefinedNetwork = "Calico" }),
			[]fault{invalid("properties.networkProfile.softwareDefinedNetwork", "OVNKubernetes, OpenShiftSDN")}},
		{"an unknown way out", network(func(n *model.NetworkProfile) { n.OutboundType = "NAT" }),
			[]fault{invalid("properties.networkProfile.outboundType", "Loadbalancer, UserDefinedRouting")}},
		{"security groups of the customer", network(func(n *model.NetworkProfile) { n.PreconfiguredNSG = model.Enabled }), nil},
		{"another word for them", network(func(n *model.NetworkProfile) { n.PreconfiguredNSG = "true" }),
			[]fault{invalid("properties.networkProfile.preconfiguredNSG", "Enabled, Disabled")}},
	})
}

// routed is a cluster without a load balancer of its own.
func routed() *model.Cluster {
	c := valid()
	c.Properties.NetworkProfile.OutboundType = model.UserDefinedRouting
	c.Properties.NetworkProfile.LoadBalancerProfile = nil
	c.Properties.APIServerProfile.Visibility = model.Private
	c.Properties.IngressProfiles[0].Visibility = model.Private
	return c
}

func TestUserDefinedRoutingNeedsPrivateEndpoints(t *testing.T) {
	bad := []fault{invalid("properties.networkProfile.outboundType", "Private")}
	onCreate(t, routed, []ruleCase{
		{"all private", func(*model.Cluster) {}, nil},
		{"a public API server", func(c *model.Cluster) { c.Properties.APIServerProfile.Visibility = model.Public }, bad},
		{"a public ingress", func(c *model.Cluster) { c.Properties.IngressProfiles[0].Visibility = model.Public }, bad},
		{"a load balancer", func(c *model.Cluster) { c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{} },
			[]fault{invalid(lbProfile, "Remove loadBalancerProfile")}},
	})
	onUpdate(t, routed, []ruleCase{
		{"making the API server public", func(c *model.Cluster) { c.Properties.APIServerProfile.Visibility = model.Public }, bad},
		{"adding a load balancer", func(c *model.Cluster) { c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{} },
			[]fault{invalid(lbProfile, "Remove loadBalancerProfile")}},
	})
}

func TestLoadBalancer(t *testing.T) {
	lb := func(change func(*model.LoadBalancerProfile)) func(*model.Cluster) {
		return func(c *model.Cluster) { change(c.Properties.NetworkProfile.LoadBalancerProfile) }
	}
	count := func(n int) func(*model.Cluster) {
		return lb(func(p *model.LoadBalancerProfile) { p.ManagedOutboundIPs = &model.ManagedOutboundIPs{Count: n} })
	}
	ip := []model.ResourceReference{{ID: subscription + "/resourceGroups/net/providers/Microsoft.Network/publicIPAddresses/ip"}}
	badCount := []fault{invalid(lbProfile+".managedOutboundIps.count", "1 to 20")}
	cases := []ruleCase{
		{"one managed IP", count(1), nil},
		{"twenty managed IPs", count(20), nil},
		{"no managed IP", count(0), badCount},
		{"less than none", count(-1), badCount},
		{"too many managed IPs", count(21), badCount},
		{"no choice at all", lb(func(p *model.LoadBalancerProfile) { p.ManagedOutboundIPs = nil }), nil},
		{"own IPs", lb(func(p *model.LoadBalancerProfile) { p.ManagedOutboundIPs, p.OutboundIPs = nil, ip }),
			[]fault{invalid(lbProfile+".outboundIps", "not implemented")}},
		{"own prefixes", lb(func(p *model.LoadBalancerProfile) { p.ManagedOutboundIPs, p.OutboundIPPrefixes = nil, ip }),
			[]fault{invalid(lbProfile+".outboundIpPrefixes", "not implemented")}},
		{"own and managed IPs", lb(func(p *model.LoadBalancerProfile) { p.OutboundIPs = ip }),
			[]fault{invalid(lbProfile, "Only one of"), invalid(lbProfile+".outboundIps", "not implemented")}},
		{"ports", lb(func(p *model.LoadBalancerProfile) { p.AllocatedOutboundPorts = 64 }),
			[]fault{invalid(lbProfile+".allocatedOutboundPorts", "not implemented")}},
	}
	onCreate(t, valid, append(cases, ruleCase{"effective IPs are the service's to say",
		lb(func(p *model.LoadBalancerProfile) { p.EffectiveOutboundIPs = ip }), []fault{invalid(lbProfile+".effectiveOutboundIps", "Remove")}}))

	onUpdate(t, func() *model.Cluster {
		c := valid()
		c.Properties.NetworkProfile.LoadBalancerProfile.EffectiveOutboundIPs = ip
		c.Properties.NetworkProfile.LoadBalancerProfile.ManagedOutboundIPs.Count = 5
		return c
	}, cases)
}
