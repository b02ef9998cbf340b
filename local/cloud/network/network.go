// Package network is Microsoft.Network of the local Azure: virtual networks,
// interfaces, load balancers, private links, public addresses and DNS zones with
// the rules that bind them, and a data plane that carries their traffic over
// loopback addresses of this machine.
//
// What points back, such as a subnet's interfaces, is never kept: it is worked out
// from what points there. The package starts no machine; it reaches those that run
// through Machines.
package network

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// The types whose rules live here, and that of machines, which use them.
const (
	virtualNetworks     = "Microsoft.Network/virtualNetworks"
	subnets             = "Microsoft.Network/virtualNetworks/subnets"
	securityGroups      = "Microsoft.Network/networkSecurityGroups"
	routeTables         = "Microsoft.Network/routeTables"
	natGateways         = "Microsoft.Network/natGateways"
	interfaces          = "Microsoft.Network/networkInterfaces"
	publicIPAddresses   = "Microsoft.Network/publicIPAddresses"
	loadBalancers       = "Microsoft.Network/loadBalancers"
	privateLinkServices = "Microsoft.Network/privateLinkServices"
	privateEndpoints    = "Microsoft.Network/privateEndpoints"
	privateDNSZones     = "Microsoft.Network/privateDnsZones"
	networkLinks        = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
	dnsZones            = "Microsoft.Network/dnsZones"
	virtualMachines     = "Microsoft.Compute/virtualMachines"
)

type object = map[string]any

// Machines are the virtual machines that run.
type Machines interface {
	// Dial opens a connection to a port of a machine; it fails at once if nothing listens there.
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
}

// Network keeps the rules of Microsoft.Network and carries its traffic.
type Network struct {
	// Public is the range of public addresses; 127.96.0.0/16 unless it is set before the engine
	// starts.
	Public netip.Prefix

	engine *resources.Engine
	log    *slog.Logger
	wake   chan struct{} // notifies the data plane of changes

	mu       sync.Mutex
	version  int       // grows with every change
	known    *topology // as of knownAt, nil if there is none
	knownAt  int
	machines Machines // nil until Run

	prober prober
}

// New registers the types of Microsoft.Network with an engine.
func New(engine *resources.Engine, log *slog.Logger) *Network {
	n := &Network{engine: engine, log: log, Public: netip.MustParsePrefix(publicRange), wake: make(chan struct{}, 1)}
	for name, behaviour := range map[string]resources.Behaviour{
		virtualNetworks:     n.virtualNetworks(),
		subnets:             n.subnets(),
		securityGroups:      n.securityGroups(),
		routeTables:         n.routeTables(),
		natGateways:         n.natGateways(),
		interfaces:          n.interfaces(),
		publicIPAddresses:   n.publicIPAddresses(),
		loadBalancers:       n.loadBalancers(),
		privateLinkServices: n.privateLinkServices(),
		privateEndpoints:    n.privateEndpoints(),
		privateDNSZones:     n.privateDNSZones(),
		dnsZones:            n.dnsZones(),
	} {
		n.Watch(&behaviour)
		engine.Register(name, behaviour)
	}
	n.dataPlaneOfElements()
	n.elementDefaults()
	n.recordSets()
	n.usages()
	return n
}

// Watch makes the network take notice of every change to resources of a type.
func (n *Network) Watch(b *resources.Behaviour) {
	kept, deleted := b.Kept, b.Deleted
	b.Kept = func(ctx context.Context, c *resources.Change) error {
		n.Changed()
		if kept == nil {
			return nil
		}
		return kept(ctx, c)
	}
	b.Deleted = func(ctx context.Context, r *resources.Resource) error {
		n.Changed()
		if deleted == nil {
			return nil
		}
		return deleted(ctx, r)
	}
}

// Changed is called when resources, or the machines behind them, have changed.
func (n *Network) Changed() {
	n.mu.Lock()
	n.version++
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// topology is what exists now. It must not be edited.
func (n *Network) topology(ctx context.Context) (*topology, error) {
	n.mu.Lock()
	version, known, current := n.version, n.known, n.knownAt == n.version
	n.mu.Unlock()
	if known != nil && current {
		return known, nil
	}
	known, err := read(ctx, n.engine, known)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.version == version {
		n.known, n.knownAt = known, version
	}
	return known, nil
}

// sameID compares resource ids.
func sameID(a, b string) bool { return resources.Key(a) == resources.Key(b) }

// refID is the id of a reference such as {"id": …}, or empty.
func refID(value any) string {
	id, _ := resources.At(resources.Object(value), "id").(string)
	return id
}

func ref(id string) object { return object{"id": id} }

// refs are references, never nil: clients distinguish an empty list from an absent one.
func refs(ids []string) []any {
	list := []any{}
	for _, id := range ids {
		list = append(list, ref(id))
	}
	return list
}

// refIDs are the ids of a list of references.
func refIDs(value any) []string {
	var ids []string
	for _, m := range resources.Objects(value) {
		if id := refID(m); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func textAt(m object, path ...string) string {
	s, _ := resources.At(m, path...).(string)
	return s
}

func nameOf(id string) string { return id[strings.LastIndex(id, "/")+1:] }
