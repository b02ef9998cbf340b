package network

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dns/armdns"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/privatedns/armprivatedns"

	"github.com/aro-rp/aro/local/hypervisor"
)

// inside is a machine of the network that vnet makes.
func inside() hypervisor.VM {
	return hypervisor.VM{VNetID: "/subscriptions/" + customer + "/resourceGroups/" + group + "/providers/" + virtualNetworks + "/vnet"}
}

func TestPublicBalancerLeadsToMachinesOfItsPool(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, _ := w.vnet()
	ip := w.publicIP("ip")
	balancer := w.balancer("lb", withPublic(ip))
	address := net.JoinHostPort(*ip.Properties.IPAddress, "6443")
	pool := balancer.Properties.BackendAddressPools[0]
	one := w.machine("one", w.nic("nic1", a.ID, pool))
	two := w.machine("two", w.nic("nic2", a.ID, pool))
	if got := says(address); got != "" {
		t.Errorf("no machine runs, but %q answers", got)
	}
	stopOne := w.fleet.serve(t, one, 6443)
	eventually(t, "one answers", func() bool { return says(address) == "one" })
	stopOne()
	w.fleet.serve(t, two, 6443)
	eventually(t, "two answers", func() bool { return says(address) == "two" })
	w.fleet.serve(t, one, 6443)
	w.nic("nic2", a.ID) // leaves the pool
	eventually(t, "only one answers", func() bool {
		for range 8 {
			if says(address) != "one" {
				return false
			}
		}
		return true
	})

	// The address stays the balancer's over a restart, and goes with it.
	w.close()
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("a closed network listens")
	}
	w.open()
	eventually(t, "one answers after a restart", func() bool { return says(address) == "one" })
	remove, err := w.NewLoadBalancersClient().BeginDelete(ctx, group, "lb", nil)
	done(w, remove, err)
	eventually(t, "the port is closed", func() bool {
		_, err := net.Dial("tcp", address)
		return err != nil
	})
}

func TestMachinesReachTheirNetwork(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, _ := w.vnet()
	balancer := w.balancer("lb", inSubnet(a.ID)) // 10.0.0.4
	pool := balancer.Properties.BackendAddressPools[0]
	vm := w.machine("vm", w.nic("nic", a.ID, pool)) // 10.0.0.5
	w.fleet.serve(t, vm, 6443)
	zone := w.create("/subscriptions/"+provider+"/resourceGroups/"+group+"/providers/"+dnsZones+"/apps.test", object{"location": "global"})
	w.create(zone.ID+"/A/api.demo", object{"properties": object{"TTL": 300, "ARecords": []any{object{"ipv4Address": "10.0.0.4"}}}})
	w.create(zone.ID+"/A/*.apps.demo", object{"properties": object{"TTL": 300, "ARecords": []any{object{"ipv4Address": "10.0.0.5"}}}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	defer func() { _ = listener.Close() }()
	for address, want := range map[string]bool{
		"10.0.0.4:6443": true, "10.0.0.5:6443": true, "api.demo.apps.test:6443": true, "Console.apps.demo.apps.test:6443": true,
		listener.Addr().String(): true,
		"10.0.0.4:22623":         false, "10.0.0.99:6443": false,
	} {
		conn, err := w.network.Dial(ctx, inside(), "tcp", address)
		if (err == nil) != want {
			t.Errorf("%s: %v, want it to answer: %v", address, err, want)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func TestPrivateEndpointLeadsToTheServiceOnceApproved(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	a, _ := w.vnet()
	balancer := w.balancer("lb", inSubnet(a.ID))
	vm := w.machine("vm", w.nic("nic", a.ID, balancer.Properties.BackendAddressPools[0]))
	w.fleet.serve(t, vm, 6443)
	service := func(approve ...*string) (armnetwork.PrivateLinkService, error) {
		return w.linkService(a.ID, balancer.Properties.FrontendIPConfigurations[0].ID, approve)
	}
	_, err := service()
	w.refused(err, "PrivateLinkServiceCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled")
	a.Properties.PrivateLinkServiceNetworkPolicies = to.Ptr(armnetwork.VirtualNetworkPrivateLinkServiceNetworkPoliciesDisabled)
	subnetPoller, err := w.NewSubnetsClient().BeginCreateOrUpdate(ctx, group, "vnet", "a", *a, nil)
	done(w, subnetPoller, err)
	pls, err := service()
	w.must(err)

	// The provider's endpoint is in a network of loopback addresses.
	w.create("/subscriptions/"+provider+"/resourceGroups/"+group+"/providers/"+virtualNetworks+"/pe", object{"location": location, "properties": object{
		"addressSpace": object{"addressPrefixes": []any{w.private.String()}},
		"subnets":      []any{object{"name": "s", "properties": object{"addressPrefix": w.private.String()}}},
	}})
	theirs := w.clients(provider)
	endpoint := func(name string) (*armnetwork.PrivateEndpoint, string) {
		poller, err := theirs.NewPrivateEndpointsClient().BeginCreateOrUpdate(ctx, group, name, armnetwork.PrivateEndpoint{
			Location: to.Ptr(location), Properties: &armnetwork.PrivateEndpointProperties{
				Subnet: &armnetwork.Subnet{ID: to.Ptr("/subscriptions/" + provider + "/resourceGroups/" + group + "/providers/" + subnetPath("pe", "s"))},
				ManualPrivateLinkServiceConnections: []*armnetwork.PrivateLinkServiceConnection{{Name: to.Ptr("c"), Properties: &armnetwork.PrivateLinkServiceConnectionProperties{
					PrivateLinkServiceID: pls.ID,
				}}},
			},
		}, nil)
		done(w, poller, err)
		got, err := theirs.NewPrivateEndpointsClient().Get(ctx, group, name, &armnetwork.PrivateEndpointsClientGetOptions{Expand: to.Ptr("networkInterfaces")})
		w.must(err)
		return &got.PrivateEndpoint, *got.Properties.NetworkInterfaces[0].Properties.IPConfigurations[0].Properties.PrivateIPAddress
	}
	status := func(name string) string {
		got, err := theirs.NewPrivateEndpointsClient().Get(ctx, group, name, nil)
		w.must(err)
		return *got.Properties.ManualPrivateLinkServiceConnections[0].Properties.PrivateLinkServiceConnectionState.Status
	}
	_, ip := endpoint("one")
	if got := status("one"); got != pending {
		t.Fatalf("the connection is %s, want %s", got, pending)
	}
	if says(ip+":6443") != "" {
		t.Error("a pending connection leads somewhere")
	}
	kept, err := w.NewPrivateLinkServicesClient().Get(ctx, group, "pls", nil)
	w.must(err)
	connection := kept.Properties.PrivateEndpointConnections[0]
	connection.Properties.PrivateLinkServiceConnectionState.Status = to.Ptr(approved)
	_, err = w.NewPrivateLinkServicesClient().UpdatePrivateEndpointConnection(ctx, group, "pls", *connection.Name, *connection, nil)
	w.must(err)
	if got := status("one"); got != approved {
		t.Errorf("the connection is %s, want %s", got, approved)
	}
	eventually(t, "the machine answers", func() bool { return says(ip+":6443") == "vm" })

	// A subscription that the service allows needs no approval.
	_, err = service(to.Ptr(provider))
	w.must(err)
	_, ip2 := endpoint("two")
	if got := status("two"); got != approved || ip2 == ip {
		t.Errorf("the connection is %s at %s, want %s", got, ip2, approved)
	}
	eventually(t, "the machine answers again", func() bool { return says(ip2+":6443") == "vm" })

	removeBalancer, err := w.NewLoadBalancersClient().BeginDelete(ctx, group, "lb", nil)
	_, err = finish(removeBalancer, err)
	w.refused(err, "CannotDeleteLoadBalancerWithPrivateLinkService")
	removeService, err := w.NewPrivateLinkServicesClient().BeginDelete(ctx, group, "pls", nil)
	_, err = finish(removeService, err)
	w.refused(err, "PrivateLinkServiceHasPrivateEndpointConnections")
	for _, name := range []string{"one", "two"} {
		remove, err := theirs.NewPrivateEndpointsClient().BeginDelete(ctx, group, name, nil)
		done(w, remove, err)
	}
	eventually(t, "the port is closed", func() bool {
		_, err := net.Dial("tcp", ip2+":6443")
		return err != nil
	})
	removeService, err = w.NewPrivateLinkServicesClient().BeginDelete(ctx, group, "pls", nil)
	done(w, removeService, err)
	list, err := theirs.NewInterfacesClient().NewListPager(group, nil).NextPage(ctx)
	w.must(err)
	if len(list.Value) != 0 {
		t.Errorf("interfaces are left: %v", *list.Value[0].ID)
	}
}

// linkService publishes a frontend to approved clients.
func (w *fixture) linkService(subnet, frontend *string, approve []*string) (armnetwork.PrivateLinkService, error) {
	w.t.Helper()
	poller, err := w.NewPrivateLinkServicesClient().BeginCreateOrUpdate(context.Background(), group, "pls", armnetwork.PrivateLinkService{
		Location: to.Ptr(location), Properties: &armnetwork.PrivateLinkServiceProperties{
			LoadBalancerFrontendIPConfigurations: []*armnetwork.FrontendIPConfiguration{{ID: frontend}},
			IPConfigurations: []*armnetwork.PrivateLinkServiceIPConfiguration{{Name: to.Ptr("pls-nic"), Properties: &armnetwork.PrivateLinkServiceIPConfigurationProperties{
				Subnet: &armnetwork.Subnet{ID: subnet},
			}}},
			AutoApproval: &armnetwork.PrivateLinkServicePropertiesAutoApproval{Subscriptions: approve},
		},
	}, nil)
	made, err := finish(poller, err)
	return made.PrivateLinkService, err
}

func subnetPath(vnet, subnet string) string {
	return virtualNetworks + "/" + vnet + "/subnets/" + subnet
}

func TestRecordSetsAreGuarded(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	w.create("/subscriptions/"+customer+"/resourceGroups/"+group+"/providers/"+dnsZones+"/apps.test", object{"location": "global"})
	client, err := armdns.NewRecordSetsClient(customer, anyToken{}, w.options())
	w.must(err)
	record := armdns.RecordSet{Properties: &armdns.RecordSetProperties{TTL: to.Ptr[int64](300), Metadata: map[string]*string{"resourceId": to.Ptr("me")}}}
	once := &armdns.RecordSetsClientCreateOrUpdateOptions{IfNoneMatch: to.Ptr("*")}
	made, err := client.CreateOrUpdate(ctx, group, "apps.test", "api.demo", armdns.RecordTypeA, record, once)
	w.must(err)
	_, err = client.CreateOrUpdate(ctx, group, "apps.test", "api.demo", armdns.RecordTypeA, record, once)
	w.refused(err, "PreconditionFailed")
	record.Properties.ARecords = []*armdns.ARecord{{IPv4Address: to.Ptr("10.0.0.4")}}
	matching := &armdns.RecordSetsClientCreateOrUpdateOptions{IfMatch: made.Etag}
	_, err = client.CreateOrUpdate(ctx, group, "apps.test", "api.demo", armdns.RecordTypeA, record, matching)
	w.must(err)
	_, err = client.CreateOrUpdate(ctx, group, "apps.test", "api.demo", armdns.RecordTypeA, record, matching)
	w.refused(err, "PreconditionFailed")
	got, err := client.Get(ctx, group, "apps.test", "api.demo", armdns.RecordTypeA, nil)
	w.must(err)
	if *got.Properties.ARecords[0].IPv4Address != "10.0.0.4" || *got.Properties.Metadata["resourceId"] != "me" || *got.Properties.Fqdn != "api.demo.apps.test." {
		t.Errorf("%+v", got.Properties)
	}
	page, err := client.NewListByDNSZonePager(group, "apps.test", nil).NextPage(ctx)
	w.must(err)
	if len(page.Value) != 1 {
		t.Errorf("%d record sets, want 1", len(page.Value))
	}
}

func TestAddressThatIsTakenIsToldOnceAndUsedWhenFree(t *testing.T) {
	w := newFixture(t)
	a, _ := w.vnet()
	ip := w.publicIP("ip")
	address := net.JoinHostPort(*ip.Properties.IPAddress, "6443")
	other, err := net.Listen("tcp", address)
	w.must(err)
	balancer := w.balancer("lb", withPublic(ip))
	vm := w.machine("vm", w.nic("nic", a.ID, balancer.Properties.BackendAddressPools[0]))
	w.fleet.serve(t, vm, 6443)
	eventually(t, "a warning", func() bool { return strings.Contains(w.log.String(), "another program has it") })
	w.must(other.Close())
	eventually(t, "the machine answers", func() bool { return says(address) == "vm" })
	if got := strings.Count(w.log.String(), "another program"); got != 1 {
		t.Errorf("told %d times, want once", got)
	}
}

func TestPrivateZoneIsForTheNetworksThatAreLinkedToIt(t *testing.T) {
	w := newFixture(t)
	ctx := context.Background()
	w.vnet()
	factory, err := armprivatedns.NewClientFactory(customer, anyToken{}, w.options())
	w.must(err)
	zones, links, records := factory.NewPrivateZonesClient(), factory.NewVirtualNetworkLinksClient(), factory.NewRecordSetsClient()
	zonePoller, err := zones.BeginCreateOrUpdate(ctx, group, "inner.test", armprivatedns.PrivateZone{Location: to.Ptr("global")}, nil)
	done(w, zonePoller, err)
	made, err := records.CreateOrUpdate(ctx, group, "inner.test", armprivatedns.RecordTypeA, "api", armprivatedns.RecordSet{Properties: &armprivatedns.RecordSetProperties{
		TTL: to.Ptr[int64](60), ARecords: []*armprivatedns.ARecord{{IPv4Address: to.Ptr("10.0.0.7")}},
	}}, nil)
	w.must(err)
	if *made.Properties.TTL != 60 || *made.Properties.ARecords[0].IPv4Address != "10.0.0.7" {
		t.Errorf("%+v", made.Properties)
	}
	known := func() string {
		topology, err := w.network.topology(ctx)
		w.must(err)
		return topology.lookUp(inside().VNetID, "API.inner.test.")
	}
	if got := known(); got != "" {
		t.Errorf("a network that is not linked resolves to %s", got)
	}
	linkPoller, err := links.BeginCreateOrUpdate(ctx, group, "inner.test", "link", armprivatedns.VirtualNetworkLink{
		Location: to.Ptr("global"), Properties: &armprivatedns.VirtualNetworkLinkProperties{VirtualNetwork: &armprivatedns.SubResource{ID: to.Ptr(inside().VNetID)}},
	}, nil)
	done(w, linkPoller, err)
	if got := known(); got != "10.0.0.7" {
		t.Errorf("a linked network resolves to %q", got)
	}
	remove, err := zones.BeginDelete(ctx, group, "inner.test", nil)
	_, err = finish(remove, err)
	w.refused(err, "CannotDeleteResource")
	removeLink, err := links.BeginDelete(ctx, group, "inner.test", "link", nil)
	done(w, removeLink, err)
	remove, err = zones.BeginDelete(ctx, group, "inner.test", nil)
	done(w, remove, err)
}
