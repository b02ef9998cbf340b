package nsg

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/monitor/collectors"
)

// recorder keeps what is emitted, as text.
type recorder struct{ all []string }

func (r *recorder) EmitGauge(name string, _ int64, dims map[string]string) {
	if err := metrics.Undeclared(name, dims); err != nil {
		panic(err)
	}
	var parts []string
	for _, d := range slices.Sorted(maps.Keys(dims)) {
		parts = append(parts, d+"="+dims[d])
	}
	r.all = append(r.all, strings.TrimSpace(name+" "+strings.Join(parts, " ")))
}

func (r *recorder) EmitFloat(name string, _ float64, dims map[string]string) {
	r.EmitGauge(name, 0, dims)
}

func ptr[T any](v T) *T { return &v }

func rule(access armnetwork.SecurityRuleAccess, from, to string) *armnetwork.SecurityRule {
	p := &armnetwork.SecurityRulePropertiesFormat{Access: &access, Direction: ptr(armnetwork.SecurityRuleDirectionInbound), Priority: ptr(int32(100))}
	split := func(text string) (one *string, more []*string) {
		parts := strings.Split(text, ",")
		if len(parts) == 1 {
			return &parts[0], nil
		}
		for _, part := range parts {
			more = append(more, &part)
		}
		return nil, more
	}
	p.SourceAddressPrefix, p.SourceAddressPrefixes = split(from)
	p.DestinationAddressPrefix, p.DestinationAddressPrefixes = split(to)
	return &armnetwork.SecurityRule{Name: ptr("r"), Properties: p}
}

const groupID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n"

func subnet(prefix string, rules ...*armnetwork.SecurityRule) *armnetwork.Subnet {
	return &armnetwork.Subnet{Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefix: &prefix,
		NetworkSecurityGroup: &armnetwork.SecurityGroup{ID: ptr(groupID), Properties: &armnetwork.SecurityGroupPropertiesFormat{SecurityRules: rules}}}}
}

func TestRulesThatCutMachinesOff(t *testing.T) {
	const masters, workers, elsewhere = "10.0.0.0/24", "10.0.1.0/24", "192.168.0.0/16"
	for _, c := range []struct {
		from, to string
		cut      bool
	}{
		{masters, masters, true}, {masters, workers, true}, {workers, masters, true}, {masters, "*", true}, {"*", masters, true},
		{workers, "*", true}, {"*", "*", true}, {masters, "VirtualNetwork", true}, {"virtualnetwork", workers, true},
		{"VirtualNetwork", "*", true}, {"VirtualNetwork", "VirtualNetwork", true},
		{workers, workers, false}, {elsewhere, masters, false}, {masters, elsewhere, false}, {"Internet", masters, false}, {"Internet", "*", false}, {"*", "Storage", false},
		{"10.0.0.7", workers, true}, {"10.0.1.7", "10.0.1.8", false}, {"10.0.0.0/8", "10.0.0.0/8", true}, {"10.0.1.7,10.0.0.7", workers, true}, {"192.168.0.1,Internet", "10.0.0.0/23", false},
	} {
		var r recorder
		report(&r, subnet(masters, rule(armnetwork.SecurityRuleAccessDeny, c.from, c.to)), []*armnetwork.Subnet{subnet(workers)})
		if cut := len(r.all) == 1; cut != c.cut {
			t.Errorf("from %s to %s: told is %q", c.from, c.to, r.all)
		}
		var allowed recorder
		if report(&allowed, subnet(masters, rule(armnetwork.SecurityRuleAccessAllow, c.from, c.to)), nil); len(allowed.all) != 0 {
			t.Errorf("a rule that allows is told: %q", allowed.all)
		}
	}
}

func TestWhatIsToldOfARule(t *testing.T) {
	var r recorder
	// Both subnets have the same group, and one that cannot be read has none.
	one := subnet("10.0.0.0/24", rule(armnetwork.SecurityRuleAccessDeny, "10.0.0.1,10.0.0.2", "*"))
	report(&r, one, []*armnetwork.Subnet{one})
	want := "monitor.preconfigurednsg.invaliddenyrule destinations=* direction=Inbound networksecuritygroup=n nsgresourcegroup=g priority=100 rulename=r sources=10.0.0.1,10.0.0.2"
	if !slices.Equal(r.all, []string{want}) {
		t.Errorf("told %q, want %q", r.all, want)
	}
	r = recorder{}
	if report(&r, nil, []*armnetwork.Subnet{{}, {Properties: &armnetwork.SubnetPropertiesFormat{}}}); len(r.all) != 0 {
		t.Errorf("told %q of nothing", r.all)
	}
}

func TestClustersWithGroupsOfTheServiceAreNotAskedFor(t *testing.T) {
	var r recorder
	if err := New(nil).Look(t.Context(), &collectors.Cluster{}, &r, true); err != nil || len(r.all) != 0 {
		t.Errorf("told %q, %v", r.all, err)
	}
	// Between two checks only the existence of such groups is reported, and Azure gets no request.
	if err := New(nil).Look(t.Context(), &collectors.Cluster{PreconfiguredNSG: true, Location: "eastus"}, &r, false); err != nil ||
		!slices.Equal(r.all, []string{"monitor.preconfigurednsg.enabled location=eastus resourceId= subscriptionId="}) {
		t.Errorf("told %q, %v", r.all, err)
	}
}
