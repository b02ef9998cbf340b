package model_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/message"
)

const (
	subscription      = "/subscriptions/00000000-0000-0000-0000-0000000000a1"
	otherSubscription = "/subscriptions/00000000-0000-0000-0000-0000000000b2"
	vnet              = subscription + "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/vnet"
	identities        = subscription + "/resourceGroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	canary            = "canary-8f2e"
)

var rules = model.Rules{Location: "eastus", Domain: "eastus.aroapp.io"}

// valid is a service-principal cluster that breaks no rule.
func valid() *model.Cluster {
	c := &model.Cluster{
		ID:       subscription + "/resourceGroups/group/providers/Microsoft.RedHatOpenShift/openShiftClusters/cluster",
		Name:     "cluster",
		Location: "eastus",
		Tags:     map[string]string{"team": "blue"},
	}
	c.Internal.UID = "8a1f8e5e-7a54-4e1c-8d2c-2f4c1f4c9f11"
	p := &c.Properties
	p.ClusterProfile = model.ClusterProfile{
		Domain: "cluster", Version: "4.17.12", ResourceGroupID: subscription + "/resourceGroups/managed",
		PullSecret: `{"auths":{"registry.example":{"auth":"bm9ib2R5OmNhbmFyeS04ZjJl"}}}`,
	}
	p.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "11111111-2222-3333-4444-555555555555", ClientSecret: canary}
	p.NetworkProfile = model.NetworkProfile{PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16"}
	p.MasterProfile = model.MasterProfile{VMSize: "Standard_D8s_v5", SubnetID: vnet + "/subnets/master"}
	p.WorkerProfiles = []model.WorkerProfile{{
		Name: "worker", VMSize: "Standard_D4s_v5", DiskSizeGB: 128, SubnetID: vnet + "/subnets/worker", Count: 3,
	}}
	p.APIServerProfile.Visibility = model.Public
	p.IngressProfiles = []model.IngressProfile{{Name: "default", Visibility: model.Public}}
	c.Default()
	return c
}

// workloadCluster is a workload-identity cluster that breaks no rule.
func workloadCluster() *model.Cluster {
	c := valid()
	c.Properties.ServicePrincipalProfile = nil
	c.Identity = &model.Identity{Type: "UserAssigned", UserAssignedIdentities: map[string]*model.UserAssignedIdentity{identities + "cluster": {}}}
	c.Properties.PlatformWorkloadIdentityProfile = &model.PlatformWorkloadIdentityProfile{
		PlatformWorkloadIdentities: map[string]*model.PlatformWorkloadIdentity{
			"file-csi-driver": {ResourceID: identities + "file"},
			"image-registry":  {ResourceID: identities + "registry"},
		},
	}
	return c
}

// fault is the expected error: the code, the target, and a part of the message.
type fault struct {
	code     arm.Code
	target   string
	mentions string
}

func invalid(target, mentions string) fault { return fault{arm.InvalidParameter, target, mentions} }

// ruleCase is a change of a cluster and the expected errors.
type ruleCase struct {
	why    string
	change func(*model.Cluster)
	want   []fault
}

func TestTheFixturesBreakNoRule(t *testing.T) {
	for name, c := range map[string]*model.Cluster{"service principal": valid(), "workload identity": workloadCluster()} {
		expectFaults(t, validate(c, nil), nil)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// onCreate validates each changed cluster as a new one.
func onCreate(t *testing.T, base func() *model.Cluster, cases []ruleCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.why, func(t *testing.T) {
			c := base()
			tc.change(c)
			expectFaults(t, validate(c, nil), tc.want)
		})
	}
}

// onUpdate validates each changed cluster against its previous state.
func onUpdate(t *testing.T, base func() *model.Cluster, cases []ruleCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.why, func(t *testing.T) {
			c := base()
			tc.change(c)
			expectFaults(t, validate(c, base()), tc.want)
		})
	}
}

func validate(c, old *model.Cluster) []*arm.Error {
	var f arm.Faults
	c.Validate(old, rules, &f)
	return f.List()
}

func expectFaults(t *testing.T, got []*arm.Error, want []fault) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d faults, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if g.Code.Name != w.code.Name || g.Target != w.target {
			t.Errorf("fault %d: got %s at %q, want %s at %q", i, g.Code.Name, g.Target, w.code.Name, w.target)
		}
		if !strings.Contains(g.Message, w.mentions) {
			t.Errorf("fault %d: message %q does not mention %q", i, g.Message, w.mentions)
		}
		message.Check(t, g, canary)
		if !strings.HasSuffix(g.Message, ".") {
			t.Errorf("fault %d: %q is no sentence", i, g.Message)
		}
	}
}

func TestLocationIsTheServices(t *testing.T) {
	onCreate(t, valid, []ruleCase{
		{"ARM compares locations without case and blanks", func(c *model.Cluster) { c.Location = "East US" }, nil},
		{"another region has another service", func(c *model.Cluster) { c.Location = "westus" }, []fault{invalid("location", "eastus")}},
		{"a cluster is somewhere", func(c *model.Cluster) { c.Location = "" }, []fault{invalid("location", "eastus")}},
	})
}

func manyTags(n int) map[string]string {
	tags := map[string]string{}
	for i := range n {
		tags[strings.Repeat("t", i+1)] = "v"
	}
	return tags
}

func TestTagsKeepThePlatformsLimits(t *testing.T) {
	tag := func(name, value string) func(*model.Cluster) {
		return func(c *model.Cluster) { c.Tags = map[string]string{name: value} }
	}
	onCreate(t, valid, []ruleCase{
		{"no tags are fine", func(c *model.Cluster) { c.Tags = nil }, nil},
		{"fifty tags are the limit", func(c *model.Cluster) { c.Tags = manyTags(50) }, nil},
		{"one more is too many", func(c *model.Cluster) { c.Tags = manyTags(51) }, []fault{invalid("tags", "at most 50")}},
		{"characters count, not bytes", tag(strings.Repeat("ä", 512), strings.Repeat("ö", 256)), nil},
		{"a long name", tag(strings.Repeat("a", 513), "v"), []fault{invalid("tags", "512")}},
		{"a long value", tag("a", strings.Repeat("a", 257)), []fault{invalid("tags", "256")}},
		{"an empty value", tag("a", ""), nil},
		{"an empty name", tag("", "v"), []fault{invalid("tags", "empty")}},
		{"values may hold what names may not", tag("a", `<>%&\?/`), nil},
		{"less-than in a name", tag("a<", "v"), []fault{invalid("tags", "cannot contain")}},
		{"greater-than in a name", tag("a>", "v"), []fault{invalid("tags", "cannot contain")}},
		{"percent in a name", tag("a%", "v"), []fault{invalid("tags", "cannot contain")}},
		{"ampersand in a name", tag("a&", "v"), []fault{invalid("tags", "cannot contain")}},
		{"backslash in a name", tag(`a\`, "v"), []fault{invalid("tags", "cannot contain")}},
		{"question mark in a name", tag("a?", "v"), []fault{invalid("tags", "cannot contain")}},
		{"slash in a name", tag("a/", "v"), []fault{invalid("tags", "cannot contain")}},
	})
}

func TestStoredTagsDoNotBlockOthers(t *testing.T) {
	legacy := func() *model.Cluster {
		c := valid()
		c.Tags = manyTags(60)
		c.Tags["a/b"] = strings.Repeat("v", 300)
		return c
	}
	onUpdate(t, legacy, []ruleCase{
		{"removing one of too many", func(c *model.Cluster) { delete(c.Tags, "t") }, nil},
		{"adding one to too many", func(c *model.Cluster) { c.Tags["new"] = "v" }, []fault{invalid("tags", "at most 50")}},
		{"the bad tag stays as it is", func(c *model.Cluster) { c.Tags["t"] = "other" }, nil},
		{"a new bad value of a bad tag", func(c *model.Cluster) { c.Tags["a/b"] = strings.Repeat("w", 300) }, []fault{invalid("tags", "256")}},
	})
}

func TestEndpoints(t *testing.T) {
	ingress := func(change func(*model.IngressProfile)) func(*model.Cluster) {
		return func(c *model.Cluster) { change(&c.Properties.IngressProfiles[0]) }
	}
	onCreate(t, valid, []ruleCase{
		{"a console url", func(c *model.Cluster) { c.Properties.ConsoleProfile.URL = "https://console.example" }, nil},
		{"a broken console url", func(c *model.Cluster) { c.Properties.ConsoleProfile.URL = "https://[" }, []fault{invalid("properties.consoleProfile.url", "URL")}},
		{"a private API server", func(c *model.Cluster) { c.Properties.APIServerProfile.Visibility = model.Private }, nil},
		{"an unknown visibility", func(c *model.Cluster) { c.Properties.APIServerProfile.Visibility = "Hidden" },
			[]fault{invalid("properties.apiserverProfile.visibility", "Public, Private")}},
		{"an API url", func(c *model.Cluster) { c.Properties.APIServerProfile.URL = "https://api.example:6443/" }, nil},
		{"a broken API url", func(c *model.Cluster) { c.Properties.APIServerProfile.URL = ":" }, []fault{invalid("properties.apiserverProfile.url", "URL")}},
		{"an IPv4 address", func(c *model.Cluster) { c.Properties.APIServerProfile.IP = "192.0.2.1" }, nil},
		{"an IPv6 address", func(c *model.Cluster) { c.Properties.APIServerProfile.IP = "2001:db8::1" }, []fault{invalid("properties.apiserverProfile.ip", "IPv4")}},
		{"no address", func(c *model.Cluster) { c.Properties.APIServerProfile.IP = "here" }, []fault{invalid("properties.apiserverProfile.ip", "IPv4")}},
		{"no ingress", func(c *model.Cluster) { c.Properties.IngressProfiles = nil }, []fault{invalid("properties.ingressProfiles", "exactly one")}},
		{"two ingresses", func(c *model.Cluster) {
			c.Properties.IngressProfiles = append(c.Properties.IngressProfiles, c.Properties.IngressProfiles[0])
		}, []fault{invalid("properties.ingressProfiles", "exactly one")}},
		{"another ingress name", ingress(func(p *model.IngressProfile) { p.Name = "apps" }), []fault{invalid("properties.ingressProfiles[0].name", "default")}},
		{"a private ingress", ingress(func(p *model.IngressProfile) { p.Visibility = model.Private }), nil},
		{"an unknown ingress visibility", ingress(func(p *model.IngressProfile) { p.Visibility = "public" }),
			[]fault{invalid("properties.ingressProfiles[0].visibility", "Public, Private")}},
		{"an ingress address", ingress(func(p *model.IngressProfile) { p.IP = "192.0.2.2" }), nil},
		{"a broken ingress address", ingress(func(p *model.IngressProfile) { p.IP = "192.0.2" }), []fault{invalid("properties.ingressProfiles[0].ip", "IPv4")}},
	})
}

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	c := valid()
	c.Location = "westus"
	c.Properties.ClusterProfile.PullSecret = canary
	c.Properties.NetworkProfile.PodCIDR = "10.0.0.1/24"
	c.Properties.MasterProfile.VMSize = "Standard_A1"
	c.Properties.WorkerProfiles[0].Count = 1
	expectFaults(t, validate(c, nil), []fault{
		invalid("location", "eastus"),
		invalid("properties.clusterProfile.pullSecret", "JSON object"),
		invalid("properties.networkProfile.podCidr", "18"),
		{arm.InvalidNetworkAddress, "properties.networkProfile.podCidr", "bits"},
		invalid("properties.masterProfile.vmSize", "master"),
		invalid("properties.workerProfiles[0].count", "2 to 50"),
	})
}

// legacy breaks as many rules as a stored cluster can.
func legacy() *model.Cluster {
	c := valid()
	c.Location = "moon"
	c.Tags = map[string]string{"a/": "b"}
	c.Identity = &model.Identity{Type: "SystemAssigned"}
	p := &c.Properties
	p.ConsoleProfile.URL = ":"
	p.ClusterProfile = model.ClusterProfile{PullSecret: "no JSON", Domain: "-", ResourceGroupID: "managed", FIPSValidatedModules: "On"}
	p.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "me"}
	p.PlatformWorkloadIdentityProfile = &model.PlatformWorkloadIdentityProfile{UpgradeableTo: "soon",
		PlatformWorkloadIdentities: map[string]*model.PlatformWorkloadIdentity{"": nil, "a": {ResourceID: "x"}, "b": {ResourceID: "X"}}}
	p.NetworkProfile = model.NetworkProfile{PodCIDR: "10.0.0.1/30", ServiceCIDR: "10.0.0.1/30", SoftwareDefinedNetwork: "x",
		OutboundType: model.UserDefinedRouting, PreconfiguredNSG: "x", LoadBalancerProfile: &model.LoadBalancerProfile{
			ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 99}, OutboundIPs: make([]model.ResourceReference, 1),
			OutboundIPPrefixes: make([]model.ResourceReference, 1), EffectiveOutboundIPs: make([]model.ResourceReference, 1), AllocatedOutboundPorts: 1}}
	p.MasterProfile = model.MasterProfile{VMSize: "x", SubnetID: "x", EncryptionAtHost: "x", DiskEncryptionSetID: "x"}
	p.WorkerProfiles = []model.WorkerProfile{{Name: "old", DiskSizeGB: 1, Count: 99}, {Name: "other", SubnetID: p.MasterProfile.SubnetID}}
	p.WorkerProfilesStatus = p.WorkerProfiles
	p.APIServerProfile = model.APIServerProfile{Visibility: "x", URL: ":", IP: "x"}
	p.IngressProfiles = []model.IngressProfile{{Name: "x", Visibility: "x", IP: "x"}, {}}
	return c
}

func TestWhatWasStoredNeverBlocksAnUpdate(t *testing.T) {
	if n := len(validate(legacy(), nil)); n < 30 {
		t.Fatalf("only %d faults on create: the legacy cluster does not prove much", n)
	}
	onUpdate(t, legacy, []ruleCase{
		{"nothing changed", func(*model.Cluster) {}, nil},
		{"a patch of the tags alone (A11)", func(c *model.Cluster) { c.Tags["team"] = "blue" }, nil},
		{"a new secret of the old application is judged with its id", func(c *model.Cluster) {
			c.Properties.ServicePrincipalProfile.ClientSecret = canary
		}, []fault{invalid("properties.servicePrincipalProfile.clientId", "UUID")}},
		{"the one value that changed", func(c *model.Cluster) { c.Properties.WorkerProfiles[0].Count = 51 },
			[]fault{invalid("properties.workerProfiles[0].count", "2 to 50")}},
	})
}
