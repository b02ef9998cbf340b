package preflight_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure/preflight"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/message"
	"github.com/aro-rp/aro/wait"
)

const (
	masterSubnet = "properties.masterProfile.subnetId"
	workerSubnet = "properties.workerProfiles[0].subnetId"
	masterSize   = "properties.masterProfile.vmSize"
	managedIPs   = "properties.networkProfile.loadBalancerProfile.managedOutboundIps.count"
)

// rule is one case: how the fakeAzure or the cluster is changed, and the expected
// errors.
type rule struct {
	why   string
	kind  model.OperationKind // Create, unless given
	wi    bool
	spoil func(*fakeAzure, *model.Cluster)
	// want are "code target" of all details; says is in the text of one.
	want []string
	says string
}

func withIPs(c *model.Cluster, n int) {
	c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: n}}
}

func nsg(id string) map[string]any { return map[string]any{"id": id} }

func networkRules() map[string]rule {
	none := func(*fakeAzure, *model.Cluster) {}
	return map[string]rule{
		"all is well":         {why: "nothing stands in the way", spoil: none},
		"all is well with wi": {why: "nor with identities", wi: true, spoil: none},
		"network absent":      {why: "it was never made", spoil: func(w *fakeAzure, c *model.Cluster) { w.statuses[vnet] = 404 }, want: []string{"InvalidLinkedVNet " + masterSubnet}, says: "does not exist"},
		"network elsewhere":   {why: "machines cannot join it", spoil: func(w *fakeAzure, _ *model.Cluster) { w.location = "westus" }, want: []string{"InvalidLinkedVNet " + masterSubnet}, says: "westus"},
		"location as shown":   {why: "Azure shows it with a space", spoil: func(w *fakeAzure, _ *model.Cluster) { w.location = "East US" }},
		"subnet absent": {why: "its name is wrong", spoil: func(_ *fakeAzure, c *model.Cluster) {
			c.Properties.WorkerProfiles[0].SubnetID = vnet + "/subnets/other"
		}, want: []string{"InvalidLinkedVNet " + workerSubnet}, says: "does not exist"},
		"no subnet id":       {why: "it cannot be asked for", spoil: func(_ *fakeAzure, c *model.Cluster) { c.Properties.WorkerProfiles[0].SubnetID = vnet }, want: []string{"InvalidResourceID " + workerSubnet}},
		"small subnet":       {why: "upgrades need room", spoil: func(w *fakeAzure, _ *model.Cluster) { w.master["addressPrefix"] = "10.0.0.0/28" }, want: []string{"InvalidLinkedVNet " + masterSubnet}, says: "/27 or larger"},
		"small second range": {why: "any range may be used", spoil: func(w *fakeAzure, _ *model.Cluster) { w.master["addressPrefixes"] = ids("10.0.0.0/24", "10.9.0.0/28") }, want: []string{"InvalidLinkedVNet " + masterSubnet}},
		"subnet of OVN's":    {why: "traffic between machines would not leave them", spoil: func(w *fakeAzure, _ *model.Cluster) { w.master["addressPrefix"] = "100.64.3.0/24" }, want: []string{"InvalidLinkedVNet " + masterSubnet}, says: "overlaps 100.64.0.0/16, which OVN-Kubernetes uses"},
		"second range OVN's": {why: "any range may be used", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.workers["addressPrefixes"] = ids("10.0.1.0/24", "169.254.64.0/24")
		}, want: []string{"InvalidLinkedVNet " + workerSubnet}, says: "169.254.0.0/17"},
		"subnet updating":     {why: "it is half made", spoil: func(w *fakeAzure, _ *model.Cluster) { w.workers["provisioningState"] = "Updating" }, want: []string{"InvalidLinkedVNet " + workerSubnet}, says: "Updating"},
		"ranges overlap":      {why: "pods would hide machines", spoil: func(_ *fakeAzure, c *model.Cluster) { c.Properties.NetworkProfile.PodCIDR = "10.0.0.0/16" }, want: []string{"InvalidLinkedVNet properties.networkProfile.podCidr", "InvalidLinkedVNet properties.networkProfile.podCidr"}, says: "podCidr"},
		"foreign group":       {why: "it may block the cluster", spoil: func(w *fakeAzure, _ *model.Cluster) { w.master["networkSecurityGroup"] = nsg(theirs) }, want: []string{"InvalidLinkedVNet " + masterSubnet}, says: "preconfiguredNSG"},
		"own group already":   {why: "the step ran before", spoil: func(w *fakeAzure, _ *model.Cluster) { w.master["networkSecurityGroup"] = nsg(arm.ToLower(ourNSG)) }},
		"agreed group":        {why: "that was agreed", spoil: func(w *fakeAzure, c *model.Cluster) { agree(w, c) }},
		"agreed group absent": {why: "it was promised", spoil: func(w *fakeAzure, c *model.Cluster) { agree(w, c); delete(w.workers, "networkSecurityGroup") }, want: []string{"InvalidLinkedVNet " + workerSubnet}, says: "Attach one"},
		"group lost":          {why: "it was detached", kind: model.Update, spoil: none, want: []string{"InvalidLinkedVNet " + masterSubnet, "InvalidLinkedVNet " + workerSubnet}, says: ourNSG},
		"update is well":      {why: "both have it", kind: model.Update, spoil: func(w *fakeAzure, _ *model.Cluster) { w.own() }},
		"pools as found": {why: "the pool of the create is gone, with its subnet", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) {
			w.own()
			c.Properties.WorkerProfilesStatus = slices.Clone(c.Properties.WorkerProfiles)
			c.Properties.WorkerProfiles[0].SubnetID = vnet + "/subnets/gone"
		}},
		"found pool broken": {why: "it is named where it was found", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) {
			w.own()
			c.Properties.WorkerProfilesStatus = []model.WorkerProfile{c.Properties.WorkerProfiles[0], {Name: "infra-2", SubnetID: vnet + "/subnets/gone", DiskEncryptionSetID: desID + "2"}}
		}, want: []string{"InvalidLinkedVNet properties.workerProfilesStatus[1].subnetId", "InvalidLinkedDiskEncryptionSet properties.workerProfilesStatus[1].diskEncryptionSetId"}, says: `gone" of the machine set "infra-2" does not exist. Create it, or correct or delete the machine set`},
		"found pool's network gone": {why: "its subnet is there no more than it", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) {
			w.own()
			c.Properties.WorkerProfilesStatus = []model.WorkerProfile{{Name: "infra-2", SubnetID: vnet + "2/subnets/worker"}}
			delete(w.bodies, vnet+"2")
		}, want: []string{"InvalidLinkedVNet properties.workerProfilesStatus[0].subnetId"}, says: `of the machine set "infra-2"`},
		"disk set absent": {why: "its name is wrong", spoil: func(_ *fakeAzure, c *model.Cluster) { c.Properties.MasterProfile.DiskEncryptionSetID = desID + "2" }, want: []string{"InvalidLinkedDiskEncryptionSet properties.masterProfile.diskEncryptionSetId"}},
		"disk set elsewhere": {why: "disks cannot use it", spoil: func(w *fakeAzure, c *model.Cluster) {
			c.Properties.WorkerProfiles[0].DiskEncryptionSetID = desID
			w.bodies[desID] = map[string]any{"location": "westus"}
		}, want: []string{"InvalidLinkedDiskEncryptionSet properties.workerProfiles[0].diskEncryptionSetId"}, says: "westus"},
		"disk set named twice": {why: "once is enough to say", spoil: func(_ *fakeAzure, c *model.Cluster) {
			c.Properties.MasterProfile.DiskEncryptionSetID = desID + "2"
			c.Properties.WorkerProfiles[0].DiskEncryptionSetID = desID + "2"
		}, want: []string{"InvalidLinkedDiskEncryptionSet properties.masterProfile.diskEncryptionSetId"}},
	}
}

// agree makes the customer provide the security groups.
func agree(w *fakeAzure, c *model.Cluster) {
	c.Properties.NetworkProfile.PreconfiguredNSG = model.Enabled
	w.master["networkSecurityGroup"], w.workers["networkSecurityGroup"] = nsg(theirs), nsg(theirs)
}

// own attaches the cluster's security group, as a create leaves it.
func (w *fakeAzure) own() {
	w.master["networkSecurityGroup"], w.workers["networkSecurityGroup"] = nsg(ourNSG), nsg(ourNSG)
}

// routed makes the customer provide the routes of both subnets.
func (w *fakeAzure) routed(c *model.Cluster, table ...any) {
	c.Properties.NetworkProfile.OutboundType = model.UserDefinedRouting
	w.master["routeTable"], w.workers["routeTable"] = map[string]any{"id": routeID}, map[string]any{"id": arm.ToLower(routeID)}
	w.bodies[routeID] = map[string]any{"properties": map[string]any{"routes": table}}
}

func route(prefix, hop string) map[string]any {
	return map[string]any{"properties": map[string]any{"addressPrefix": prefix, "nextHopType": hop}}
}

func routeRules() map[string]rule {
	const code = "InvalidLinkedRouteTable "
	both := []string{code + masterSubnet, code + workerSubnet}
	plain := func(c *model.Cluster) { c.Properties.NetworkProfile.OutboundType = model.UserDefinedRouting }
	return map[string]rule{
		"default route": {why: "it leads to a firewall", spoil: func(w *fakeAzure, c *model.Cluster) { w.routed(c, route("0.0.0.0/0", "VirtualAppliance")) }},
		"default route halved": {why: "two halves are all", spoil: func(w *fakeAzure, c *model.Cluster) {
			w.routed(c, route("0.0.0.0/1", "VirtualAppliance"), route("128.0.0.0/1", "VirtualNetworkGateway"))
		}},
		"no table":              {why: "nothing leads out", spoil: func(_ *fakeAzure, c *model.Cluster) { plain(c) }, want: both, says: "has no route table"},
		"no default route":      {why: "nor does this", spoil: func(w *fakeAzure, c *model.Cluster) { w.routed(c, route("10.0.0.0/8", "VirtualAppliance")) }, want: both, says: "no route for 0.0.0.0/0"},
		"half a default route":  {why: "the other half is lost", spoil: func(w *fakeAzure, c *model.Cluster) { w.routed(c, route("0.0.0.0/1", "VirtualAppliance")) }, want: both},
		"default route to None": {why: "it drops all", spoil: func(w *fakeAzure, c *model.Cluster) { w.routed(c, route("0.0.0.0/0", "None")) }, want: both, says: "next hop None"},
		"workers' alone": {why: "each subnet needs one", spoil: func(w *fakeAzure, c *model.Cluster) {
			w.routed(c, route("0.0.0.0/0", "VirtualAppliance"))
			delete(w.workers, "routeTable")
		}, want: []string{code + workerSubnet}},
		"table absent": {why: "it was deleted", spoil: func(w *fakeAzure, c *model.Cluster) {
			w.routed(c)
			w.statuses[routeID] = 404
			w.statuses[arm.ToLower(routeID)] = 404
		}, want: both, says: "does not exist"},
		"NAT gateway": {why: "it leads out without a route", spoil: func(w *fakeAzure, c *model.Cluster) {
			plain(c)
			w.master["natGateway"], w.workers["natGateway"] = map[string]any{"id": natID}, map[string]any{"id": natID}
		}},
		"gateway in the network": {why: "it may tell a default route", spoil: func(w *fakeAzure, c *model.Cluster) { plain(c); w.gateways = true }},
		"gateway kept away": {why: "the table wants to learn nothing", spoil: func(w *fakeAzure, c *model.Cluster) {
			w.gateways = true
			w.routed(c)
			w.bodies[routeID] = map[string]any{"properties": map[string]any{"disableBgpRoutePropagation": true}}
		}, want: both},
		"running cluster": {why: "its routes have led somewhere", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) { plain(c); w.own() }},
	}
}

func machineRules() map[string]rule {
	skus := sub + "/providers/Microsoft.Compute/skus"
	encrypt := func(c *model.Cluster) { c.Properties.MasterProfile.EncryptionAtHost = model.Enabled }
	restriction := func(kind string) map[string]any {
		return map[string]any{"restrictions": []any{map[string]any{"type": kind, "values": ids("eastus"), "reasonCode": "NotAvailableForSubscription"}}}
	}
	zones := func(zones ...string) map[string]any {
		return map[string]any{"restrictions": []any{map[string]any{"type": "Zone", "values": ids("eastus"), "reasonCode": "NotAvailableForSubscription",
			"restrictionInfo": map[string]any{"locations": ids("eastus"), "zones": ids(zones...)}}}}
	}
	return map[string]rule{
		"size absent": {why: "the region lacks it", spoil: func(w *fakeAzure, _ *model.Cluster) { w.bodies[skus] = list(sku("Standard_D4s_v3", nil)) }, want: []string{"InvalidParameter " + masterSize}, says: "does not exist"},
		"size restricted": {why: "the subscription may not have it", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.bodies[skus] = list(sku("Standard_D4s_v3", nil), sku("Standard_D8s_v3", restriction("Location")))
		}, want: []string{"InvalidParameter " + masterSize}, says: "restricted"},
		"no zone of ours restricted": {why: "all three are left", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.bodies[skus] = list(sku("Standard_D4s_v3", zones("4")), sku("Standard_D8s_v3", restriction("Zone")))
		}},
		"masters' zone restricted": {why: "two of three are left", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.bodies[skus] = list(sku("Standard_D4s_v3", nil), sku("Standard_D8s_v3", zones("3", "4")))
		}, want: []string{"InvalidParameter " + masterSize}, says: "restricted in zone 3 of eastus for the subscription (NotAvailableForSubscription)"},
		"workers' zones restricted": {why: "none is left", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.bodies[skus] = list(sku("Standard_D4s_v3", zones("1", "2", "3")), sku("Standard_D8s_v3", nil))
		}, want: []string{"InvalidParameter properties.workerProfiles[0].vmSize"}, says: "in zones 1, 2 and 3 of eastus"},
		"zones restricted elsewhere": {why: "it is about another location", spoil: func(w *fakeAzure, _ *model.Cluster) {
			elsewhere := map[string]any{"type": "Zone", "values": ids("westus"), "restrictionInfo": map[string]any{"locations": ids("westus"), "zones": ids("1")}}
			w.bodies[skus] = list(sku("Standard_D4s_v3", nil), sku("Standard_D8s_v3", map[string]any{"restrictions": []any{elsewhere}}))
		}},
		"cannot encrypt": {why: "the hardware lacks it", spoil: func(w *fakeAzure, c *model.Cluster) {
			encrypt(c)
			w.bodies[skus] = list(sku("Standard_D4s_v3", nil), sku("Standard_D8s_v3", map[string]any{"capabilities": ids()}))
		}, want: []string{"InvalidParameter properties.masterProfile.encryptionAtHost"}},
		"encrypts": {why: "all have what it takes", spoil: func(_ *fakeAzure, c *model.Cluster) { encrypt(c) }},
		"feature absent": {why: "the subscription must ask for it", spoil: func(w *fakeAzure, c *model.Cluster) {
			encrypt(c)
			w.statuses[sub+"/providers/Microsoft.Features/providers/Microsoft.Compute/features/EncryptionAtHost"] = 404
		}, want: []string{"InvalidParameter properties.masterProfile.encryptionAtHost"}, says: "EncryptionAtHost"},
		"quota of cores":    {why: "4 masters with 8 and 3 workers with 4 cores", spoil: func(w *fakeAzure, _ *model.Cluster) { w.bodies[locate] = list(usage("cores", 100, 57)) }, want: []string{"ResourceQuotaExceeded "}, says: "needs 44 of the quota cores in eastus, and 43"},
		"quota just enough": {why: "44 are needed and left", spoil: func(w *fakeAzure, _ *model.Cluster) { w.bodies[locate] = list(usage("cores", 100, 56)) }},
		"two quotas": {why: "both are told", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.bodies[locate] = list(usage("standardDSv3Family", 10, 0), usage("virtualMachines", 6, 0))
		}, want: []string{"ResourceQuotaExceeded ", "ResourceQuotaExceeded "}},
		"quota of ips": {why: "a create takes three", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.bodies[sub+"/providers/Microsoft.Network/locations/eastus/usages"] = list(usage("PublicIPAddresses", 10, 8))
		}, want: []string{"ResourceQuotaExceeded "}, says: "3 more"},
		"quota of many ips": {why: "outbound ones and one for routes", spoil: func(w *fakeAzure, c *model.Cluster) {
			withIPs(c, 5)
			w.bodies[sub+"/providers/Microsoft.Network/locations/eastus/usages"] = list(usage("PublicIPAddresses", 10, 5))
		}, want: []string{"ResourceQuotaExceeded " + managedIPs}, says: "6 more"},
		"private needs no ip": {why: "own routes take none", spoil: func(w *fakeAzure, c *model.Cluster) {
			w.routed(c, route("0.0.0.0/0", "VirtualAppliance"))
			w.bodies[sub+"/providers/Microsoft.Network/locations/eastus/usages"] = list(usage("PublicIPAddresses", 1, 1))
		}},
		"more ips on update": {why: "only the new ones count", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) {
			w.own()
			withIPs(c, 5)
			delete(w.bodies, balancerID) // the record is all that there is
			c.Properties.NetworkProfile.LoadBalancerProfile.EffectiveOutboundIPs = make([]model.ResourceReference, 2)
			w.bodies[sub+"/providers/Microsoft.Network/locations/eastus/usages"] = list(usage("PublicIPAddresses", 10, 8))
		}, want: []string{"ResourceQuotaExceeded " + managedIPs}, says: "3 more"},
		"ips as they are": {why: "the balancer has four of five, whatever was recorded", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) {
			w.own()
			withIPs(c, 5)
			w.balancer(map[string]any{"outboundRules": []any{outboundRule("theirs", 7), outboundRule("outbound-rule-v4", 4)}})
			w.bodies[sub+"/providers/Microsoft.Network/locations/eastus/usages"] = list(usage("PublicIPAddresses", 10, 9))
		}},
		"fewer ips than recorded": {why: "they were removed", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) {
			w.own()
			withIPs(c, 5)
			c.Properties.NetworkProfile.LoadBalancerProfile.EffectiveOutboundIPs = make([]model.ResourceReference, 5)
			w.balancer(map[string]any{"outboundRules": []any{outboundRule("outbound-rule-v4", 1)}})
			w.bodies[sub+"/providers/Microsoft.Network/locations/eastus/usages"] = list(usage("PublicIPAddresses", 10, 7))
		}, want: []string{"ResourceQuotaExceeded " + managedIPs}, says: "4 more"},
		"too few ports":     {why: "63 machines of 1024 ports exceed one address", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) { w.own(); withIPs(c, 1); w.machines(63) }, want: []string{"InvalidParameter properties.networkProfile.loadBalancerProfile"}, says: "at least 2"},
		"ports just enough": {why: "62 fit", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) { w.own(); withIPs(c, 1); w.machines(62) }},
		"provider absent": {why: "only the customer registers", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.bodies[sub+"/providers/Microsoft.Storage"] = map[string]any{"registrationState": "NotRegistered"}
		}, want: []string{"ResourceProviderNotRegistered "}, says: "Microsoft.Storage"},
	}
}

// restrictZone takes a zone of a size away from the subscription.
func (w *fakeAzure) restrictZone(size, zone string) {
	w.bodies[sub+"/providers/Microsoft.Compute/skus"] = list(sku("Standard_D8s_v3", nil), sku("Standard_D4s_v3", nil), sku(size, map[string]any{"restrictions": []any{
		map[string]any{"type": "Zone", "values": ids("eastus"), "restrictionInfo": map[string]any{"locations": ids("eastus"), "zones": ids(zone)}, "reasonCode": "QuotaId"}}}))
}

func (w *fakeAzure) machines(n int) {
	w.balancer(map[string]any{"outboundRules": []any{outboundRule("outbound-rule-v4", 1)}, "backendAddressPools": []any{
		map[string]any{"name": "c-abcde", "properties": map[string]any{"backendIPConfigurations": make([]struct{}, n)}}}})
}

// balancer is the cluster's public load balancer.
func (w *fakeAzure) balancer(properties map[string]any) {
	w.bodies[balancerID] = map[string]any{"properties": properties}
}

func outboundRule(name string, frontends int) map[string]any {
	return map[string]any{"name": name, "properties": map[string]any{"frontendIPConfigurations": make([]struct{}, frontends)}}
}

func identityRules() map[string]rule {
	const sp = "properties.servicePrincipalProfile"
	deny := func(pairs ...string) func(*fakeAzure, *model.Cluster) {
		return func(w *fakeAzure, _ *model.Cluster) {
			for _, p := range pairs {
				w.denied[p] = true
			}
		}
	}
	linked := func(kind, id, denied string) func(*fakeAzure, *model.Cluster) {
		return func(w *fakeAzure, _ *model.Cluster) {
			w.master[kind] = map[string]any{"id": id}
			w.denied[denied] = true
		}
	}
	federated := func(issuer string) func(*fakeAzure, *model.Cluster) {
		return func(w *fakeAzure, c *model.Cluster) {
			c.Properties.ClusterProfile.OIDCIssuer = "https://issuer/mine"
			w.bodies[opID+"ingress/federatedIdentityCredentials"] = list(map[string]any{"name": "cred", "properties": map[string]any{"issuer": issuer, "audiences": ids("openshift")}})
		}
	}
	const networks = "Microsoft.Network/virtualNetworks/"
	return map[string]rule{
		"sp network":         {why: "one of three lacks", spoil: deny("sp " + networks + "join/action"), want: []string{"InvalidServicePrincipalPermissions "}, says: networks + "join/action on"},
		"service network":    {why: "the service reads it", spoil: deny("fp " + networks + "read"), want: []string{"InvalidResourceProviderPermissions "}},
		"service never asks": {why: "it does not write networks", spoil: deny("fp " + networks + "write")},
		"both at once":       {why: "one attempt shows both", spoil: deny("sp "+networks+"read", "fp "+networks+"read"), want: []string{"InvalidServicePrincipalPermissions ", "InvalidResourceProviderPermissions "}},
		"subnets":            {why: "each is told", spoil: deny("fp " + networks + "subnets/write"), want: []string{"InvalidResourceProviderPermissions ", "InvalidResourceProviderPermissions "}},
		"route table":        {why: "routers write it", spoil: linked("routeTable", routeID, "sp Microsoft.Network/routeTables/write"), want: []string{"InvalidServicePrincipalPermissions "}, says: routeID},
		"nat gateway":        {why: "machines join it", spoil: linked("natGateway", natID, "fp Microsoft.Network/natGateways/join/action"), want: []string{"InvalidResourceProviderPermissions "}, says: natID},
		"security group": {why: "machines join it", spoil: func(w *fakeAzure, c *model.Cluster) {
			agree(w, c)
			w.denied["fp Microsoft.Network/networkSecurityGroups/read"] = true
		}, want: []string{"InvalidResourceProviderPermissions "}, says: theirs},
		"disk set": {why: "disks read it", spoil: func(w *fakeAzure, c *model.Cluster) {
			c.Properties.MasterProfile.DiskEncryptionSetID = desID
			w.denied["sp Microsoft.Compute/diskEncryptionSets/read"] = true
		}, want: []string{"InvalidServicePrincipalPermissions properties.masterProfile.diskEncryptionSetId"}},
		"role spreads": {why: "the second look finds it", spoil: func(w *fakeAzure, _ *model.Cluster) { w.denied["sp "+networks+"read"] = true; w.healAfter = 6 }},
		"bad secret": {why: "a new one may spread", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.refusals[spID] = "AADSTS7000215: Invalid client secret provided for app '" + spID + "'."
		}, want: []string{"InvalidServicePrincipalCredentials " + sp}},
		"bad secret and network": {why: "the other problem stays", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.refusals[spID] = "AADSTS7000215: Invalid client secret provided for app '" + spID + "'."
			w.location = "westus"
		}, want: []string{"InvalidServicePrincipalCredentials " + sp, "InvalidLinkedVNet " + masterSubnet}},
		"expired secret": {why: "time does not cure it", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.refusals[spID] = "AADSTS7000222: The secret keys for app '" + spID + "' are expired."
		}, want: []string{"InvalidServicePrincipalCredentials " + sp}, says: "expired"},
		"no subject":  {why: "the token has no subject", spoil: func(w *fakeAzure, _ *model.Cluster) { w.claims[spID] = map[string]any{} }, want: []string{"InvalidServicePrincipalClaims " + sp}},
		"old subject": {why: "an alternative id is one", spoil: func(w *fakeAzure, _ *model.Cluster) { w.claims[spID] = map[string]any{"puid": "1", "oid": "sp"} }},
		"graph role": {why: "it could change applications", spoil: func(w *fakeAzure, _ *model.Cluster) {
			w.claims[spID] = map[string]any{"oid": "sp", "roles": ids("Application.ReadWrite.OwnedBy")}
		}, want: []string{"InvalidServicePrincipalCredentials " + sp}, says: "Application.ReadWrite.OwnedBy"},

		"operator network":    {wi: true, why: "its role is about networks", spoil: deny("op-ingress " + networks + "read"), want: []string{"InvalidWorkloadIdentityPermissions "}, says: "operator ingress"},
		"operator never asks": {wi: true, why: "no role of it is about writing", spoil: deny("op-ingress "+networks+"write", "op-disk "+networks+"read")},
		"operator disk set": {wi: true, why: "its role is about disks", spoil: func(w *fakeAzure, c *model.Cluster) {
			c.Properties.MasterProfile.DiskEncryptionSetID = desID
			w.denied["op-disk Microsoft.Compute/diskEncryptionSets/read"] = true
		}, want: []string{"InvalidWorkloadIdentityPermissions properties.masterProfile.diskEncryptionSetId"}, says: "disk-csi-driver"},
		"cluster identity": {wi: true, why: "it federates each operator", spoil: deny("msi Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/*"), want: []string{"InvalidClusterMSIPermissions ", "InvalidClusterMSIPermissions "}},
		"operator missing": {wi: true, why: "the version needs it", spoil: func(_ *fakeAzure, c *model.Cluster) {
			delete(c.Properties.PlatformWorkloadIdentityProfile.PlatformWorkloadIdentities, "ingress")
		}, want: []string{"PlatformWorkloadIdentityMismatch properties.platformWorkloadIdentityProfile.platformWorkloadIdentities"}, says: "disk-csi-driver, ingress"},
		"version without sets": {wi: true, why: "it cannot use identities", spoil: func(_ *fakeAzure, c *model.Cluster) { c.Properties.ClusterProfile.Version = "4.13.1" }, want: []string{"InvalidParameter properties.clusterProfile.version"}},
		"foreign federation":   {wi: true, why: "another cluster could act as the operator", spoil: federated("https://issuer/other"), want: []string{"PlatformWorkloadIdentityContainsInvalidCredential properties.platformWorkloadIdentityProfile.platformWorkloadIdentities[\"ingress\"].resourceId"}, says: "cred"},
		"own federation":       {wi: true, why: "an update finds what the create made", kind: model.Update, spoil: func(w *fakeAzure, c *model.Cluster) { w.own(); federated("https://issuer/mine")(w, c) }},
		"identity absent":      {wi: true, why: "it was deleted", spoil: func(w *fakeAzure, _ *model.Cluster) { w.statuses[opID+"ingress/federatedIdentityCredentials"] = 404 }, want: []string{"InvalidPlatformWorkloadIdentity properties.platformWorkloadIdentityProfile.platformWorkloadIdentities[\"ingress\"].resourceId"}},
	}
}

func TestRules(t *testing.T) {
	for _, rules := range []map[string]rule{networkRules(), routeRules(), machineRules(), identityRules()} {
		for name, rule := range rules {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, rule.check) // permissions are waited for
			})
		}
	}
}

func (r rule) check(t *testing.T) {
	w, c, kind := newFakeAzure(t), spCluster(), r.kind
	if r.wi {
		c = wiCluster()
	}
	if kind == "" {
		kind = model.Create
	}
	r.spoil(w, c)
	v, _ := w.validator()
	rounds, _, err := engine(t, v, c, kind)
	var typed *arm.Error
	if err != nil && !errors.As(err, &typed) {
		t.Fatalf("%s: it could not be asked: %v", r.why, err)
	}
	if strings.Contains(fmt.Sprint(err), "hunter2") {
		t.Error("a secret got out")
	}
	var got, texts []string
	for _, f := range details(typed) {
		got, texts = append(got, f.Code.Name+" "+f.Target), append(texts, f.Message)
		message.Check(t, f, "hunter2")
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(r.want))
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %q\n%s\nwant %q", r.why, got, strings.Join(texts, "\n"), want)
	}
	if r.says != "" && !strings.Contains(strings.Join(texts, "\n"), r.says) {
		t.Errorf("%s: got %q, want %q", r.why, texts, r.says)
	}
	for _, path := range []string{vnet, balancerID} {
		if w.reads[path] > rounds {
			t.Errorf("%s was read %d times in %d rounds", path, w.reads[path], rounds)
		}
	}
}

// engine validates as the step engine does: it shows a refusal that may pass,
// leaves, and comes again until its bound. shown are what it showed.
func engine(t *testing.T, v *preflight.Validator, c *model.Cluster, kind model.OperationKind) (rounds int, shown []*arm.Error, err error) {
	t.Helper()
	var since time.Time
	for {
		began := time.Now()
		err = v.Validate(t.Context(), c, kind)
		if took := time.Since(began); took > 0 { // in the time of synctest, which only waits move
			t.Errorf("a worker was kept for %s", took)
		}
		rounds++
		var again *wait.Retryable
		if !errors.As(err, &again) || again.Within == 0 {
			return rounds, shown, err
		}
		if since.IsZero() {
			since = time.Now()
		}
		left := time.Until(since.Add(again.Within))
		if left <= 0 {
			return rounds, shown, again.Err
		}
		shown = append(shown, again.Err)
		time.Sleep(min(again.After, left)) // of synctest
	}
}

func details(e *arm.Error) []*arm.Error {
	switch {
	case e == nil:
		return nil
	case len(e.Details) == 0:
		return []*arm.Error{e}
	}
	return e.Details
}

func TestAzureThatCannotBeAskedIsNoFaultOfTheCustomer(t *testing.T) {
	for _, path := range []string{vnet, "/checkaccess", sub + "/providers/Microsoft.Compute/skus"} {
		w := newFakeAzure(t)
		w.statuses[path] = 503
		v, _ := w.validator()
		err := v.Validate(t.Context(), spCluster(), model.Create)
		if !arm.ServiceUnavailable.Is(err) {
			t.Errorf("%s: got %v, want that the service is unavailable", path, err)
		}
	}
	w := newFakeAzure(t)
	w.statuses["/checkaccess"], w.location = 503, "westus"
	v, _ := w.validator()
	if err := v.Validate(t.Context(), spCluster(), model.Create); !arm.InvalidLinkedVNet.Is(err) {
		t.Errorf("got %v, want what is certain", err)
	}
}

func TestAClientWaitsOnlyForLimits(t *testing.T) {
	for name, test := range map[string]struct {
		why   string
		spoil func(*fakeAzure)
		want  arm.Code
	}{
		"all is well": {why: "nothing is in the way", spoil: func(*fakeAzure) {}},
		"no quota":    {why: "the client can be told at once", spoil: func(w *fakeAzure) { w.bodies[locate] = list(usage("cores", 100, 57)) }, want: arm.ResourceQuotaExceeded},
		"Azure away":  {why: "the backend asks again", spoil: func(w *fakeAzure) { w.statuses[locate] = 503 }},
		"no zone":     {why: "the client can be told at once", spoil: func(w *fakeAzure) { w.restrictZone("Standard_D8s_v3", "2") }, want: arm.InvalidParameter},
		"no network":  {why: "the backend asks about it", spoil: func(w *fakeAzure) { w.statuses[vnet] = 404 }},
		"no rights":   {why: "roles may still spread", spoil: func(w *fakeAzure) { w.statuses[locate] = 403 }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFakeAzure(t)
			test.spoil(w)
			v, _ := w.validator()
			switch err := v.CheckCreate(t.Context(), spCluster()); {
			case test.want.Name == "" && err != nil, test.want.Name != "" && !test.want.Is(err):
				t.Errorf("%s: got %v, want %q", test.why, err, test.want.Name)
			}
			if w.reads[vnet] != 0 || len(w.asked) != 0 {
				t.Error("more than limits was asked for")
			}
		})
	}
}

func TestSubjectsAreAskedAboutAsAzureKnowsThem(t *testing.T) {
	w := newFakeAzure(t)
	v, _ := w.validator()
	if err := v.Validate(t.Context(), wiCluster(), model.Create); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, q := range w.asked {
		found[q.subject] = true
		if strings.HasPrefix(q.subject, "op-") && !strings.Contains(q.groups, "groups") {
			t.Errorf("the groups of %s were not asked for", q.subject)
		}
	}
	for _, s := range []string{"fp", "msi", "op-ingress"} {
		if !found[s] {
			t.Errorf("%s was not asked about", s)
		}
	}
	if found["op-disk"] || found["sp"] {
		t.Errorf("asked about %v: who needs nothing is not asked about", found)
	}
}

func TestZones(t *testing.T) {
	in := func(zones ...string) map[string]any {
		return map[string]any{"locationInfo": []any{map[string]any{"location": "eastus", "zones": ids(zones...)}}}
	}
	tests := map[string]struct {
		why             string
		master, workers map[string]any
		want            string
		target          string
	}{
		"three":          {why: "sorted, and the classic ones only", master: in("3", "1", "2", "4"), workers: in("2", "3", "1"), want: "[1 2 3]"},
		"none":           {why: "a region without zones", master: in(), workers: in(), want: "[]"},
		"workers none":   {why: "all or nothing", master: in("1", "2", "3"), workers: in(), target: "properties.workerProfiles[0].vmSize"},
		"masters none":   {why: "all or nothing", master: in(), workers: in("1", "2", "3"), target: "properties.workerProfiles[0].vmSize"},
		"masters two":    {why: "a quorum needs three", master: in("1", "2"), workers: in("1", "2", "3"), target: masterSize},
		"masters absent": {why: "the size does not exist", workers: in("1"), target: masterSize},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newFakeAzure(t)
			skus := []any{sku("standard_d4s_V3", test.workers)}
			if test.master != nil {
				skus = append(skus, sku("Standard_D8s_v3", test.master))
			}
			w.bodies[sub+"/providers/Microsoft.Compute/skus"] = list(skus...)
			v, a := w.validator()
			clients, err := a.Clients(strings.TrimPrefix(sub, "/subscriptions/"), a.Service())
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.Zones(t.Context(), clients, spCluster())
			var typed *arm.Error
			if errors.As(err, &typed); test.target != "" && (typed == nil || typed.Target != test.target) || test.target == "" && err != nil {
				t.Fatalf("%s: got %v, want %q", test.why, err, test.target)
			}
			if test.target == "" && fmt.Sprint(got) != test.want {
				t.Errorf("%s: got %v, want %s", test.why, got, test.want)
			}
		})
	}
}

func TestCapabilitiesAreReadOnce(t *testing.T) {
	w := newFakeAzure(t)
	v, a := w.validator()
	clients, err := a.Clients(strings.TrimPrefix(sub, "/subscriptions/"), a.Service())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, err := v.Capabilities(t.Context(), clients, "EastUS", "standard_d8s_v3")
		if err != nil || got["vCPUs"] != "8" {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if n := w.reads[sub+"/providers/Microsoft.Compute/skus"]; n != 1 {
		t.Errorf("the sizes were read %d times", n)
	}
	if _, err := v.Capabilities(t.Context(), clients, "eastus", "none"); !arm.InvalidParameter.Is(err) {
		t.Errorf("got %v", err)
	}
}

func TestRolesGetTheTimeThatAzureTakesToSpreadThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeAzure(t)
		w.mode = environment.Production
		w.denied["sp Microsoft.Network/virtualNetworks/read"] = true
		v, _ := w.validator()
		began := time.Now()
		_, shown, err := engine(t, v, spCluster(), model.Create)
		if took := time.Since(began); !arm.InvalidServicePrincipalPermissions.Is(err) || took != 6*time.Minute {
			t.Errorf("after %s: %v, want six minutes", took, err)
		}
		if len(shown) < 10 || !arm.InvalidServicePrincipalPermissions.Is(shown[0]) || !strings.Contains(shown[0].Message, "Assign it a role") {
			t.Errorf("meanwhile customers were shown %v", shown)
		}
	})
}

// TestWhatIsCertainIsToldWithMissingRolesAtOnce does not let a cluster wait for a
// role that may spread when nothing can help it.
func TestWhatIsCertainIsToldWithMissingRolesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeAzure(t)
		w.mode, w.location = environment.Production, "westus"
		w.denied["sp Microsoft.Network/virtualNetworks/read"] = true
		v, _ := w.validator()
		rounds, _, err := engine(t, v, spCluster(), model.Create)
		var typed *arm.Error
		if errors.As(err, &typed); rounds != 1 || len(details(typed)) != 2 {
			t.Errorf("in %d rounds: %v, want both problems in the first", rounds, err)
		}
	})
}

// TestARefusalThatNobodyKnowsIsShownAtOnce refuses each call with a code that Azure
// has never had.
func TestARefusalThatNobodyKnowsIsShownAtOnce(t *testing.T) {
	for _, path := range []string{vnet, "/checkaccess", locate, sub + "/providers/Microsoft.Compute/skus", sub + "/providers/Microsoft.Storage"} {
		for _, status := range []int{400, 403, 409} {
			w := newFakeAzure(t)
			w.statuses[path] = status
			v, _ := w.validator()
			err := v.Validate(t.Context(), spCluster(), model.Create)
			var again *wait.Retryable
			if errors.As(err, &again); again == nil || again.Within == 0 || again.Within > 5*time.Second || !strings.Contains(again.Err.Message, "Spoiled") {
				t.Errorf("%s answered %d: %v (%+v)", path, status, err, again)
			}
		}
	}
}

func TestANewSecretGetsTimeToSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeAzure(t)
		w.mode = environment.Production
		w.refusals[spID] = "AADSTS7000215: Invalid client secret provided for app '" + spID + "'."
		v, _ := w.validator()
		time.AfterFunc(3*time.Minute, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.refusals, spID)
		})
		_, shown, err := engine(t, v, spCluster(), model.Create)
		if err != nil || len(shown) == 0 || !arm.InvalidServicePrincipalCredentials.Is(shown[0]) {
			t.Errorf("got %v, meanwhile %v", err, shown)
		}
	})
}

func TestAnApplicationThatDoesNotExistIsToldInTwoMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFakeAzure(t)
		w.mode = environment.Production
		w.refusals[spID] = "AADSTS700016: Application with identifier '" + spID + "' was not found in the directory"
		v, _ := w.validator()
		began := time.Now()
		_, _, err := engine(t, v, spCluster(), model.Create)
		if took := time.Since(began); !arm.InvalidServicePrincipalCredentials.Is(err) || took < time.Minute || took > 2*time.Minute {
			t.Errorf("after %s: %v, want one to two minutes", took, err)
		}
		time.AfterFunc(time.Minute, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.refusals, spID)
		})
		if _, _, err := engine(t, v, spCluster(), model.Create); err != nil {
			t.Errorf("a new one gets no time to spread: %v", err)
		}
	})
}

func TestAServiceThatTheTenantDoesNotKnowIsTheCustomersToAdmit(t *testing.T) {
	w := newFakeAzure(t)
	w.refusals["fp"] = "AADSTS700016: Application with identifier 'fp' was not found in the directory"
	v, _ := w.validator()
	err := v.Validate(t.Context(), spCluster(), model.Create)
	if !arm.InvalidResourceProviderPermissions.Is(err) || !strings.Contains(err.Error(), "az provider register") {
		t.Errorf("got %v", err)
	}
}
