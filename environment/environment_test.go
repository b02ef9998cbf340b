package environment_test

import (
	"testing"
	"time"

	"github.com/aro-rp/aro/environment"
)

func TestDomains(t *testing.T) {
	e := &environment.Environment{Domain: "eastus.aroapp.io"}
	tests := map[string]struct {
		why, domain, full, label string
		managed                  bool
	}{
		"label":      {why: "short for a name below ours", domain: "foo", full: "foo.eastus.aroapp.io", label: "foo", managed: true},
		"whole":      {why: "the same, written out", domain: "foo.eastus.aroapp.io", full: "foo.eastus.aroapp.io", label: "foo", managed: true},
		"customer's": {why: "their own zone", domain: "aro.example.com", full: "aro.example.com", label: "aro.example.com"},
		"two labels": {why: "only one label is managed", domain: "a.b.eastus.aroapp.io", full: "a.b.eastus.aroapp.io", label: "a.b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := e.FullDomain(test.domain); got != test.full {
				t.Errorf("%s: full %q, want %q", test.why, got, test.full)
			}
			if label, managed := e.ManagedName(test.domain); label != test.label || managed != test.managed {
				t.Errorf("%s: got %q, %v, want %q, %v", test.why, label, managed, test.label, test.managed)
			}
		})
	}
}

func TestTimesAreAzuresInProductionAndShortElsewhere(t *testing.T) {
	of := func(mode environment.Mode) []time.Duration {
		e := &environment.Environment{Mode: mode}
		return []time.Duration{e.Patience(), e.PatienceStep(), e.PollEvery(), e.RetryDelay(), e.RefreshEvery()}
	}
	production := of(environment.Production)
	if unset := of(""); production[0] != 6*time.Minute || unset[0] != production[0] {
		t.Errorf("production waits %v, an unknown place %v", production, unset)
	}
	for _, mode := range []environment.Mode{environment.Development, environment.Test} {
		for i, d := range of(mode) {
			if d <= 0 || d > production[i] {
				t.Errorf("%s: time %d is %s, but %s in production", mode, i, d, production[i])
			}
		}
	}
}

func TestTheServicesOwnNetwork(t *testing.T) {
	e := &environment.Environment{SubscriptionID: "s", ResourceGroup: "g"}
	if got, want := e.PrivateEndpointSubnetID(), "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/rp-pe-vnet-001/subnets/rp-pe-subnet"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := e.SubnetID(), "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/rp-vnet/subnets/rp-subnet"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
