package model_test

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

// least is the minimal body of the oldest api-version.
func least() *model.Cluster {
	c := &model.Cluster{ID: valid().ID, Location: "eastus"}
	c.Internal.UID = "8a1f8e5e-7a54-4e1c-8d2c-2f4c1f4c9f11"
	p := &c.Properties
	p.ServicePrincipalProfile = valid().Properties.ServicePrincipalProfile
	p.NetworkProfile = model.NetworkProfile{PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16"}
	p.MasterProfile = model.MasterProfile{VMSize: "Standard_D8s_v5", SubnetID: vnet + "/subnets/master"}
	p.WorkerProfiles = []model.WorkerProfile{{
		Name: "worker", VMSize: "Standard_D4s_v5", DiskSizeGB: 128, SubnetID: vnet + "/subnets/worker", Count: 3,
	}}
	return c
}

func TestDefaultsMakeTheLeastRequestValid(t *testing.T) {
	if len(validate(least(), nil)) == 0 {
		t.Fatal("the least request is valid without defaults: the test proves nothing")
	}
	c := least()
	c.Default()
	expectFaults(t, validate(c, nil), nil)

	p := c.Properties
	for what, got := range map[string]model.Feature{
		"fipsValidatedModules": p.ClusterProfile.FIPSValidatedModules, "preconfiguredNSG": p.NetworkProfile.PreconfiguredNSG,
		"masters' encryptionAtHost": p.MasterProfile.EncryptionAtHost, "workers' encryptionAtHost": p.WorkerProfiles[0].EncryptionAtHost,
	} {
		if got != model.Disabled {
			t.Errorf("%s: got %q, want Disabled", what, got)
		}
	}
	if p.NetworkProfile.OutboundType != model.LoadBalancer || p.NetworkProfile.LoadBalancerProfile.ManagedOutboundIPs.Count != 1 {
		t.Errorf("outbound: got %+v, want a load balancer with one IP", p.NetworkProfile)
	}
	if p.APIServerProfile.Visibility != model.Public {
		t.Errorf("visibility: got %q, want Public", p.APIServerProfile.Visibility)
	}
	if want := []model.IngressProfile{{Name: "default", Visibility: model.Public}}; !reflect.DeepEqual(p.IngressProfiles, want) {
		t.Errorf("ingress: got %+v, want %+v", p.IngressProfiles, want)
	}
	group := regexp.MustCompile("^" + subscription + "/resourceGroups/aro-" + p.ClusterProfile.Domain + "$")
	if !regexp.MustCompile(`^[a-z][a-z2-7]{7}$`).MatchString(p.ClusterProfile.Domain) || !group.MatchString(p.ClusterProfile.ResourceGroupID) {
		t.Errorf("names: got %q and %q, want one label of eight characters in both", p.ClusterProfile.Domain, p.ClusterProfile.ResourceGroupID)
	}
}

func TestDefaultsKeepWhatWasSaid(t *testing.T) {
	c := routed()
	c.Properties.ClusterProfile.FIPSValidatedModules = model.Enabled
	c.Properties.MasterProfile.EncryptionAtHost = model.Enabled
	c.Properties.WorkerProfiles[0].EncryptionAtHost = model.Enabled
	c.Properties.NetworkProfile.PreconfiguredNSG = model.Enabled
	c.Properties.NetworkProfile.SoftwareDefinedNetwork = model.OpenShiftSDN
	want := clone(c)
	c.Default()
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c.Properties, want.Properties)
	}
}

func TestDefaultLoadBalancer(t *testing.T) {
	ip := []model.ResourceReference{{ID: "ip"}}
	for _, tc := range []struct {
		why        string
		have, want *model.LoadBalancerProfile
	}{
		{"nothing said", nil, &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 1}}},
		{"an empty profile says nothing", &model.LoadBalancerProfile{}, &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 1}}},
		{"no count", &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{}},
			&model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 1}}},
		{"another count stays", &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 7}},
			&model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 7}}},
		{"another choice stays", &model.LoadBalancerProfile{OutboundIPs: ip}, &model.LoadBalancerProfile{OutboundIPs: ip}},
		{"a choice of prefixes stays", &model.LoadBalancerProfile{OutboundIPPrefixes: ip}, &model.LoadBalancerProfile{OutboundIPPrefixes: ip}},
	} {
		t.Run(tc.why, func(t *testing.T) {
			c := valid()
			c.Properties.NetworkProfile.LoadBalancerProfile = tc.have
			c.Default()
			if got := c.Properties.NetworkProfile.LoadBalancerProfile; !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
	t.Run("own routes have no load balancer", func(t *testing.T) {
		c := routed()
		c.Default()
		if got := c.Properties.NetworkProfile.LoadBalancerProfile; got != nil {
			t.Errorf("got %+v, want none", got)
		}
	})
}

func TestGeneratedNamesBelongToTheUID(t *testing.T) {
	name := func(uid string) string {
		c := least()
		c.Internal.UID = uid
		c.Default()
		return c.Properties.ClusterProfile.Domain
	}
	if a, again := name("a"), name("a"); a != again {
		t.Errorf("one uid has two names, %q and %q", a, again)
	}
	if a, b := name("a"), name("b"); a == b {
		t.Errorf("two uids share the name %q", a)
	}
}

func TestAClusterWithoutIDGetsNoManagedResourceGroup(t *testing.T) {
	c := &model.Cluster{ID: "somewhere"}
	c.Default()
	if got := c.Properties.ClusterProfile.ResourceGroupID; got != "" {
		t.Errorf("got %q, want none: its subscription is unknown", got)
	}
	var f arm.Faults
	c.Validate(nil, rules, &f)
	if f.Len() == 0 {
		t.Error("an empty cluster passed")
	}
}
