package network

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/hypervisor"
)

// errNobody is the answer of an address behind which no machine listens.
var errNobody = errors.New("connection refused: no machine listens there")

// backend is a port of a machine.
type backend struct {
	vm   string
	port int
}

// door is a port of a load balancer's frontend.
type door struct {
	frontend string
	port     int
}

// Dial opens a connection for a machine: to load balancers, machines and private endpoints of its
// virtual network by their private addresses, to other addresses directly. Names resolve by the DNS
// zones of the local Azure.
func (n *Network) Dial(ctx context.Context, from hypervisor.VM, network, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("port of %s: %w", address, err)
	}
	t, err := n.topology(ctx)
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		known := t.lookUp(from.VNetID, host)
		if ip, err = netip.ParseAddr(known); err != nil {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}
	if inSpace(t.get(from.VNetID), ip) {
		return n.dialAny(ctx, n.inside(t, from.VNetID, ip, port))
	}
	return new(net.Dialer).DialContext(ctx, network, netip.AddrPortFrom(ip, uint16(port)).String())
}

// inSpace reports whether an address is one of the virtual network's.
func inSpace(vnet *resources.Resource, ip netip.Addr) bool {
	if vnet == nil {
		return false
	}
	list, _ := vnet.Get("addressSpace", "addressPrefixes").([]any)
	for _, value := range list {
		s, _ := value.(string)
		if p, err := netip.ParsePrefix(s); err == nil && p.Contains(ip) {
			return true
		}
	}
	return false
}

// inside returns the machines behind a private address of a virtual network.
func (n *Network) inside(t *topology, vnet string, ip netip.Addr, port int) []backend {
	for _, u := range t.users("") {
		if u.address != ip.String() || !inNetwork(u.subnet, vnet) {
			continue
		}
		owner := t.get(parentID(u.id))
		if owner == nil {
			continue
		}
		if owner.Type == loadBalancers {
			return t.behind(door{u.id, port}, n.Healthy)
		}
		if vm := t.attached(owner.ID); vm != "" {
			return []backend{{vm, port}}
		}
		for _, d := range t.published(t.get(ownerOf(owner))) {
			if d.port == port {
				return t.behind(d, n.Healthy)
			}
		}
	}
	return nil
}

// behind are the machines that a load balancer may forward to: of those that it probes,
// the healthy ones.
func (t *topology) behind(d door, healthy func(instance, probe string) bool) []backend {
	balancer := t.get(parentID(d.frontend))
	if balancer == nil {
		return nil
	}
	var all []backend
	for _, rule := range resources.Objects(balancer.Get(rules)) {
		properties := resources.Object(rule["properties"])
		if !sameID(refID(properties["frontendIPConfiguration"]), d.frontend) || number(properties["frontendPort"]) != d.port || !carriesTCP(properties) {
			continue
		}
		for _, pool := range poolsOfRule(properties) {
			for _, configuration := range t.elementsUsing(interfaces, "ipConfigurations", "loadBalancerBackendAddressPools", pool) {
				if vm := t.attached(parentID(configuration)); vm != "" {
					all = append(all, backend{vm, number(properties["backendPort"])})
				}
			}
			for _, instance := range t.instancesIn(pool) {
				if probe := refID(properties["probe"]); probe == "" || healthy(instance.ID, probe) {
					all = append(all, backend{instance.ID, number(properties["backendPort"])})
				}
			}
		}
	}
	return all
}

func carriesTCP(rule object) bool {
	protocol := textAt(rule, "protocol")
	return arm.EqualFold(protocol, "Tcp") || arm.EqualFold(protocol, "All")
}

// ports of a frontend that rules forward.
func (t *topology) ports(frontend string) []door {
	balancer := t.get(parentID(frontend))
	if balancer == nil {
		return nil
	}
	var doors []door
	for _, rule := range resources.Objects(balancer.Get(rules)) {
		properties := resources.Object(rule["properties"])
		if port := number(properties["frontendPort"]); port > 0 && carriesTCP(properties) && sameID(refID(properties["frontendIPConfiguration"]), frontend) {
			doors = append(doors, door{frontend, port})
		}
	}
	return doors
}

// published returns the frontends that a private endpoint connects to.
func (t *topology) published(endpoint *resources.Resource) []door {
	if endpoint == nil || endpoint.Type != privateEndpoints {
		return nil
	}
	var doors []door
	for _, member := range endpointConnections() {
		for _, m := range resources.Objects(endpoint.Get(member)) {
			service := t.get(textAt(m, "properties", "privateLinkServiceId"))
			if service == nil || textAt(t.connectionState(endpoint.ID, m), "status") != approved {
				continue
			}
			for _, frontend := range refIDs(service.Get("loadBalancerFrontendIpConfigurations")) {
				doors = append(doors, t.ports(frontend)...)
			}
		}
	}
	return doors
}

// listeners are the addresses of this machine for load balancers: public ones, and those of private
// endpoints.
func (t *topology) listeners() map[netip.AddrPort]door {
	all := map[netip.AddrPort]door{}
	add := func(address string, doors []door) {
		ip, err := netip.ParseAddr(address)
		if err != nil || !ip.IsLoopback() {
			return // an address of a virtual network only
		}
		for _, d := range doors {
			all[netip.AddrPortFrom(ip, uint16(d.port))] = d
		}
	}
	for _, balancer := range t.of(loadBalancers) {
		for _, frontend := range resources.Objects(balancer.Get(frontends)) {
			if public := t.get(refID(resources.At(frontend, "properties", "publicIPAddress"))); public != nil {
				add(public.Text("ipAddress"), t.ports(textAt(frontend, "id")))
			}
		}
	}
	for _, endpoint := range t.of(privateEndpoints) {
		for _, id := range refIDs(endpoint.Get("networkInterfaces")) {
			nic := t.get(id)
			if nic == nil {
				continue
			}
			for _, m := range resources.Objects(nic.Get("ipConfigurations")) {
				add(textAt(m, "properties", "privateIPAddress"), t.published(endpoint))
			}
		}
	}
	return all
}

// dialAny opens a connection to any of the backends that answers.
func (n *Network) dialAny(ctx context.Context, backends []backend) (net.Conn, error) {
	n.mu.Lock()
	running := n.machines
	n.mu.Unlock()
	if running == nil {
		return nil, errNobody
	}
	failed := errNobody
	for _, i := range rand.Perm(len(backends)) {
		conn, err := running.Dial(ctx, backends[i].vm, backends[i].port)
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}
