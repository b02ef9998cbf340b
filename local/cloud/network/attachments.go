package network

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/resources"
)

func guid() string { return uuid.NewString() }

// securityGroups, routeTables and natGateways are attached to subnets, whose properties name them.
func (n *Network) securityGroups() resources.Behaviour {
	return resources.Behaviour{
		Embeds: []string{"securityRules"},
		Put: func(_ context.Context, c *resources.Change) error {
			c.New.Set(nil, "subnets")
			c.New.Set(nil, "networkInterfaces")
			c.New.Set(defaultRules(c.New.ID), "defaultSecurityRules")
			identified(c)
			return checkPriorities(c.New)
		},
		InUse: n.refuseAttached("networkSecurityGroup", "InUseNetworkSecurityGroupCannotBeDeleted", "Network security group"),
		Show: func(ctx context.Context, r *resources.Resource, _ url.Values) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			for _, m := range resources.Objects(r.Get("defaultSecurityRules")) {
				m["etag"] = r.Etag
			}
			if ids := t.subnetsUsing("networkSecurityGroup", r.ID); ids != nil {
				r.Set(refs(ids), "subnets")
			}
			if ids := t.using(interfaces, r.ID, "networkSecurityGroup"); ids != nil {
				r.Set(refs(ids), "networkInterfaces")
			}
			return nil
		},
	}
}

func (n *Network) routeTables() resources.Behaviour {
	return resources.Behaviour{
		Embeds: []string{"routes"},
		Put: func(_ context.Context, c *resources.Change) error {
			c.New.Set(nil, "subnets")
			c.New.Default(false, "disableBgpRoutePropagation")
			identified(c)
			return nil
		},
		InUse: n.refuseAttached("routeTable", "InUseRouteTableCannotBeDeleted", "Route table"),
		Show:  n.showSubnets("routeTable"),
	}
}

func (n *Network) natGateways() resources.Behaviour {
	return resources.Behaviour{
		Put: func(ctx context.Context, c *resources.Change) error {
			c.New.Set(nil, "subnets")
			c.New.Default(4, "idleTimeoutInMinutes")
			identified(c)
			if c.New.SKU == nil {
				c.New.SKU = object{"name": "Standard"}
			}
			if c.New.SKU["tier"] == nil {
				c.New.SKU["tier"] = "Regional"
			}
			for _, id := range refIDs(c.New.Get("publicIpAddresses")) {
				if err := n.claimPublic(ctx, c.New.ID, id); err != nil {
					return err
				}
			}
			return nil
		},
		InUse: n.refuseAttached("natGateway", "InUseNatGatewayCannotBeDeleted", "NAT gateway"),
		Show:  n.showSubnets("natGateway"),
	}
}

func (n *Network) showSubnets(property string) func(context.Context, *resources.Resource, url.Values) error {
	return func(ctx context.Context, r *resources.Resource, _ url.Values) error {
		t, err := n.topology(ctx)
		if err != nil {
			return err
		}
		if ids := t.subnetsUsing(property, r.ID); ids != nil {
			r.Set(refs(ids), "subnets")
		}
		return nil
	}
}

// refuseAttached refuses to delete what a subnet or an interface refers to.
func (n *Network) refuseAttached(property, code, what string) func(context.Context, *resources.Resource) error {
	return func(ctx context.Context, r *resources.Resource) error {
		t, err := n.topology(ctx)
		if err != nil {
			return err
		}
		for _, id := range append(t.subnetsUsing(property, r.ID), t.using(interfaces, r.ID, property)...) {
			return resources.Refuse(http.StatusBadRequest, code, "%s %s cannot be deleted because it is in use by the following resources: %s. "+
				"In order to delete it, remove the association with the resource(s).", what, r.ID, id)
		}
		return nil
	}
}

// checkPriorities requires unique priorities for the rules of a direction.
func checkPriorities(group *resources.Resource) error {
	type place struct {
		direction string
		priority  int
	}
	seen := map[place]string{}
	for _, rule := range resources.Objects(group.Get("securityRules")) {
		properties := resources.Object(rule["properties"])
		priority := number(properties["priority"])
		if priority < 100 || priority > 4096 {
			return resources.Refuse(http.StatusBadRequest, "SecurityRuleInvalidPriority", "Security rule %s has invalid Priority. Value provided: %v Allowed range 100-4096.", textAt(rule, "name"), properties["priority"])
		}
		at := place{textAt(properties, "direction"), priority}
		if other := seen[at]; other != "" {
			return resources.Refuse(http.StatusBadRequest, "SecurityRuleConflict", "Security rule %s conflicts with rule %s. Rules cannot have the same Priority and Direction.", textAt(rule, "name"), other)
		}
		seen[at] = textAt(rule, "name")
	}
	return nil
}

// defaultRules are the immutable rules of every group.
func defaultRules(group string) []any {
	rule := func(name, description, direction, access, source, destination string, priority int) object {
		one := object{
			"name": name, "id": group + "/defaultSecurityRules/" + name, "type": securityGroups + "/defaultSecurityRules",
			"properties": object{
				"provisioningState": resources.Succeeded, "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
				"sourceAddressPrefix": source, "destinationAddressPrefix": destination,
				"access": access, "priority": priority, "direction": direction, "description": description,
			},
		}
		for _, list := range ruleLists() {
			resources.Place(one, []any{}, "properties", list)
		}
		return one
	}
	return []any{
		rule("AllowVnetInBound", "Allow inbound traffic from all VMs in VNET", "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork", 65000),
		rule("AllowAzureLoadBalancerInBound", "Allow inbound traffic from azure load balancer", "Inbound", "Allow", "AzureLoadBalancer", "*", 65001),
		rule("DenyAllInBound", "Deny all inbound traffic", "Inbound", "Deny", "*", "*", 65500),
		rule("AllowVnetOutBound", "Allow outbound traffic from all VMs to all VMs in VNET", "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork", 65000),
		rule("AllowInternetOutBound", "Allow outbound traffic from all VMs to Internet", "Outbound", "Allow", "*", "Internet", 65001),
		rule("DenyAllOutBound", "Deny all outbound traffic", "Outbound", "Deny", "*", "*", 65500),
	}
}
