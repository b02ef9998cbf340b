package network

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/aro-rp/aro/local/cloud/resources"
)

func (n *Network) publicIPAddresses() resources.Behaviour {
	return resources.Behaviour{
		Put: n.putPublic,
		InUse: func(ctx context.Context, r *resources.Resource) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			if holder := t.holder(r.ID); holder != "" {
				return resources.Refuse(http.StatusBadRequest, "PublicIPAddressCannotBeDeleted", "Public IP address %s can not be deleted since it is still allocated to resource %s. "+
					"In order to delete the public IP, disassociate/detach the Public IP address from the resource.", r.ID, holder)
			}
			return nil
		},
		Show: func(ctx context.Context, r *resources.Resource, _ url.Values) error {
			t, err := n.topology(ctx)
			if err != nil {
				return err
			}
			switch holder := t.holder(r.ID); {
			case holder == "":
			case t.get(holder) != nil: // a gateway holds it itself, others by a configuration
				r.Set(ref(holder), "natGateway")
			default:
				r.Set(ref(holder), "ipConfiguration")
			}
			return nil
		},
	}
}

func (n *Network) putPublic(ctx context.Context, c *resources.Change) error {
	r := c.New
	r.Set(nil, "ipConfiguration")
	r.Set(nil, "natGateway")
	r.Default("IPv4", "publicIPAddressVersion")
	r.Default(4, "idleTimeoutInMinutes")
	r.Default([]any{}, "ipTags")
	if r.SKU == nil {
		r.SKU = object{"name": "Basic"}
	}
	if r.SKU["tier"] == nil {
		r.SKU["tier"] = "Regional"
	}
	standard := textAt(r.SKU, "name") == "Standard"
	if standard {
		r.Default("Static", "publicIPAllocationMethod")
	}
	r.Default("Dynamic", "publicIPAllocationMethod")
	if standard && r.Text("publicIPAllocationMethod") != "Static" {
		return resources.Refuse(http.StatusBadRequest, "StandardSkuPublicIPMustBeStatic", "Standard sku publicIp %s must have AllocationMethod set to Static.", r.ID)
	}
	if label := r.Text("dnsSettings", "domainNameLabel"); label != "" {
		r.Set(label+"."+r.Location+".cloudapp.azure.com", "dnsSettings", "fqdn")
	}
	if c.Old != nil {
		r.Set(c.Old.Get("ipAddress"), "ipAddress")
		r.Set(c.Old.Get("resourceGuid"), "resourceGuid")
		return nil
	}
	r.Set(guid(), "resourceGuid")
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	if err := withinQuota(t, r, "PublicIPAddresses", publicIPAddresses, "PublicIPCountLimitReached"); err != nil {
		return err
	}
	busy := map[netip.Addr]bool{}
	for _, other := range t.of(publicIPAddresses) {
		if address, err := netip.ParseAddr(other.Text("ipAddress")); err == nil {
			busy[address] = true
		}
	}
	address, ok := lowest([]netip.Prefix{n.Public}, func(a netip.Addr) bool { return busy[a] })
	if !ok {
		return resources.Refuse(http.StatusConflict, "PublicIpAddressesExhausted", "The local Azure has no public IP address left.")
	}
	r.Set(address.String(), "ipAddress")
	return nil
}

// holder is the configuration or gateway that has the public address, or empty.
func (t *topology) holder(id string) string {
	for _, ids := range [][]string{
		t.elementsUsing(loadBalancers, "frontendIPConfigurations", "publicIPAddress", id),
		t.elementsUsing(interfaces, "ipConfigurations", "publicIPAddress", id),
	} {
		if len(ids) > 0 {
			return ids[0]
		}
	}
	for _, gateway := range t.of(natGateways) {
		for _, used := range refIDs(gateway.Get("publicIpAddresses")) {
			if sameID(used, id) {
				return gateway.ID
			}
		}
	}
	return ""
}

// claimPublic refuses a public address that does not exist or is in use.
func (n *Network) claimPublic(ctx context.Context, who, id string) error {
	if id == "" {
		return nil
	}
	t, err := n.topology(ctx)
	if err != nil {
		return err
	}
	if t.get(id) == nil {
		return notReferenced(who, id)
	}
	if holder := t.holder(id); holder != "" && !sameID(holder, who) {
		return resources.Refuse(http.StatusBadRequest, "PublicIPAddressInUse", "Resource %s is referencing public IP address %s that is already allocated to resource %s.", who, id, holder)
	}
	return nil
}
