package network

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// The states of a connection between an endpoint and a service.
const (
	approved     = "Approved"
	pending      = "Pending"
	rejected     = "Rejected"
	disconnected = "Disconnected"
)

const connections = "privateEndpointConnections"

// A private link service keeps the connections to it; an endpoint only shows the
// state of its own.
func (n *Network) privateLinkServices() resources.Behaviour {
	return resources.Behaviour{
		Embeds: []string{connections},
		Keeps:  []string{connections},
		Put:    n.putService,
		InUse: func(_ context.Context, r *resources.Resource) error {
			for _, m := range resources.Objects(r.Get(connections)) {
				return resources.Refuse(http.StatusBadRequest, "PrivateLinkServiceHasPrivateEndpointConnections",
					"Private link service %s cannot be deleted since it has the private endpoint connection %s.", r.ID, textAt(m, "name"))
			}
			return nil
		},
		Deleted: n.removeOwn,
	}
}

func (n *Network) putService(ctx context.Context, c *resources.Change) error {
	r := c.New
	if c.Old != nil {
		for _, kept := range []string{"alias", "networkInterfaces"} {
			r.Set(c.Old.Get(kept), kept)
		}
	}
	r.Default(strings.ToLower(r.Name)+"."+guid()+"."+r.Location+".azure.privatelinkservice", "alias")
	for _, list := range []string{"visibility", "autoApproval"} {
		r.Default([]any{}, list, "subscriptions")
	}
	r.Default(false, "enableProxyProtocol")
	r.Default([]any{}, "fqdns")
	identified(c)
	for _, id := range refIDs(r.Get("loadBalancerFrontendIpConfigurations")) {
		if err := n.mustExist(ctx, r.ID, id); err != nil {
			return err
		}
	}
	configurations := []any{}
	for i, m := range resources.Objects(r.Get("ipConfigurations")) {
		subnet := refID(resources.At(m, "properties", "subnet"))
		if err := n.mustExist(ctx, r.ID, subnet); err != nil {
			return err
		}
		t, err := n.topology(ctx)
		if err != nil {
			return err
		}
		if textAt(t.element(subnet), "properties", "privateLinkServiceNetworkPolicies") == "Enabled" {
			return resources.Refuse(http.StatusBadRequest, "PrivateLinkServiceCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled",
				"Private link service %s cannot be created in a subnet %s since it has private link service network policies enabled.", r.ID, subnet)
		}
		resources.Place(m, "IPv4", "properties", "privateIPAddressVersion")
		m["id"] = r.ID + "/ipConfigurations/" + textAt(m, "name")
		m["type"], m["etag"] = privateLinkServices+"/ipConfigurations", `W/"`+guid()+`"`
		resources.Place(m, resources.Succeeded, "properties", "provisioningState")
		if resources.At(m, "properties", "primary") == nil {
			resources.Place(m, i == 0, "properties", "primary")
		}
		configurations = append(configurations, object{"name": m["name"], "properties": object{"subnet": ref(subnet)}})
	}
	if len(configurations) == 0 {
		return resources.Refuse(http.StatusBadRequest, "PrivateLinkServiceMustHaveIpConfigurations", "Private link service %s must have an IP configuration.", r.ID)
	}
	if r.Get("networkInterfaces") != nil {
		return nil
	}
	nic, err := n.ownInterface(ctx, r, configurations)
	if err != nil {
		return err
	}
	r.Set(refs([]string{nic}), "networkInterfaces")
	return nil
}

func (n *Network) privateEndpoints() resources.Behaviour {
	return resources.Behaviour{
		Put:  n.putEndpoint,
		Kept: n.connect,
		Deleted: func(ctx context.Context, r *resources.Resource) error {
			if err := n.disconnect(ctx, r); err != nil {
				return err
			}
			return n.removeOwn(ctx, r)
		},
		Show: func(ctx context.Context, r *resources.Resource, query url.Values) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			for _, member := range endpointConnections() {
				for _, m := range resources.Objects(r.Get(member)) {
					resources.Place(m, t.connectionState(r.ID, m), "properties", "privateLinkServiceConnectionState")
				}
			}
			if !strings.Contains(strings.ToLower(query.Get("$expand")), "networkinterfaces") {
				return nil
			}
			expanded := []any{}
			for _, id := range refIDs(r.Get("networkInterfaces")) {
				nic, err := n.engine.Shown(ctx, id)
				if err != nil {
					return err
				}
				expanded = append(expanded, nic)
			}
			r.Set(expanded, "networkInterfaces")
			return nil
		},
	}
}

// endpointConnections are the members of an endpoint with what it connects to.
func endpointConnections() []string {
	return []string{"privateLinkServiceConnections", "manualPrivateLinkServiceConnections"}
}

func (n *Network) putEndpoint(ctx context.Context, c *resources.Change) error {
	r := c.New
	for _, member := range endpointConnections() {
		r.Default([]any{}, member)
		for _, m := range resources.Objects(r.Get(member)) {
			if err := n.mustExist(ctx, r.ID, textAt(m, "properties", "privateLinkServiceId")); err != nil {
				return err
			}
			m["id"] = r.ID + "/" + member + "/" + textAt(m, "name")
			m["type"], m["etag"] = privateEndpoints+"/"+member, `W/"`+guid()+`"`
			resources.Place(m, resources.Succeeded, "properties", "provisioningState")
		}
	}
	r.Default([]any{}, "customDnsConfigs")
	r.Default([]any{}, "ipConfigurations")
	if r.Get("customNetworkInterfaceName") == nil {
		r.Set("", "customNetworkInterfaceName")
	}
	identified(c)
	subnet := refID(r.Get("subnet"))
	if subnet == "" {
		return resources.Refuse(http.StatusBadRequest, "InvalidRequestFormat", "Private endpoint %s has no subnet.", r.ID)
	}
	if err := n.mustExist(ctx, r.ID, subnet); err != nil {
		return err
	}
	r.Set(ref(subnet), "subnet")
	if c.Old != nil {
		r.Set(c.Old.Get("networkInterfaces"), "networkInterfaces")
		return nil
	}
	nic, err := n.ownInterface(ctx, r, []any{object{"name": "privateEndpointIpConfig." + guid(), "properties": object{"subnet": ref(subnet)}}})
	if err != nil {
		return err
	}
	r.Set(refs([]string{nic}), "networkInterfaces")
	return nil
}

// connect records the endpoint's connections at their services.
func (n *Network) connect(ctx context.Context, c *resources.Change) error {
	endpoint := c.New
	for _, member := range endpointConnections() {
		for _, m := range resources.Objects(endpoint.Get(member)) {
			err := n.engine.Change(ctx, textAt(m, "properties", "privateLinkServiceId"), func(service *resources.Resource) error {
				if service.Type != privateLinkServices || connectionOf(service, endpoint.ID) != nil {
					return nil
				}
				state := approved
				if strings.HasPrefix(member, "manual") && !approvesItself(service, resources.Subscription(endpoint.ID)) {
					state = pending
				}
				name := endpoint.Name + "." + guid()
				service.Set(append(elements(service, connections), object{
					"id": service.ID + "/" + connections + "/" + name, "name": name, "type": privateLinkServices + "/" + connections, "etag": `W/"` + guid() + `"`,
					"properties": object{
						"provisioningState": resources.Succeeded, "privateEndpoint": ref(endpoint.ID), "privateEndpointLocation": endpoint.Location,
						"linkIdentifier":                    linkIdentifier(),
						"privateLinkServiceConnectionState": connectionState(state, textAt(m, "properties", "requestMessage")),
					},
				}), connections)
				return nil
			})
			if err != nil && !resources.NotFound(err) {
				return err
			}
		}
	}
	n.Changed()
	return nil
}

// disconnect removes the connections of an endpoint that is gone.
func (n *Network) disconnect(ctx context.Context, endpoint *resources.Resource) error {
	for _, member := range endpointConnections() {
		for _, m := range resources.Objects(endpoint.Get(member)) {
			err := n.engine.Change(ctx, textAt(m, "properties", "privateLinkServiceId"), func(service *resources.Resource) error {
				if service.Type == privateLinkServices {
					service.Set(slices.DeleteFunc(elements(service, connections), func(e any) bool { return isOf(resources.Object(e), endpoint.ID) }), connections)
				}
				return nil
			})
			if err != nil && !resources.NotFound(err) {
				return err
			}
		}
	}
	n.Changed()
	return nil
}

func elements(r *resources.Resource, member string) []any {
	list := []any{}
	for _, m := range resources.Objects(r.Get(member)) {
		list = append(list, m)
	}
	return list
}

func isOf(connection object, endpoint string) bool {
	return sameID(refID(resources.At(connection, "properties", "privateEndpoint")), endpoint)
}

// connectionOf is the connection of an endpoint at a service, nil if there is none.
func connectionOf(service *resources.Resource, endpoint string) object {
	for _, m := range resources.Objects(service.Get(connections)) {
		if isOf(m, endpoint) {
			return m
		}
	}
	return nil
}

// approvesItself reports whether the service lets the subscription in unasked.
func approvesItself(service *resources.Resource, subscription string) bool {
	list, _ := service.Get("autoApproval", "subscriptions").([]any)
	return slices.ContainsFunc(list, func(value any) bool {
		s, _ := value.(string)
		return s == "*" || arm.EqualFold(s, subscription)
	})
}

func connectionState(status, description string) object {
	if status == approved && description == "" {
		description = "Auto-Approved"
	}
	return object{"status": status, "description": description, "actionsRequired": "None"}
}

// connectionState is that of one of an endpoint's connections, as its service has it.
func (t *topology) connectionState(endpoint string, connection object) object {
	target := textAt(connection, "properties", "privateLinkServiceId")
	service := t.get(target)
	if service == nil {
		if id, err := resources.Parse(target); err == nil && !arm.EqualFold(id.Type(), privateLinkServices) {
			return connectionState(approved, "") // a service of Azure's own
		}
		return connectionState(disconnected, "The private link service was deleted.")
	}
	kept := connectionOf(service, endpoint)
	if kept == nil {
		return connectionState(rejected, "The private link service removed the connection.")
	}
	return resources.Object(resources.At(kept, "properties", "privateLinkServiceConnectionState"))
}

// linkIdentifier is the number by which a proxy distinguishes the connections of a private link
// service.
func linkIdentifier() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // it never fails
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(b)>>3), 10)
}
