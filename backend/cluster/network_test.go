package cluster

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
)

func (s *fixture) subnets(properties map[string]any) {
	for i, name := range []string{"master", "worker"} {
		p := map[string]any{"addressPrefix": fmt.Sprintf("10.0.%d.0/24", i)}
		for k, v := range properties {
			p[k] = v
		}
		s.put(vnetID+"/subnets/"+name, map[string]any{"properties": p})
	}
}

func TestSecurityGroupIsAttachedOrSaysWhyNot(t *testing.T) {
	ours := groupID + "/providers/Microsoft.Network/networkSecurityGroups/" + infraID + "-nsg"
	tests := map[string]struct {
		why      string
		attached string
		refusal  string
		code     arm.Code
		status   int
		final    bool
		writes   int
	}{
		"none":       {why: "ours guards the subnet", writes: 2},
		"ours":       {why: "a repetition finds it", attached: strings.ToUpper(ours)},
		"theirs":     {why: "it is not ours to replace", attached: "/theirs", code: arm.InvalidLinkedVNet, status: 400, final: true},
		"not there":  {why: "waiting in vain must not pass for success", refusal: "InvalidResourceReference", code: arm.ComponentNotReady, status: 500, writes: 1},
		"disallowed": {why: "a policy is the customer's to change", refusal: "RequestDisallowedByPolicy", code: arm.RequestDisallowedByPolicy, status: 400, final: true, writes: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.subnets(nil)
			if test.attached != "" {
				s.subnets(map[string]any{"networkSecurityGroup": map[string]any{"id": test.attached}})
			}
			if test.refusal != "" {
				s.on("PUT "+vnetID+"/subnets/master", func(*http.Request, []byte) (int, any) { return 400, refusal(test.refusal, "m") })
			}
			err := s.do(s.attachSecurityGroup, s.work(model.Create, nil))
			if writes := s.writes(vnetID); len(writes) != test.writes {
				t.Errorf("%s: wrote %v", test.why, writes)
			}
			if test.code.Name == "" {
				s.must(err)
				return
			}
			var typed *arm.Error
			if !errors.As(err, &typed) || typed.Code.Name != test.code.Name || typed.Code.Status != test.status {
				t.Fatalf("%s: got %v, want %s", test.why, err, test.code.Name)
			}
			if _, final := err.(*arm.Error); final != test.final { //nolint:errorlint // wrapped it is not final
				t.Errorf("%s: final %v, want %v", test.why, final, test.final)
			}
		})
	}
}

func TestSubnetsArePreparedOnceAndKeepWhatTheyHad(t *testing.T) {
	s := setUp(t)
	s.subnets(map[string]any{"routeTable": map[string]any{"id": "/routes"}, "serviceEndpoints": []any{
		map[string]any{"service": "Microsoft.Sql", "provisioningState": "Succeeded"}, map[string]any{"service": "microsoft.storage", "provisioningState": "Failed"}}})
	w := s.work(model.Create, nil)
	s.must(s.do(s.prepareSubnets, w))
	for _, name := range []string{"master", "worker"} {
		p := s.get(vnetID + "/subnets/" + name)["properties"].(map[string]any)
		if len(p["serviceEndpoints"].([]any)) != 3 || p["routeTable"].(map[string]any)["id"] != "/routes" {
			t.Errorf("%s became %v", name, p)
		}
		if got := p["privateLinkServiceNetworkPolicies"] == "Disabled"; got != (name == "master") {
			t.Errorf("%s: policies for private links disabled: %v", name, got)
		}
		for _, e := range p["serviceEndpoints"].([]any) {
			e.(map[string]any)["provisioningState"] = "Succeeded" // as Azure does
		}
	}
	s.must(s.do(s.prepareSubnets, w))
	if writes := s.writes(vnetID); len(writes) != 2 {
		t.Errorf("prepared subnets were written again: %v", writes)
	}
}

func TestTheHighestFreeAddressOfThePrivateIngress(t *testing.T) {
	tests := map[string]struct {
		why, prefix string
		taken       []string
		want        string
	}{
		"empty":      {why: "Azure keeps the last", prefix: "10.0.1.0/24", want: "10.0.1.254"},
		"taken":      {why: "the next one below", prefix: "10.0.1.0/24", taken: []string{"10.0.1.254", "10.0.1.253"}, want: "10.0.1.252"},
		"host bits":  {why: "prefixes are networks", prefix: "10.0.1.77/24", want: "10.0.1.254"},
		"full":       {why: "Azure keeps the first four", prefix: "10.0.1.0/29", taken: []string{"10.0.1.4", "10.0.1.5", "10.0.1.6"}},
		"last left":  {why: "the fifth is the first that may be had", prefix: "10.0.1.0/29", taken: []string{"10.0.1.5", "10.0.1.6"}, want: "10.0.1.4"},
		"no network": {why: "nothing can be chosen", prefix: "x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &armnetwork.SubnetPropertiesFormat{AddressPrefixes: []*string{&test.prefix}}
			for _, ip := range test.taken {
				p.IPConfigurations = append(p.IPConfigurations, &armnetwork.IPConfiguration{Properties: &armnetwork.IPConfigurationPropertiesFormat{PrivateIPAddress: &ip}})
			}
			ip, ok := highestFree(p)
			if ok != (test.want != "") || ok && ip.String() != test.want {
				t.Errorf("%s: got %s, want %s", test.why, ip, test.want)
			}
		})
	}
}

func TestAFullWorkerSubnetIsNamed(t *testing.T) {
	s := setUp(t)
	s.put(vnetID+"/subnets/worker", map[string]any{"properties": map[string]any{"addressPrefix": "10.0.1.0/30"}})
	err := s.do(s.recordIngressAddress, s.work(model.Create, func(c *model.Cluster) { c.Properties.IngressProfiles[0].Visibility = model.Private }))
	var typed *arm.Error
	if !errors.As(err, &typed) || typed.Code != arm.InvalidLinkedVNet || !strings.Contains(typed.Message, "subnets/worker") || typed.Target != "properties.workerProfiles[0].subnetId" {
		t.Errorf("got %v, want the worker subnet to be named", err)
	}
}

func TestAPrivateIngressKeepsItsAddress(t *testing.T) {
	s := setUp(t)
	s.put(vnetID+"/subnets/worker", map[string]any{"properties": map[string]any{"addressPrefix": "10.0.1.0/24"}})
	w := s.work(model.Create, func(c *model.Cluster) { c.Properties.IngressProfiles[0].Visibility = model.Private })
	s.must(s.do(s.recordIngressAddress, w))
	s.put(vnetID+"/subnets/worker", map[string]any{"properties": map[string]any{"addressPrefix": "10.0.1.0/24", "ipConfigurations": []any{
		map[string]any{"properties": map[string]any{"privateIPAddress": "10.0.1.254"}}}}}) // the router has it by now
	s.must(s.do(s.recordIngressAddress, w))
	if ip := w.Resource().Properties.IngressProfiles[0].IP; ip != "10.0.1.254" {
		t.Errorf("the address moved to %s", ip)
	}
}

func TestTheManagedGroupIsMadeOrRefused(t *testing.T) {
	mine := customerID + "/resourceGroups/rg/providers/Microsoft.RedHatOpenShift/openShiftClusters/One"
	for name, test := range map[string]struct {
		group   map[string]any
		refused bool
	}{
		"absent":         {},
		"ours":           {group: map[string]any{"location": "EastUS", "managedBy": strings.ToUpper(mine), "tags": map[string]any{"cost": "1"}}},
		"another's":      {group: map[string]any{"location": "eastus", "managedBy": "/subscriptions/x"}, refused: true},
		"the customer's": {group: map[string]any{"location": "eastus"}, refused: true},
		"somewhere else": {group: map[string]any{"location": "westus", "managedBy": mine}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			if test.group != nil {
				s.put(groupID, test.group)
			}
			err := s.do(s.ensureGroup, s.work(model.Create, nil))
			if arm.ClusterResourceGroupAlreadyExists.Is(err) != test.refused || !test.refused && err != nil {
				t.Fatalf("got %v", err)
			}
			if test.refused == (len(s.writes(groupID)) > 0) {
				t.Errorf("wrote %v", s.writes(groupID))
			}
			if tags, _ := s.get(groupID)["tags"].(map[string]any); name == "ours" && tags["cost"] != "1" {
				t.Error("the group's tags are lost")
			}
		})
	}
}

func TestTheAPIServerIsWhereItsOwnFrontendIs(t *testing.T) {
	s := setUp(t)
	frontend := func(name, ip string) any {
		return map[string]any{"name": name, "properties": map[string]any{"privateIPAddress": ip}}
	}
	s.put(internalID, map[string]any{"properties": map[string]any{"frontendIPConfigurations": []any{frontend("a-service", "10.0.0.9"), frontend("internal-lb-ip-v4", "10.0.0.4")}}})
	w := s.work(model.Create, func(c *model.Cluster) {
		c.Properties.APIServerProfile.Visibility, c.Properties.ClusterProfile.Domain = model.Private, "their.own.domain"
	})
	s.must(s.do(s.recordAPIAddress, w))
	if api := w.Resource().Properties.APIServerProfile; api.IP != "10.0.0.4" || api.InternalIP != "10.0.0.4" {
		t.Errorf("recorded %q and %q", api.IP, api.InternalIP)
	}
	s.put(internalID, map[string]any{"properties": map[string]any{"frontendIPConfigurations": []any{frontend("a-service", "10.0.0.9")}}})
	if err := s.do(s.recordAPIAddress, w); !waits(err) {
		t.Errorf("without it: got %v", err)
	}
}

func TestSubnetsAreEachNamedOnce(t *testing.T) {
	c := &model.Cluster{}
	c.Properties.MasterProfile.SubnetID = "/A"
	c.Properties.WorkerProfiles = []model.WorkerProfile{{SubnetID: "/a"}, {SubnetID: "/B"}, {SubnetID: "/b"}, {}}
	if got := subnets(c); !slices.Equal(got, []string{"/A", "/B"}) {
		t.Errorf("got %v", got)
	}
	c.Properties.WorkerProfilesStatus = []model.WorkerProfile{{SubnetID: "/C"}, workersOf(openshift.Pool{Name: "unfinished", Subnet: "d"}, "x")}
	if got := subnets(c); !slices.Equal(got, []string{"/A", "/C"}) {
		t.Errorf("of the pools in the cluster got %v", got)
	}
}
