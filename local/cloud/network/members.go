package network

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// identified gives a resource its guid, which it keeps.
func identified(c *resources.Change) {
	if c.Old != nil {
		c.New.Set(c.Old.Get("resourceGuid"), "resourceGuid")
	}
	c.New.Default(guid(), "resourceGuid")
}

// ruleLists are the members of a security rule that are empty in most.
func ruleLists() []string {
	return []string{"sourcePortRanges", "destinationPortRanges", "sourceAddressPrefixes", "destinationAddressPrefixes"}
}

// elements completes the parts of resources that answer on their own paths too.
func (n *Network) elementDefaults() {
	n.engine.Register(securityGroups+"/securityRules", resources.Behaviour{Put: func(_ context.Context, c *resources.Change) error {
		for _, list := range ruleLists() {
			c.New.Default([]any{}, list)
		}
		return nil
	}})
	n.engine.Register(routeTables+"/routes", resources.Behaviour{Put: func(_ context.Context, c *resources.Change) error {
		c.New.Default(false, "hasBgpOverride")
		return nil
	}})
	group := resources.Behaviour{Stateless: false, Put: n.putZoneGroup}
	n.engine.Register(privateEndpoints+"/privateDnsZoneGroups", group)
}

// putZoneGroup completes the configurations of a private endpoint's zones with their records: one
// with the endpoint's address, for services of Azure.
func (n *Network) putZoneGroup(ctx context.Context, c *resources.Change) error {
	endpoint, err := n.engine.Get(ctx, parentID(c.New.ID))
	if err != nil {
		return err
	}
	for _, m := range resources.Objects(c.New.Get("privateDnsZoneConfigs")) {
		zone := textAt(m, "properties", "privateDnsZoneId")
		if err := n.mustExist(ctx, c.New.ID, zone); err != nil {
			return err
		}
		m["id"] = c.New.ID + "/privateDnsZoneConfigs/" + textAt(m, "name")
		m["type"] = privateEndpoints + "/privateDnsZoneGroups/privateDnsZoneConfigs"
		m["etag"] = `W/"` + guid() + `"`
		resources.Place(m, resources.Succeeded, "properties", "provisioningState")
		records, err := n.zoneRecords(ctx, endpoint, zone)
		if err != nil {
			return err
		}
		resources.Place(m, records, "properties", "recordSets")
	}
	return nil
}

func (n *Network) zoneRecords(ctx context.Context, endpoint *resources.Resource, zone string) ([]any, error) {
	records := []any{}
	addresses := []any{}
	for _, id := range refIDs(endpoint.Get("networkInterfaces")) {
		nic, err := n.engine.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, m := range resources.Objects(nic.Get("ipConfigurations")) {
			addresses = append(addresses, textAt(m, "properties", "privateIPAddress"))
		}
	}
	for _, member := range endpointConnections() {
		for _, m := range resources.Objects(endpoint.Get(member)) {
			target := textAt(m, "properties", "privateLinkServiceId")
			if id, err := resources.Parse(target); err != nil || arm.EqualFold(id.Type(), privateLinkServices) {
				continue // a service of a customer has no name in a zone
			}
			name := strings.ToLower(nameOf(target))
			records = append(records, object{
				"recordType": "A", "recordSetName": name, "fqdn": name + "." + nameOf(zone), "ttl": 10,
				"provisioningState": resources.Succeeded, "ipAddresses": addresses,
			})
		}
	}
	return records, nil
}

// hardwareAddress is the address of an interface: one of the range that Azure gives to
// its machines, always the same for an interface.
func hardwareAddress(nic *resources.Resource) string {
	b := sha256.Sum256([]byte(nic.Text("resourceGuid")))
	return fmt.Sprintf("00-0D-3A-%02X-%02X-%02X", b[0], b[1], b[2])
}

// fromVersion reports whether a query has an api-version from a day on.
func fromVersion(query url.Values, day string) bool { return query.Get("api-version") >= day }
