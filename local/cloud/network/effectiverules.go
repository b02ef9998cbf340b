package network

import (
	"context"
	"net/http"
	"strings"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// effectiveSecurityGroups are the rules that apply to an interface: those of the group of
// its subnet, and those of its own.
func (n *Network) effectiveSecurityGroups(ctx context.Context, nic *resources.Resource, _ *resources.Call) (any, error) {
	t, err := n.topology(ctx)
	if err != nil {
		return nil, err
	}
	if t.attached(nic.ID) == "" {
		return nil, resources.Refuse(http.StatusBadRequest, "NetworkInterfaceNotAttachedToRunningVM",
			"Network interface %s must be attached to a running virtual machine to have effective security rules.", nic.ID)
	}
	groups := []any{}
	add := func(group *resources.Resource, association object) {
		if group != nil {
			groups = append(groups, object{"networkSecurityGroup": object{"id": group.ID}, "association": association, "effectiveSecurityRules": effectiveRules(group)})
		}
	}
	for _, m := range resources.Objects(nic.Get("ipConfigurations")) {
		subnet := refID(resources.At(m, "properties", "subnet"))
		add(t.get(refID(resources.At(t.element(subnet), "properties", "networkSecurityGroup"))), object{"subnet": object{"id": subnet}})
		break
	}
	add(t.get(refID(nic.Get("networkSecurityGroup"))), object{"networkInterface": object{"id": nic.ID}})
	return object{"value": groups}, nil
}

// effectiveRules are the rules of a group as Azure shows their effect.
func effectiveRules(group *resources.Resource) []any {
	rules := []any{}
	for _, list := range []string{"securityRules", "defaultSecurityRules"} {
		for _, rule := range resources.Objects(group.Get(list)) {
			p := resources.Object(rule["properties"])
			protocol := textAt(p, "protocol")
			if protocol == "*" {
				protocol = "All"
			}
			rules = append(rules, object{
				"name": list + "/" + textAt(rule, "name"), "protocol": protocol, "access": p["access"], "direction": p["direction"], "priority": p["priority"],
				"sourcePortRange": portRange(textAt(p, "sourcePortRange")), "destinationPortRange": portRange(textAt(p, "destinationPortRange")),
				"sourceAddressPrefix": everywhere(textAt(p, "sourceAddressPrefix")), "destinationAddressPrefix": everywhere(textAt(p, "destinationAddressPrefix")),
			})
		}
	}
	return rules
}

// portRange spells ports as two numbers.
func portRange(ports string) string {
	switch {
	case ports == "*" || ports == "":
		return "0-65535"
	case strings.Contains(ports, "-"):
		return ports
	}
	return ports + "-" + ports
}

func everywhere(prefix string) string {
	if prefix == "*" {
		return "0.0.0.0/0"
	}
	return prefix
}
