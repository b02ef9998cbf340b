package template

import "strconv"

// The names of frontends and rules that are looked up later.
const (
	InternalFrontend = "internal-lb-ip-v4"
	PublicFrontend   = "public-lb-ip-v4"
	OutboundRule     = "outbound-rule-v4"
)

// masters is OpenShift's number of control plane machines.
const masters = 3

const idleMinutes = 30

// internalBalancer forwards the API and the machine config server to the masters
// within the virtual network, and SSH to each of them.
func (b *Base) internalBalancer() object {
	name := b.name("-internal")
	frontend := b.zoned(object{"name": InternalFrontend, "properties": object{
		"privateIPAllocationMethod": "Dynamic", "subnet": ref(b.MasterSubnetID),
	}})
	pools := list{object{"name": b.InfraID}}
	api := b.rule(name, InternalFrontend, forward{"api-internal-v4", 6443, 6443, b.InfraID, "api-internal-probe"})
	config := b.rule(name, InternalFrontend, forward{"sint-v4", 22623, 22623, b.InfraID, "sint-probe"})
	config["properties"].(object)["disableOutboundSnat"] = false
	rules := list{api, config}
	for i := range masters {
		pool := "ssh-" + strconv.Itoa(i)
		pools = append(pools, object{"name": pool})
		rules = append(rules, b.rule(name, InternalFrontend, forward{pool, 2200 + i, 22, pool, "ssh"}))
	}
	return b.balancer(name, object{
		"frontendIPConfigurations": list{frontend}, "backendAddressPools": pools, "loadBalancingRules": rules,
		"probes": list{
			probe("api-internal-probe", "Https", 6443, "/readyz"),
			probe("sint-probe", "Https", 22623, "/healthz"),
			probe("ssh", "Tcp", 22, ""),
		},
	})
}

// publicBalancer is for outbound traffic, and for a public API.
func (b *Base) publicBalancer() object {
	name := b.InfraID
	var outbound list
	frontends, rules, probes, depends := list{}, list{}, list{}, list{}
	add := func(frontend, ip string) {
		id := b.id(publicIPKind, ip)
		frontends = append(frontends, object{"name": frontend, "properties": object{"publicIPAddress": ref(id)}})
		outbound = append(outbound, ref(b.id(balancerKind+"/frontendIPConfigurations", name, frontend)))
		depends = append(depends, id)
	}
	if b.PublicAPI {
		add(PublicFrontend, b.name("-pip-v4"))
		rules = append(rules, b.rule(name, PublicFrontend, forward{"api-internal-v4", 6443, 6443, b.InfraID, "api-internal-probe"}))
		probes = append(probes, probe("api-internal-probe", "Https", 6443, "/readyz"))
	}
	for _, ip := range b.OutboundIPs {
		add(ip, ip)
	}
	o := b.balancer(name, object{
		"frontendIPConfigurations": frontends, "backendAddressPools": list{object{"name": b.InfraID}},
		"loadBalancingRules": rules, "probes": probes,
		"outboundRules": list{object{"name": OutboundRule, "properties": object{
			"protocol": "All", "idleTimeoutInMinutes": idleMinutes, "frontendIPConfigurations": outbound,
			"backendAddressPool": ref(b.id(balancerKind+"/backendAddressPools", name, b.InfraID)),
		}}},
	})
	o["dependsOn"] = depends
	return o
}

// publicIPs returns those of the API, of outbound traffic and of the routes.
func (b *Base) publicIPs() list {
	var names []string
	if b.PublicAPI {
		names = append(names, b.name("-pip-v4"))
	}
	names = append(names, b.OutboundIPs...)
	if b.PublicIngress {
		names = append(names, b.name("-default-v4"))
	}
	ips := list{}
	for _, name := range names {
		ip := b.resource(publicIPKind, networkAPI, name, object{"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"})
		ip["sku"] = object{"name": "Standard"}
		ips = append(ips, b.zoned(ip))
	}
	return ips
}

func (b *Base) balancer(name string, properties object) object {
	o := b.resource(balancerKind, networkAPI, name, properties)
	o["sku"] = object{"name": "Standard"}
	return o
}

// forward describes a load balancing rule.
type forward struct {
	name        string
	from, to    int
	pool, probe string
}

// rule returns a rule of a balancer. Outbound traffic uses the outbound rule alone,
// so that its addresses are known.
func (c *Cluster) rule(balancer, frontend string, f forward) object {
	part := func(kind, name string) object { return ref(c.id(balancerKind+"/"+kind, balancer, name)) }
	return object{"name": f.name, "properties": object{
		"protocol": "Tcp", "loadDistribution": "Default", "idleTimeoutInMinutes": idleMinutes, "disableOutboundSnat": true,
		"frontendPort": f.from, "backendPort": f.to, "frontendIPConfiguration": part("frontendIPConfigurations", frontend),
		"backendAddressPool": part("backendAddressPools", f.pool), "probe": part("probes", f.probe),
	}}
}

func probe(name, protocol string, port int, path string) object {
	p := object{"protocol": protocol, "port": port, "intervalInSeconds": 5, "numberOfProbes": 2}
	if path != "" {
		p["requestPath"] = path
	}
	return object{"name": name, "properties": p}
}
