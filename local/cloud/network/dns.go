package network

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// recordTypes are the kinds of record sets that a zone has.
func recordTypes() []string {
	return []string{"A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"}
}

func (n *Network) dnsZones() resources.Behaviour {
	return resources.Behaviour{
		Put: func(_ context.Context, c *resources.Change) error {
			c.New.Default("Public", "zoneType")
			c.New.Default([]any{"ns1-01.azure-dns.test.", "ns2-01.azure-dns.test."}, "nameServers")
			c.New.Default(10000, "maxNumberOfRecordSets")
			return nil
		},
		Show:  n.showRecordCount,
		Views: n.recordViews("recordsets", "all"),
	}
}

func (n *Network) privateDNSZones() resources.Behaviour {
	return resources.Behaviour{
		Global: true,
		Put: func(_ context.Context, c *resources.Change) error {
			c.New.Default(25000, "maxNumberOfRecordSets")
			c.New.Default(1000, "maxNumberOfVirtualNetworkLinks")
			c.New.Default(100, "maxNumberOfVirtualNetworkLinksWithRegistration")
			return nil
		},
		InUse: func(ctx context.Context, r *resources.Resource) error {
			links, err := n.engine.Below(ctx, r.ID, networkLinks)
			if err != nil || len(links) == 0 {
				return err
			}
			return resources.Refuse(http.StatusConflict, "CannotDeleteResource", "Can not delete resource before nested resources are deleted: %s.", links[0].ID)
		},
		Show:  n.showRecordCount,
		Views: n.recordViews("ALL"),
	}
}

// recordSets registers what zones have below them.
func (n *Network) recordSets() {
	for _, zone := range []string{dnsZones, privateDNSZones} {
		for _, kind := range recordTypes() {
			b := resources.Behaviour{Stateless: zone == privateDNSZones, Synchronous: true, Put: putRecords(zone)}
			n.Watch(&b)
			n.engine.Register(zone+"/"+kind, b)
		}
	}
	link := resources.Behaviour{
		Global: true,
		Put: func(ctx context.Context, c *resources.Change) error {
			c.New.Default(false, "registrationEnabled")
			c.New.Set("Completed", "virtualNetworkLinkState")
			return n.mustExist(ctx, c.New.ID, refID(c.New.Get("virtualNetwork")))
		},
	}
	n.Watch(&link)
	n.engine.Register(networkLinks, link)
}

func putRecords(zone string) func(context.Context, *resources.Change) error {
	return func(_ context.Context, c *resources.Change) error {
		r := c.New
		// Private zones spell it otherwise, and clients of either may write it so.
		spelling, other := "TTL", "ttl"
		if zone == privateDNSZones {
			spelling, other = other, spelling
		}
		if value := r.Get(other); value != nil {
			r.Set(value, spelling)
			r.Set(nil, other)
		}
		if r.Get(spelling) == nil {
			return resources.Refuse(http.StatusBadRequest, "BadRequest", "The property 'TTL' of record set %s is missing.", r.Name)
		}
		zoneName := nameOf(parentID(r.ID))
		name := r.Name + "." + zoneName + "."
		if r.Name == "@" {
			name = zoneName + "."
		}
		r.Set(name, "fqdn")
		if zone == dnsZones {
			r.Default(object{}, "targetResource")
		} else {
			r.Default(false, "isAutoRegistered")
		}
		return nil
	}
}

func (n *Network) records(ctx context.Context, zone *resources.Resource) ([]*resources.Resource, error) {
	all, err := n.engine.Below(ctx, zone.ID, "")
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, r := range all {
		if !strings.HasSuffix(r.Type, "/virtualNetworkLinks") {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// showRecordCount adds how much is in a zone; every one has NS and SOA unasked.
func (n *Network) showRecordCount(ctx context.Context, r *resources.Resource, _ url.Values) error {
	all, err := n.records(ctx, r)
	if err != nil {
		return err
	}
	own := 2
	if r.Type == privateDNSZones {
		own = 1
		links, err := n.engine.Below(ctx, r.ID, networkLinks)
		if err != nil {
			return err
		}
		registering := 0
		for _, link := range links {
			if link.Get("registrationEnabled") == true {
				registering++
			}
		}
		r.Set(len(links), "numberOfVirtualNetworkLinks")
		r.Set(registering, "numberOfVirtualNetworkLinksWithRegistration")
	}
	r.Set(len(all)+own, "numberOfRecordSets")
	return nil
}

// recordViews list the record sets of all kinds.
func (n *Network) recordViews(names ...string) map[string]resources.Action {
	views := map[string]resources.Action{}
	for _, name := range names {
		views[name] = resources.Action{Run: func(ctx context.Context, zone *resources.Resource, _ *resources.Call) (any, error) {
			all, err := n.records(ctx, zone)
			if err != nil {
				return nil, err
			}
			value := []any{}
			for _, r := range all {
				value = append(value, r.Shown())
			}
			return object{"value": value}, nil
		}}
	}
	return views
}

// lookUp is the address that a name has for machines of a virtual network: in a
// private zone that is linked to it, or in a public zone; empty if in none.
func (t *topology) lookUp(vnet, host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, link := range t.of(networkLinks) {
		if !sameID(refID(link.Get("virtualNetwork")), vnet) {
			continue
		}
		if address := t.inZone(parentID(link.ID), host); address != "" {
			return address
		}
	}
	for _, zone := range t.of(dnsZones) {
		if address := t.inZone(zone.ID, host); address != "" {
			return address
		}
	}
	return ""
}

func (t *topology) inZone(zone, host string) string {
	rest, within := strings.CutSuffix(host, "."+strings.ToLower(nameOf(zone)))
	if !within {
		return ""
	}
	for name := rest; ; {
		if r := t.get(zone + "/A/" + name); r != nil {
			for _, record := range resources.Objects(r.Get("ARecords")) {
				return textAt(record, "ipv4Address")
			}
			for _, record := range resources.Objects(r.Get("aRecords")) { // as private zones spell it
				return textAt(record, "ipv4Address")
			}
		}
		if name == "*" {
			return ""
		}
		_, above, deeper := strings.Cut(strings.TrimPrefix(name, "*."), ".")
		if name = "*"; deeper {
			name = "*." + above
		}
	}
}
