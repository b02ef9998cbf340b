package network

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
)

func TestAddressesComeFromTheSubnet(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, tiny := w.vnet()
	first := w.nic("first", a.ID)
	if got := *first.Properties.IPConfigurations[0].Properties.PrivateIPAddress; got != "10.0.0.4" {
		t.Errorf("the first address is %s, want 10.0.0.4", got)
	}
	again := w.nic("first", a.ID)
	if got := *again.Properties.IPConfigurations[0].Properties.PrivateIPAddress; got != "10.0.0.4" || *again.Properties.ResourceGUID != *first.Properties.ResourceGUID || again.Properties.MacAddress != nil {
		t.Errorf("a repeated PUT changed the address to %s", got)
	}
	// A /29 has eight addresses, five of which are Azure's.
	for _, name := range []string{"t1", "t2", "t3"} {
		w.nic(name, tiny.ID)
	}
	poller, err := w.NewInterfacesClient().BeginCreateOrUpdate(ctx, group, "t4", nicIn(tiny.ID), nil)
	_, err = finish(poller, err)
	w.refused(err, "SubnetIsFull")

	for address, code := range map[string]string{
		"10.0.0.4": "PrivateIPAddressIsAllocated", "10.0.0.2": "PrivateIPAddressInReservedRange", "10.0.0.255": "PrivateIPAddressInReservedRange", "10.9.0.9": "PrivateIPAddressNotInSubnet",
	} {
		nic := nicIn(a.ID)
		nic.Properties.IPConfigurations[0].Properties.PrivateIPAddress = to.Ptr(address)
		nic.Properties.IPConfigurations[0].Properties.PrivateIPAllocationMethod = to.Ptr(armnetwork.IPAllocationMethodStatic)
		poller, err := w.NewInterfacesClient().BeginCreateOrUpdate(ctx, group, "static", nic, nil)
		_, err = finish(poller, err)
		w.refused(err, code)
	}
	poller, err = w.NewInterfacesClient().BeginCreateOrUpdate(ctx, group, "lost", nicIn(to.Ptr(*a.ID+"x")), nil)
	_, err = finish(poller, err)
	w.refused(err, "InvalidResourceReference")

	got, err := w.NewSubnetsClient().Get(ctx, group, "vnet", "tiny", nil)
	w.must(err)
	if n := len(got.Properties.IPConfigurations); n != 3 {
		t.Errorf("%d configurations in the subnet, want 3", n)
	}
	vnet, err := w.NewVirtualNetworksClient().Get(ctx, group, "vnet", nil)
	w.must(err)
	if n := len(vnet.Properties.Subnets[1].Properties.IPConfigurations); n != 3 {
		t.Errorf("%d configurations in the subnet of the network, want 3", n)
	}
}

func TestWhatIsUsedCannotBeDeleted(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, _ := w.vnet()
	nsgPoller, err := w.NewSecurityGroupsClient().BeginCreateOrUpdate(ctx, group, "nsg", armnetwork.SecurityGroup{Location: to.Ptr(location)}, nil)
	nsg := done(w, nsgPoller, err)
	a.Properties.NetworkSecurityGroup = &armnetwork.SecurityGroup{ID: nsg.ID}
	subnetPoller, err := w.NewSubnetsClient().BeginCreateOrUpdate(ctx, group, "vnet", "a", *a, nil)
	done(w, subnetPoller, err)
	nic := w.nic("nic", a.ID)
	vm := w.machine("vm", nic)

	deleteSubnet, err := w.NewSubnetsClient().BeginDelete(ctx, group, "vnet", "a", nil)
	_, err = finish(deleteSubnet, err)
	w.refused(err, "InUseSubnetCannotBeDeleted")
	deleteVNet, err := w.NewVirtualNetworksClient().BeginDelete(ctx, group, "vnet", nil)
	_, err = finish(deleteVNet, err)
	w.refused(err, "InUseSubnetCannotBeDeleted")
	deleteNSG, err := w.NewSecurityGroupsClient().BeginDelete(ctx, group, "nsg", nil)
	_, err = finish(deleteNSG, err)
	w.refused(err, "InUseNetworkSecurityGroupCannotBeDeleted")
	deleteNIC, err := w.NewInterfacesClient().BeginDelete(ctx, group, "nic", nil)
	_, err = finish(deleteNIC, err)
	w.refused(err, "NicInUse")

	shown, err := w.NewSecurityGroupsClient().Get(ctx, group, "nsg", nil)
	w.must(err)
	if len(shown.Properties.Subnets) != 1 || !strings.EqualFold(*shown.Properties.Subnets[0].ID, *a.ID) || len(shown.Properties.DefaultSecurityRules) != 6 {
		t.Errorf("the group is at %v", shown.Properties.Subnets)
	}
	got, err := w.NewInterfacesClient().Get(ctx, group, "nic", nil)
	w.must(err)
	if got.Properties.VirtualMachine == nil || *got.Properties.VirtualMachine.ID != vm {
		t.Errorf("the interface is of %v", got.Properties.VirtualMachine)
	}

	// In the right order everything goes.
	w.must(w.engine.Remove(ctx, vm))
	w.network.Changed()
	deleteNIC, err = w.NewInterfacesClient().BeginDelete(ctx, group, "nic", nil)
	done(w, deleteNIC, err)
	back, err := w.NewSubnetsClient().Get(ctx, group, "vnet", "a", nil)
	w.must(err)
	back.Properties.NetworkSecurityGroup = nil
	subnetPoller, err = w.NewSubnetsClient().BeginCreateOrUpdate(ctx, group, "vnet", "a", back.Subnet, nil)
	done(w, subnetPoller, err)
	deleteNSG, err = w.NewSecurityGroupsClient().BeginDelete(ctx, group, "nsg", nil)
	done(w, deleteNSG, err)
	deleteSubnet, err = w.NewSubnetsClient().BeginDelete(ctx, group, "vnet", "a", nil)
	done(w, deleteSubnet, err)
	deleteVNet, err = w.NewVirtualNetworksClient().BeginDelete(ctx, group, "vnet", nil)
	done(w, deleteVNet, err)
}

func TestNetworksThatCannotBeAreRefused(t *testing.T) {
	w := newFixture(t)
	for name, test := range map[string]struct {
		space   string
		subnets []string
		code    string
	}{
		"outside":  {"10.0.0.0/16", []string{"10.1.0.0/24"}, "NetcfgInvalidSubnet"},
		"bigger":   {"10.0.0.0/16", []string{"10.0.0.0/8"}, "NetcfgInvalidSubnet"},
		"overlap":  {"10.0.0.0/16", []string{"10.0.0.0/23", "10.0.1.0/24"}, "NetcfgSubnetRangesOverlap"},
		"no range": {"nonsense", nil, "InvalidAddressPrefixFormat"},
	} {
		t.Run(name, func(t *testing.T) {
			vnet := armnetwork.VirtualNetwork{Location: to.Ptr(location), Properties: &armnetwork.VirtualNetworkPropertiesFormat{
				AddressSpace: &armnetwork.AddressSpace{AddressPrefixes: []*string{to.Ptr(test.space)}},
			}}
			for i, prefix := range test.subnets {
				vnet.Properties.Subnets = append(vnet.Properties.Subnets, &armnetwork.Subnet{
					Name: to.Ptr(string(rune('a' + i))), Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefix: to.Ptr(prefix)},
				})
			}
			poller, err := w.NewVirtualNetworksClient().BeginCreateOrUpdate(context.Background(), group, "vnet", vnet, nil)
			_, err = finish(poller, err)
			w.refused(err, test.code)
		})
	}
}

func TestPublicAddressHasOneHolder(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	ip := w.publicIP("ip")
	if address, err := netip.ParseAddr(*ip.Properties.IPAddress); err != nil || !w.public.Contains(address) {
		t.Errorf("the address is %s", *ip.Properties.IPAddress)
	}
	if other := w.publicIP("other"); *other.Properties.IPAddress == *ip.Properties.IPAddress {
		t.Errorf("two have %s", *ip.Properties.IPAddress)
	}
	balancer := w.balancer("lb", withPublic(ip))
	_, err := w.tryBalancer("second", withPublic(ip), 6443)
	w.refused(err, "PublicIPAddressInUse")
	got, err := w.NewPublicIPAddressesClient().Get(ctx, group, "ip", nil)
	w.must(err)
	if got.Properties.IPConfiguration == nil || *got.Properties.IPConfiguration.ID != *balancer.Properties.FrontendIPConfigurations[0].ID {
		t.Errorf("held by %v", got.Properties.IPConfiguration)
	}
	remove, err := w.NewPublicIPAddressesClient().BeginDelete(ctx, group, "ip", nil)
	_, err = finish(remove, err)
	w.refused(err, "PublicIPAddressCannotBeDeleted")
	removeBalancer, err := w.NewLoadBalancersClient().BeginDelete(ctx, group, "lb", nil)
	done(w, removeBalancer, err)
	remove, err = w.NewPublicIPAddressesClient().BeginDelete(ctx, group, "ip", nil)
	done(w, remove, err)

	pager := w.NewUsagesClient().NewListPager(location, nil)
	page, err := pager.NextPage(ctx)
	w.must(err)
	for _, usage := range page.Value {
		if *usage.Name.Value == "PublicIPAddresses" && *usage.CurrentValue != 1 {
			t.Errorf("%d public addresses are counted, want 1", *usage.CurrentValue)
		}
	}
}

func TestBalancerTellsWhatItsPartsAreUsedFor(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, _ := w.vnet()
	balancer := w.balancer("lb", inSubnet(a.ID))
	pool := balancer.Properties.BackendAddressPools[0]
	nic := w.nic("nic", a.ID, pool)
	got, err := w.NewLoadBalancersClient().Get(ctx, group, "lb", nil)
	w.must(err)
	p := got.Properties
	if len(p.FrontendIPConfigurations[0].Properties.LoadBalancingRules) != 1 || len(p.Probes[0].Properties.LoadBalancingRules) != 1 ||
		*p.FrontendIPConfigurations[0].Properties.PrivateIPAddress != "10.0.0.4" {
		t.Errorf("frontend %+v", p.FrontendIPConfigurations[0].Properties)
	}
	if members := p.BackendAddressPools[0].Properties.BackendIPConfigurations; len(members) != 1 || *members[0].ID != *nic.Properties.IPConfigurations[0].ID {
		t.Errorf("members %v", members)
	}
	one, err := w.NewLoadBalancerBackendAddressPoolsClient().Get(ctx, group, "lb", "pool", nil)
	w.must(err)
	if len(one.Properties.BackendIPConfigurations) != 1 || len(one.Properties.LoadBalancingRules) != 1 {
		t.Errorf("pool %+v", one.Properties)
	}
	// What a GET gives can be PUT again, and nothing changes.
	poller, err := w.NewLoadBalancersClient().BeginCreateOrUpdate(ctx, group, "lb", got.LoadBalancer, nil)
	again := done(w, poller, err)
	if *again.Properties.FrontendIPConfigurations[0].Properties.PrivateIPAddress != "10.0.0.4" || len(again.Properties.BackendAddressPools[0].Properties.BackendIPConfigurations) != 1 {
		t.Errorf("after PUT of GET: %+v", again.Properties)
	}
	got.Properties.BackendAddressPools, got.Properties.LoadBalancingRules = []*armnetwork.BackendAddressPool{}, nil
	poller, err = w.NewLoadBalancersClient().BeginCreateOrUpdate(ctx, group, "lb", got.LoadBalancer, nil)
	_, err = finish(poller, err)
	w.refused(err, "InUseBackendAddressPoolCannotBeDeleted")
	_, err = w.tryBalancer("twice", inSubnet(a.ID), 6443, 6443)
	w.refused(err, "RulesUseSameFrontendPortProtocolAndIPConfig")
	remove, err := w.NewLoadBalancersClient().BeginDelete(ctx, group, "lb", nil)
	done(w, remove, err)
	left, err := w.NewInterfacesClient().Get(ctx, group, "nic", nil)
	w.must(err)
	if pools := left.Properties.IPConfigurations[0].Properties.LoadBalancerBackendAddressPools; len(pools) != 0 {
		t.Errorf("the interface is still in %v", pools)
	}
}

func TestSecurityRulesHaveTheirOwnPriority(t *testing.T) {
	w := newFixture(t)
	rule := func(name string, priority int32) *armnetwork.SecurityRule {
		return &armnetwork.SecurityRule{Name: to.Ptr(name), Properties: &armnetwork.SecurityRulePropertiesFormat{
			Priority: to.Ptr(priority), Direction: to.Ptr(armnetwork.SecurityRuleDirectionInbound),
			Access: to.Ptr(armnetwork.SecurityRuleAccessAllow), Protocol: to.Ptr(armnetwork.SecurityRuleProtocolTCP),
		}}
	}
	put := func(rules ...*armnetwork.SecurityRule) error {
		poller, err := w.NewSecurityGroupsClient().BeginCreateOrUpdate(context.Background(), group, "nsg", armnetwork.SecurityGroup{
			Location: to.Ptr(location), Properties: &armnetwork.SecurityGroupPropertiesFormat{SecurityRules: rules},
		}, nil)
		_, err = finish(poller, err)
		return err
	}
	w.refused(put(rule("a", 120), rule("b", 120)), "SecurityRuleConflict")
	w.refused(put(rule("a", 5000)), "SecurityRuleInvalidPriority")
	w.must(put(rule("a", 120), rule("b", 121)))
}

func TestWritingAParentReplacesWhatItOwns(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	w.vnet()
	rule := &armnetwork.SecurityRule{Name: to.Ptr("r"), Properties: &armnetwork.SecurityRulePropertiesFormat{
		Priority: to.Ptr[int32](120), Direction: to.Ptr(armnetwork.SecurityRuleDirectionInbound),
		Access: to.Ptr(armnetwork.SecurityRuleAccessAllow), Protocol: to.Ptr(armnetwork.SecurityRuleProtocolTCP),
	}}
	for _, rules := range [][]*armnetwork.SecurityRule{{rule}, nil} {
		poller, err := w.NewSecurityGroupsClient().BeginCreateOrUpdate(ctx, group, "nsg", armnetwork.SecurityGroup{
			Location: to.Ptr(location), Properties: &armnetwork.SecurityGroupPropertiesFormat{SecurityRules: rules},
		}, nil)
		if got := done(w, poller, err).Properties.SecurityRules; len(got) != len(rules) {
			t.Errorf("%d rules, want %d", len(got), len(rules))
		}
	}
	// A network leaves subnets alone that its writer does not speak of.
	before, err := w.NewVirtualNetworksClient().Get(ctx, group, "vnet", nil)
	w.must(err)
	poller, err := w.NewVirtualNetworksClient().BeginCreateOrUpdate(ctx, group, "vnet", armnetwork.VirtualNetwork{
		Location: to.Ptr(location), Properties: &armnetwork.VirtualNetworkPropertiesFormat{AddressSpace: before.Properties.AddressSpace},
	}, nil)
	if got := done(w, poller, err).Properties.Subnets; len(got) != len(before.Properties.Subnets) {
		t.Errorf("%d subnets are left of %d", len(got), len(before.Properties.Subnets))
	}
}

func TestFrontendCanTakeTheAddressOfTheOneThatItReplaces(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, _ := w.vnet()
	balancer := w.balancer("lb", inSubnet(a.ID))
	fixed := inSubnet(a.ID)
	fixed.PrivateIPAddress, fixed.PrivateIPAllocationMethod = to.Ptr("10.0.0.4"), to.Ptr(armnetwork.IPAllocationMethodStatic)
	balancer.Properties.LoadBalancingRules = []*armnetwork.LoadBalancingRule{}
	balancer.Properties.FrontendIPConfigurations = []*armnetwork.FrontendIPConfiguration{
		{Name: to.Ptr("other"), Properties: inSubnet(a.ID)}, {Name: to.Ptr("new"), Properties: fixed, Zones: []*string{to.Ptr("1")}},
	}
	put := func() (armnetwork.LoadBalancersClientCreateOrUpdateResponse, error) {
		poller, err := w.NewLoadBalancersClient().BeginCreateOrUpdate(ctx, group, "lb", *balancer, nil)
		return finish(poller, err)
	}
	// The dynamic one comes first and would take the lowest.
	_, err := put()
	w.refused(err, "PrivateIPAddressIsAllocated")
	balancer.Properties.FrontendIPConfigurations = balancer.Properties.FrontendIPConfigurations[1:]
	made, err := put()
	w.must(err)
	if p := made.Properties; len(p.LoadBalancingRules) != 0 || *p.FrontendIPConfigurations[0].Properties.PrivateIPAddress != "10.0.0.4" || len(p.FrontendIPConfigurations[0].Zones) != 1 {
		t.Errorf("%+v", p.FrontendIPConfigurations[0].Properties)
	}
	twice := nicIn(a.ID)
	twice.Properties.IPConfigurations = append(twice.Properties.IPConfigurations, &armnetwork.InterfaceIPConfiguration{
		Name: to.Ptr("second"), Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{Subnet: &armnetwork.Subnet{ID: a.ID}},
	})
	poller, err := w.NewInterfacesClient().BeginCreateOrUpdate(ctx, group, "two", twice, nil)
	two := done(w, poller, err)
	if first, second := *two.Properties.IPConfigurations[0].Properties.PrivateIPAddress, *two.Properties.IPConfigurations[1].Properties.PrivateIPAddress; first != "10.0.0.5" || second != "10.0.0.6" {
		t.Errorf("one interface has %s and %s", first, second)
	}
}

func TestRoutesOfTheOwnerGoBeforeAzures(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, _ := w.vnet()
	tablePoller, err := w.NewRouteTablesClient().BeginCreateOrUpdate(ctx, group, "rt", armnetwork.RouteTable{
		Location: to.Ptr(location), Properties: &armnetwork.RouteTablePropertiesFormat{Routes: []*armnetwork.Route{{
			Name: to.Ptr("firewall"), Properties: &armnetwork.RoutePropertiesFormat{
				AddressPrefix: to.Ptr("0.0.0.0/0"), NextHopType: to.Ptr(armnetwork.RouteNextHopTypeVirtualAppliance), NextHopIPAddress: to.Ptr("10.0.9.9"),
			},
		}}},
	}, nil)
	table := done(w, tablePoller, err)
	a.Properties.RouteTable = &armnetwork.RouteTable{ID: table.ID}
	subnetPoller, err := w.NewSubnetsClient().BeginCreateOrUpdate(ctx, group, "vnet", "a", *a, nil)
	done(w, subnetPoller, err)
	nic := w.nic("nic", a.ID)
	poller, err := w.NewInterfacesClient().BeginGetEffectiveRouteTable(ctx, group, "nic", nil)
	_, err = finish(poller, err)
	w.refused(err, "NetworkInterfaceNotAttachedToRunningVM")
	w.machine("vm", nic)
	poller, err = w.NewInterfacesClient().BeginGetEffectiveRouteTable(ctx, group, "nic", nil)
	got := done(w, poller, err)
	want := []struct{ prefix, hop, state string }{{"10.0.0.0/16", "VnetLocal", "Active"}, {"0.0.0.0/0", "Internet", "Invalid"}, {"0.0.0.0/0", "VirtualAppliance", "Active"}}
	if len(got.Value) != len(want) {
		t.Fatalf("%d routes, want %d", len(got.Value), len(want))
	}
	for i, route := range got.Value {
		if *route.AddressPrefix[0] != want[i].prefix || string(*route.NextHopType) != want[i].hop || string(*route.State) != want[i].state {
			t.Errorf("route %d is %s %s %s, want %v", i, *route.AddressPrefix[0], *route.NextHopType, *route.State, want[i])
		}
	}
	remove, err := w.NewRouteTablesClient().BeginDelete(ctx, group, "rt", nil)
	_, err = finish(remove, err)
	w.refused(err, "InUseRouteTableCannotBeDeleted")
}
