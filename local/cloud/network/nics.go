package network

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/local/cloud/resources"
)

func (n *Network) interfaces() resources.Behaviour {
	return resources.Behaviour{
		Embeds: []string{"ipConfigurations"},
		Put:    n.putInterface,
		Actions: map[string]resources.Action{
			"effectiveRouteTable":            {Run: n.effectiveRoutes},
			"effectiveNetworkSecurityGroups": {Run: n.effectiveSecurityGroups},
		},
		InUse: func(ctx context.Context, r *resources.Resource) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			if vm := t.attached(r.ID); vm != "" {
				return resources.Refuse(http.StatusBadRequest, "NicInUse", "Network Interface %s is used by existing resource %s. "+
					"In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic.", r.ID, vm)
			}
			if owner := t.get(ownerOf(r)); owner != nil {
				return resources.Refuse(http.StatusBadRequest, "NicInUseWithPrivateLink", "Network Interface %s belongs to %s and goes with it.", r.ID, owner.ID)
			}
			return nil
		},
		Show: func(ctx context.Context, r *resources.Resource, _ url.Values) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			if vm := t.attached(r.ID); vm != "" {
				r.Set(ref(vm), "virtualMachine")
				r.Set(hardwareAddress(r), "macAddress")
			}
			if owner := t.get(ownerOf(r)); owner != nil {
				member := map[string]string{privateEndpoints: "privateEndpoint", privateLinkServices: "privateLinkService"}[owner.Type]
				r.Set(ref(owner.ID), member)
			}
			return nil
		},
	}
}

// ownerOf is the private link resource that owns an interface, or empty.
func ownerOf(r *resources.Resource) string {
	owner, _ := r.Local["owner"].(string)
	return owner
}

func (n *Network) putInterface(ctx context.Context, c *resources.Change) error {
	r := c.New
	for _, worked := range []string{"virtualMachine", "privateEndpoint", "privateLinkService"} {
		r.Set(nil, worked)
	}
	r.Default(false, "enableAcceleratedNetworking")
	r.Default(false, "enableIPForwarding")
	r.Default([]any{}, "dnsSettings", "dnsServers")
	r.Set([]any{}, "dnsSettings", "appliedDnsServers")
	identified(c)
	r.Set(nil, "macAddress") // shown once a machine has it
	r.Set(strings.ReplaceAll(r.Text("resourceGuid"), "-", "")[:24]+".bx.internal.cloudapp.test", "dnsSettings", "internalDomainNameSuffix")
	r.Set(false, "vnetEncryptionSupported")
	r.Default("Standard", "nicType")
	for _, list := range []string{"hostedWorkloads", "tapConfigurations"} {
		r.Default([]any{}, list)
	}
	if err := n.mustExist(ctx, r.ID, refID(r.Get("networkSecurityGroup"))); err != nil {
		return err
	}
	configurations := resources.Objects(r.Get("ipConfigurations"))
	if len(configurations) == 0 {
		return resources.Refuse(http.StatusBadRequest, "NetworkInterfaceMustHaveAtLeastOneIpConfiguration", "Network interface %s must have one or more IP configurations.", r.ID)
	}
	if err := n.assign(ctx, configurations); err != nil {
		return err
	}
	for i, m := range configurations {
		properties := resources.Object(m["properties"])
		if properties["primary"] == nil {
			properties["primary"] = i == 0
		}
		if err := n.claimPublic(ctx, textAt(m, "id"), refID(properties["publicIPAddress"])); err != nil {
			return err
		}
		for _, pool := range refIDs(properties["loadBalancerBackendAddressPools"]) {
			if err := n.mustExist(ctx, r.ID, pool); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownInterface makes the interface of a private link resource in a subnet, and
// returns its id.
func (n *Network) ownInterface(ctx context.Context, owner *resources.Resource, configurations []any) (string, error) {
	id := resources.GroupID(owner.ID) + "/providers/" + interfaces + "/" + owner.Name + ".nic." + guid()
	nic, err := n.engine.Create(ctx, id, object{"location": owner.Location, "properties": object{"ipConfigurations": configurations}})
	if err != nil {
		return "", err
	}
	return nic.ID, n.engine.Change(ctx, nic.ID, func(r *resources.Resource) error {
		r.Local = object{"owner": owner.ID}
		return nil
	})
}

// removeOwn deletes the interface of a private link resource that is gone.
func (n *Network) removeOwn(ctx context.Context, r *resources.Resource) error {
	for _, id := range refIDs(r.Get("networkInterfaces")) {
		if err := n.engine.Remove(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
