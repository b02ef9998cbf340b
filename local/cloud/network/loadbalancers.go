package network

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// The parts of a load balancer, each of which answers on its own path too.
const (
	frontends     = "frontendIPConfigurations"
	pools         = "backendAddressPools"
	rules         = "loadBalancingRules"
	probes        = "probes"
	natRules      = "inboundNatRules"
	natPools      = "inboundNatPools"
	outboundRules = "outboundRules"
)

func parts() []string {
	return []string{frontends, pools, rules, probes, natRules, natPools, outboundRules}
}

func (n *Network) loadBalancers() resources.Behaviour {
	return resources.Behaviour{
		Embeds: parts(),
		Put:    n.putBalancer,
		InUse: func(ctx context.Context, r *resources.Resource) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			for _, frontend := range resources.Objects(r.Get(frontends)) {
				for _, service := range t.servicesOn(textAt(frontend, "id")) {
					return resources.Refuse(http.StatusBadRequest, "CannotDeleteLoadBalancerWithPrivateLinkService",
						"Cannot delete load balancer %s since it is referenced by private link service %s.", r.ID, service)
				}
			}
			return nil
		},
		Deleted: n.leavePools,
		Show: func(ctx context.Context, r *resources.Resource, _ url.Values) error {
			t, err := n.topology(ctx)
			if err == nil {
				t.decorateBalancer(r)
			}
			return err
		},
	}
}

// dataPlaneOfElements gives the parts of load balancers their own rules.
func (n *Network) dataPlaneOfElements() {
	for _, part := range parts() {
		b := resources.Behaviour{Show: n.showPart(part)}
		switch part {
		case frontends:
			b.InUse = n.frontendInUse
		case pools:
			b.InUse = n.poolInUse
		}
		n.engine.Register(loadBalancers+"/"+part, b)
	}
}

func (n *Network) frontendInUse(ctx context.Context, r *resources.Resource) error {
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	for _, service := range t.servicesOn(r.ID) {
		return resources.Refuse(http.StatusBadRequest, "FrontendIPConfigurationInUseByPrivateLinkService",
			"Frontend IP configuration %s cannot be deleted since it is referenced by private link service %s.", r.ID, service)
	}
	return nil
}

func (n *Network) poolInUse(ctx context.Context, r *resources.Resource) error {
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	for _, member := range t.elementsUsing(interfaces, "ipConfigurations", "loadBalancerBackendAddressPools", r.ID) {
		return resources.Refuse(http.StatusBadRequest, "InUseBackendAddressPoolCannotBeDeleted", "Backend address pool %s is in use by %s and cannot be deleted.", r.ID, member)
	}
	return nil
}

// showPart shows a part as it looks within its load balancer.
func (n *Network) showPart(part string) func(context.Context, *resources.Resource, url.Values) error {
	return func(ctx context.Context, r *resources.Resource, _ url.Values) error {
		t, err := n.topology(ctx)
		if err != nil {
			return err
		}
		balancer := t.get(parentID(r.ID))
		if balancer == nil {
			return nil
		}
		clone := balancer.Clone()
		t.decorateBalancer(clone)
		for _, m := range resources.Objects(clone.Get(part)) {
			if sameID(textAt(m, "id"), r.ID) {
				r.Properties, r.Etag = resources.Object(m["properties"]), balancer.Etag
			}
		}
		return nil
	}
}

func (n *Network) putBalancer(ctx context.Context, c *resources.Change) error {
	r := c.New
	if r.SKU == nil {
		r.SKU = object{"name": "Basic"}
	}
	if r.SKU["tier"] == nil {
		r.SKU["tier"] = "Regional"
	}
	if c.Old != nil {
		r.Set(c.Old.Get("resourceGuid"), "resourceGuid")
	}
	r.Default(guid(), "resourceGuid")
	for _, part := range parts() {
		for _, m := range resources.Objects(r.Get(part)) {
			if resources.Object(m["properties"]) == nil {
				m["properties"] = object{}
			}
			for _, worked := range []string{"backendIPConfigurations", rules, outboundRules, natRules, natPools, "outboundRule"} {
				delete(resources.Object(m["properties"]), worked)
			}
		}
	}
	if err := n.putFrontends(ctx, resources.Objects(r.Get(frontends))); err != nil {
		return err
	}
	for _, part := range []string{rules, outboundRules, natRules, natPools} {
		for _, m := range resources.Objects(r.Get(part)) {
			if part == natPools {
				for _, property := range []string{"enableDestinationServiceEndpoint", "allowBackendPortConflict", "enableFloatingIP"} {
					if resources.At(m, "properties", property) == nil {
						resources.Place(m, false, "properties", property)
					}
				}
			}
			if err := checkRule(r, m); err != nil {
				return err
			}
		}
	}
	return checkPorts(r)
}

// putFrontends gives every frontend its private or public address.
func (n *Network) putFrontends(ctx context.Context, all []object) error {
	var private []object
	for _, frontend := range all {
		properties := resources.Object(frontend["properties"])
		public := refID(properties["publicIPAddress"])
		switch {
		case refID(properties["subnet"]) != "":
			private = append(private, frontend)
		case public != "":
			properties["publicIPAddress"] = ref(public)
			properties["privateIPAllocationMethod"] = "Dynamic"
			if err := n.claimPublic(ctx, textAt(frontend, "id"), public); err != nil {
				return err
			}
		default:
			return resources.Refuse(http.StatusBadRequest, "LoadBalancerFrontendIPConfigurationMustReferenceSubnetOrPublicIP",
				"Frontend IP configuration %s must reference either a subnet or a public IP address.", textAt(frontend, "id"))
		}
	}
	return n.assign(ctx, private)
}

// checkRule completes a rule, whose references must exist in the balancer.
func checkRule(balancer *resources.Resource, rule object) error {
	properties := resources.Object(rule["properties"])
	for _, reference := range []struct{ property, part string }{
		{"frontendIPConfiguration", frontends}, {"backendAddressPool", pools}, {"probe", probes},
	} {
		if id := refID(properties[reference.property]); id != "" && part(balancer, reference.part, id) == nil {
			return notReferenced(textAt(rule, "id"), id)
		}
	}
	for _, list := range []struct{ property, part string }{{"frontendIPConfigurations", frontends}, {"backendAddressPools", pools}} {
		for _, id := range refIDs(properties[list.property]) {
			if part(balancer, list.part, id) == nil {
				return notReferenced(textAt(rule, "id"), id)
			}
		}
	}
	for property, value := range map[string]any{"idleTimeoutInMinutes": 4, "enableTcpReset": false, "allocatedOutboundPorts": 0} {
		if properties[property] == nil {
			properties[property] = value
		}
	}
	if properties["frontendPort"] != nil {
		for property, value := range map[string]any{"enableFloatingIP": false, "disableOutboundSnat": false, "loadDistribution": "Default"} {
			if properties[property] == nil {
				properties[property] = value
			}
		}
		delete(properties, "allocatedOutboundPorts")
	}
	return nil
}

// checkPorts requires that each port of a frontend is used once.
func checkPorts(balancer *resources.Resource) error {
	type door struct {
		frontend, protocol string
		port               int
	}
	seen := map[door]string{}
	for _, part := range []string{rules, natRules} {
		for _, m := range resources.Objects(balancer.Get(part)) {
			properties := resources.Object(m["properties"])
			port := number(properties["frontendPort"])
			if port == 0 {
				continue
			}
			at := door{resources.Key(refID(properties["frontendIPConfiguration"])), textAt(properties, "protocol"), port}
			if other := seen[at]; other != "" {
				return resources.Refuse(http.StatusBadRequest, "RulesUseSameFrontendPortProtocolAndIPConfig",
					"Load balancer rules %s and %s use the same frontend port %d, protocol and frontend IP configuration.", other, textAt(m, "name"), port)
			}
			seen[at] = textAt(m, "name")
		}
	}
	return nil
}

// part is the element of a balancer with that id, nil if there is none.
func part(balancer *resources.Resource, member, id string) object {
	for _, m := range resources.Objects(balancer.Get(member)) {
		if sameID(textAt(m, "id"), id) {
			return m
		}
	}
	return nil
}

// number reads one of JSON, or one that a hook has set.
func number(value any) int {
	switch v := value.(type) {
	case float64:
		return int(v)
	case int:
		return v
	}
	return 0
}

// leavePools takes the interfaces out of the pools of a balancer that is gone.
func (n *Network) leavePools(ctx context.Context, gone *resources.Resource) error {
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	for _, nic := range t.of(interfaces) {
		if !slices.ContainsFunc(poolsOf(nic), func(pool string) bool { return sameID(parentID(pool), gone.ID) }) {
			continue
		}
		err := n.engine.Change(ctx, nic.ID, func(r *resources.Resource) error {
			for _, m := range resources.Objects(r.Get("ipConfigurations")) {
				kept := slices.DeleteFunc(refIDs(resources.At(m, "properties", "loadBalancerBackendAddressPools")),
					func(pool string) bool { return sameID(parentID(pool), gone.ID) })
				resources.Place(m, refs(kept), "properties", "loadBalancerBackendAddressPools")
			}
			return nil
		})
		if err != nil && !resources.NotFound(err) {
			return err
		}
		n.Changed()
	}
	return nil
}

func poolsOf(nic *resources.Resource) []string {
	var all []string
	for _, m := range resources.Objects(nic.Get("ipConfigurations")) {
		all = append(all, refIDs(resources.At(m, "properties", "loadBalancerBackendAddressPools"))...)
	}
	return all
}

// servicesOn are the private link services that publish a frontend.
func (t *topology) servicesOn(frontend string) []string {
	var ids []string
	for _, service := range t.of(privateLinkServices) {
		if slices.ContainsFunc(refIDs(service.Get("loadBalancerFrontendIpConfigurations")), func(id string) bool { return sameID(id, frontend) }) {
			ids = append(ids, service.ID)
		}
	}
	return ids
}

// decorateBalancer adds which part is used by which, and the pools' members.
func (t *topology) decorateBalancer(r *resources.Resource) {
	add := func(part, id, member string, target string) {
		m := partOf(r, part, id)
		if m == nil {
			return
		}
		properties := resources.Object(m["properties"])
		list, _ := properties[member].([]any)
		properties[member] = append(list, ref(target))
	}
	for _, part := range parts() {
		for _, m := range resources.Objects(r.Get(part)) {
			m["etag"] = r.Etag // all parts have the balancer's
		}
	}
	for _, from := range []string{rules, outboundRules, natRules, natPools} {
		for _, m := range resources.Objects(r.Get(from)) {
			id, properties := textAt(m, "id"), resources.Object(m["properties"])
			add(frontends, refID(properties["frontendIPConfiguration"]), from, id)
			for _, frontend := range refIDs(properties["frontendIPConfigurations"]) {
				add(frontends, frontend, from, id)
			}
			add(pools, refID(properties["backendAddressPool"]), from, id)
			add(probes, refID(properties["probe"]), from, id)
		}
	}
	for _, m := range resources.Objects(r.Get(pools)) {
		if members := t.elementsUsing(interfaces, "ipConfigurations", "loadBalancerBackendAddressPools", textAt(m, "id")); members != nil {
			resources.Place(m, refs(members), "properties", "backendIPConfigurations")
		}
	}
}

// partOf is part for who has an empty id.
func partOf(r *resources.Resource, member, id string) object {
	if id == "" {
		return nil
	}
	return part(r, member, id)
}
