package conversion_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/generated/v20191231preview"
	"github.com/aro-rp/aro/generated/v20230701preview"
	v20231122 "github.com/aro-rp/aro/generated/v20231122"
	v20250725 "github.com/aro-rp/aro/generated/v20250725"
	"github.com/aro-rp/aro/model"
)

const id = "/subscriptions/00000000-0000-0000-0000-0000000000a1/resourceGroups/rg/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"

// fromURL returns a cluster before its create, with the values of the URL.
func fromURL() *model.Cluster {
	return &model.Cluster{ID: id, Name: "c", Type: "Microsoft.RedHatOpenShift/openShiftClusters"}
}

// cluster is one that has been created and installed.
func cluster() *model.Cluster {
	c := fromURL()
	c.Location = "West Europe"
	c.Tags = map[string]string{"a": "1"}
	p := &c.Properties
	p.ProvisioningState = model.Succeeded
	p.ClusterProfile = model.ClusterProfile{PullSecret: "the pull secret", Domain: "d", Version: "4.17.1", ResourceGroupID: "/Subscriptions/S/resourceGroups/Managed"}
	p.ServicePrincipalProfile = &model.ServicePrincipalProfile{ClientID: "one", ClientSecret: "kept", ObjectID: "found"}
	p.NetworkProfile = model.NetworkProfile{PodCIDR: "10.128.0.0/14", ServiceCIDR: "172.30.0.0/16", OutboundType: model.LoadBalancer,
		LoadBalancerProfile: &model.LoadBalancerProfile{
			ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 3}, AllocatedOutboundPorts: 7,
			EffectiveOutboundIPs: []model.ResourceReference{{ID: "/ip/1"}},
		}}
	p.WorkerProfiles = []model.WorkerProfile{{Name: "worker", Count: 3, VMSize: "Standard_D4s_v5", EncryptionAtHost: model.Enabled}}
	p.APIServerProfile = model.APIServerProfile{Visibility: model.Public, URL: "https://api", IP: "1.2.3.4", InternalIP: "10.0.0.4"}
	p.IngressProfiles = []model.IngressProfile{{Name: "default", Visibility: model.Public, IP: "1.2.3.5"}}
	p.PlatformWorkloadIdentityProfile = &model.PlatformWorkloadIdentityProfile{
		PlatformWorkloadIdentities: map[string]*model.PlatformWorkloadIdentity{"op": {ResourceID: "/id/One", ClientID: "c1", ObjectID: "o1"}},
	}
	return c
}

func verdict(f *arm.Faults) []string {
	var v []string
	for _, e := range f.List() {
		v = append(v, e.Code.Name+" "+e.Target)
	}
	return v
}

var (
	oldest = v20191231preview.Version{}
	ports  = v20230701preview.Version{}
	middle = v20231122.Version{}
	newest = v20250725.Version{}
)

func TestACreateTakesTheDefaultsOfTheSpec(t *testing.T) {
	c := fromURL()
	var f arm.Faults
	body := `{"location":"westeurope","properties":{"workerProfiles":[{"subnetId":"/s"},{"name":"w2","count":0}],"ingressProfiles":[{}],"networkProfile":{"outboundType":"","loadBalancerProfile":{"managedOutboundIps":{}}}}}`
	if err := middle.WriteCluster([]byte(body), nil, c, &f); err != nil || f.Len() > 0 {
		t.Fatal(err, f.List())
	}
	p := c.Properties
	for what, ok := range map[string]bool{
		"fips":              p.ClusterProfile.FIPSValidatedModules == model.Disabled,
		"pods":              p.NetworkProfile.PodCIDR == "10.128.0.0/14",
		"services":          p.NetworkProfile.ServiceCIDR == "172.30.0.0/16",
		"outbound type":     p.NetworkProfile.OutboundType == model.LoadBalancer,
		"security groups":   p.NetworkProfile.PreconfiguredNSG == model.Disabled,
		"outbound IPs":      p.NetworkProfile.LoadBalancerProfile.ManagedOutboundIPs.Count == 1,
		"masters":           p.MasterProfile.VMSize == "Standard_D8s_v5" && p.MasterProfile.EncryptionAtHost == model.Disabled,
		"API server":        p.APIServerProfile.Visibility == model.Public,
		"ingress":           p.IngressProfiles[0].Name == "default" && p.IngressProfiles[0].Visibility == model.Public,
		"worker":            reflect.DeepEqual(p.WorkerProfiles[0], model.WorkerProfile{Name: "worker", VMSize: "Standard_D4s_v5", DiskSizeGB: 128, SubnetID: "/s", Count: 3, EncryptionAtHost: model.Disabled}),
		"a count of zero":   p.WorkerProfiles[1].Count == 0,
		"no identity":       c.Identity == nil && p.PlatformWorkloadIdentityProfile == nil && p.ServicePrincipalProfile == nil,
		"casing of the URL": c.ID == id,
	} {
		if !ok {
			t.Errorf("%s: not what the spec says, in %+v", what, p)
		}
	}
}

func TestAWriteRefusesWhatCannotChange(t *testing.T) {
	const stored = `"location":"West Europe"`
	for _, test := range []struct {
		reason string
		v      version
		create bool
		body   string
		want   []string
	}{
		{"read-only values may be echoed", middle, false, `{"location":"WESTeurope","id":"` + id + `","properties":{"provisioningState":"Succeeded","apiserverProfile":{"url":"https://api","ip":"1.2.3.4"}}}`, nil},
		{"and ids in any case", middle, false, `{"id":"/SUBSCRIPTIONS` + id[len("/subscriptions"):] + `","name":"C","type":"microsoft.redhatopenshift/OPENSHIFTCLUSTERS"}`, nil},
		{"changed read-only values are named", middle, false, `{` + stored + `,"properties":{"provisioningState":"Failed","apiserverProfile":{"url":"https://evil"},"ingressProfiles":[{"ip":"9.9.9.9"}]}}`, []string{
			"PropertyChangeNotAllowed properties.provisioningState", "PropertyChangeNotAllowed properties.apiserverProfile.url", "PropertyChangeNotAllowed properties.ingressProfiles[0].ip"}},
		{"read-only values cannot be set at creation", middle, true, `{"properties":{"apiserverProfile":{"ip":"1.1.1.1"},"workerProfilesStatus":[{}]}}`, []string{
			"PropertyChangeNotAllowed properties.workerProfilesStatus", "PropertyChangeNotAllowed properties.apiserverProfile.ip"}},
		{"the URL decides who it is", newest, true, `{"id":"/x","name":"y","type":"z"}`, []string{
			"MismatchingResourceID id", "MismatchingResourceName name", "MismatchingResourceType type"}},
		{"a fixed value may be repeated in other case", middle, false, `{"properties":{"clusterProfile":{"resourceGroupId":"/subscriptions/s/resourcegroups/managed"}}}`, nil},
		{"a fixed value cannot change", middle, false, `{"location":"north","properties":{"clusterProfile":{"domain":"e","pullSecret":"other"},"networkProfile":{"outboundType":"UserDefinedRouting"}}}`, []string{
			"PropertyChangeNotAllowed location", "PropertyChangeNotAllowed properties.clusterProfile.domain",
			"PropertyChangeNotAllowed properties.clusterProfile.pullSecret", "PropertyChangeNotAllowed properties.networkProfile.outboundType"}},
		{"the stored secret may be repeated", middle, false, `{"properties":{"clusterProfile":{"pullSecret":"the pull secret"}}}`, nil},
		{"the default may be said of a value from before the property existed", middle, false, `{"properties":{"networkProfile":{"preconfiguredNSG":"Disabled"}}}`, nil},
		{"but nothing else", middle, false, `{"properties":{"networkProfile":{"preconfiguredNSG":"Enabled"}}}`, []string{"PropertyChangeNotAllowed properties.networkProfile.preconfiguredNSG"}},
		{"workers cannot be added", middle, false, `{"properties":{"workerProfiles":[{"name":"worker"},{"name":"more"}]}}`, []string{"PropertyChangeNotAllowed properties.workerProfiles"}},
		{"nor removed", middle, false, `{"properties":{"workerProfiles":[]}}`, []string{"PropertyChangeNotAllowed properties.workerProfiles"}},
		{"nor renamed", middle, false, `{"properties":{"workerProfiles":[{"name":"other"}]}}`, []string{"PropertyChangeNotAllowed properties.workerProfiles"}},
		{"nor scaled", middle, false, `{"properties":{"workerProfiles":[{"count":4}]}}`, []string{"PropertyChangeNotAllowed properties.workerProfiles[0].count"}},
		{"except through the oldest version", oldest, false, `{"properties":{"workerProfiles":[{"name":"worker","count":4}]}}`, nil},
		{"which adds no workers either", oldest, false, `{"properties":{"workerProfiles":[{"name":"worker"},{"name":"more"}]}}`, []string{"PropertyChangeNotAllowed properties.workerProfiles"}},
		{"what the oldest version says elsewhere is read-only too", oldest, false, `{"properties":{"apiserverUrl":"https://evil"}}`, []string{"PropertyChangeNotAllowed properties.apiserverUrl"}},
		{"identities of operators are the service's finding", newest, false, `{"properties":{"platformWorkloadIdentityProfile":{"platformWorkloadIdentities":{"op":{"resourceId":"/id/One","clientId":"c2"}}}}}`, []string{
			`PropertyChangeNotAllowed properties.platformWorkloadIdentityProfile.platformWorkloadIdentities["op"].clientId`}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			old, c := cluster(), cluster()
			if test.create {
				old, c = nil, fromURL()
			}
			var f arm.Faults
			if err := test.v.WriteCluster([]byte(test.body), old, c, &f); err != nil {
				t.Fatal(err)
			}
			if got := verdict(&f); !slices.Equal(got, test.want) {
				t.Errorf("%s\n got %q\nwant %q", test.body, got, test.want)
			}
		})
	}
}

func TestAPutKeepsAndResets(t *testing.T) {
	for _, test := range []struct {
		reason string
		v      version
		body   string
		change func(*model.Cluster)
	}{
		{"tags left out are gone, a service principal left out keeps its secret", middle, `{"properties":{"networkProfile":{"loadBalancerProfile":{"managedOutboundIps":{"count":3}}}}}`, func(c *model.Cluster) {
			c.Tags = nil
			c.Properties.ServicePrincipalProfile.ClientID = ""
		}},
		{"null is the same as leaving out", middle, `{"tags":null,"properties":{"servicePrincipalProfile":null,"workerProfiles":null,"networkProfile":{"podCidr":null,"loadBalancerProfile":{"managedOutboundIps":{"count":3}}}}}`, func(c *model.Cluster) {
			c.Tags = nil
			c.Properties.ServicePrincipalProfile.ClientID = ""
		}},
		{"an optional object left out is gone, with what this version cannot say kept beside it", middle, `{"tags":{"a":"1"},"properties":{"servicePrincipalProfile":{"clientId":"one"}}}`, func(c *model.Cluster) {
			c.Properties.NetworkProfile.LoadBalancerProfile.ManagedOutboundIPs = nil
		}},
		{"a count left out takes its default", middle, `{"tags":{"a":"1"},"properties":{"servicePrincipalProfile":{"clientId":"one"},"networkProfile":{"loadBalancerProfile":{"managedOutboundIps":{}}}}}`, func(c *model.Cluster) {
			c.Properties.NetworkProfile.LoadBalancerProfile.ManagedOutboundIPs.Count = 1
		}},
		{"a secret that is sent replaces the stored one", middle, `{"tags":{"a":"1"},"properties":{"servicePrincipalProfile":{"clientId":"two","clientSecret":"new"},"networkProfile":{"loadBalancerProfile":{"managedOutboundIps":{"count":3}}}}}`, func(c *model.Cluster) {
			c.Properties.ServicePrincipalProfile.ClientID, c.Properties.ServicePrincipalProfile.ClientSecret = "two", "new"
		}},
		{"the oldest version scales and touches nothing that it cannot say", oldest, `{"tags":{"a":"1"},"properties":{"servicePrincipalProfile":{"clientId":"one"},"workerProfiles":[{"count":9}]}}`, func(c *model.Cluster) {
			c.Properties.WorkerProfiles[0].Count = 9
		}},
		{"an array without a fixed key is replaced", ports, `{"tags":{"a":"1"},"properties":{"servicePrincipalProfile":{"clientId":"one"},"networkProfile":{"loadBalancerProfile":{"allocatedOutboundPorts":8,"outboundIps":[{"id":"/ip/2"}],"managedOutboundIps":{"count":3}}}}}`, func(c *model.Cluster) {
			lb := c.Properties.NetworkProfile.LoadBalancerProfile
			lb.AllocatedOutboundPorts, lb.OutboundIPs = 8, []model.ResourceReference{{ID: "/ip/2"}}
		}},
		{"a new identity of an operator is not known yet", newest, `{"tags":{"a":"1"},"properties":{"servicePrincipalProfile":{"clientId":"one"},"networkProfile":{"loadBalancerProfile":{"managedOutboundIps":{"count":3}}},
			"platformWorkloadIdentityProfile":{"platformWorkloadIdentities":{"op":{"resourceId":"/id/Two","clientId":"c1","objectId":"o1"},"more":{"resourceId":"/id/3"}}}}}`, func(c *model.Cluster) {
			c.Properties.PlatformWorkloadIdentityProfile.PlatformWorkloadIdentities = map[string]*model.PlatformWorkloadIdentity{
				"op": {ResourceID: "/id/Two"}, "more": {ResourceID: "/id/3"}}
		}},
		{"the same identity in other case is the same", newest, `{"tags":{"a":"1"},"properties":{"servicePrincipalProfile":{"clientId":"one"},"networkProfile":{"loadBalancerProfile":{"managedOutboundIps":{"count":3}}},
			"platformWorkloadIdentityProfile":{"platformWorkloadIdentities":{"op":{"resourceId":"/ID/one"}}}}}`, func(*model.Cluster) {}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			want, old := cluster(), cluster()
			test.change(want)
			got, f := put(t, test.v, old, []byte(test.body))
			if f.Len() > 0 {
				t.Fatalf("refused: %q", verdict(f))
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got.Properties, want.Properties)
			}
		})
	}
}

func TestAVersionSaysStatesInItsOwnWords(t *testing.T) {
	for _, test := range []struct {
		v     version
		state model.ProvisioningState
		want  string
	}{
		{oldest, model.AdminUpdating, "Updating"},
		{oldest, model.Canceled, "Failed"},
		{ports, model.Canceled, "Cancelled"},
		{newest, model.Canceled, "Canceled"},
	} {
		c := cluster()
		c.Properties.ProvisioningState = test.state
		var said struct {
			Properties struct{ ProvisioningState string }
		}
		if err := json.Unmarshal(encode(t, test.v, c), &said); err != nil {
			t.Fatal(err)
		}
		if said.Properties.ProvisioningState != test.want {
			t.Errorf("%s says %q for %s, not %q", test.v.APIVersion(), said.Properties.ProvisioningState, test.state, test.want)
		}
	}
}

func TestMergePatchIsRFC7396ButForTagsAndTheIdentity(t *testing.T) {
	for _, test := range []struct{ reason, doc, patch, want string }{
		{"members merge", `{"a":{"b":1,"c":2}}`, `{"a":{"b":3}}`, `{"a":{"b":3,"c":2}}`},
		{"null removes", `{"a":{"b":1,"c":2}}`, `{"a":{"b":null}}`, `{"a":{"c":2}}`},
		{"arrays are replaced", `{"a":[1,2]}`, `{"a":[3]}`, `{"a":[3]}`},
		{"absent is not null", `{"a":1,"b":2}`, `{"a":null}`, `{"b":2}`},
		{"tags are replaced as a set", `{"tags":{"a":"1","b":"2"}}`, `{"tags":{"c":"3"}}`, `{"tags":{"c":"3"}}`},
		{"a null tag is no tag", `{"tags":{"a":"1"}}`, `{"tags":{"a":null,"b":"2"}}`, `{"tags":{"b":"2"}}`},
		{"no tags at all", `{"x":1,"tags":{"a":"1"}}`, `{"tags":null}`, `{"x":1}`},
		{"other tags merge", `{"x":{"tags":{"a":"1"}}}`, `{"x":{"tags":{"b":"2"}}}`, `{"x":{"tags":{"a":"1","b":"2"}}}`},
		{"the identity is replaced", `{"identity":{"type":"UserAssigned","userAssignedIdentities":{"a":{"clientId":"1"}}}}`, `{"identity":{"userAssignedIdentities":{"b":{}}}}`, `{"identity":{"type":"UserAssigned","userAssignedIdentities":{"b":{}}}}`},
		{"the old identity may be sent as null", `{"identity":{"userAssignedIdentities":{"a":{}}}}`, `{"identity":{"userAssignedIdentities":{"a":null,"b":{}}}}`, `{"identity":{"userAssignedIdentities":{"b":{}}}}`},
		{"no identity replaces none", `{"identity":{"userAssignedIdentities":{"a":{}}}}`, `{"identity":{"userAssignedIdentities":{}}}`, `{"identity":{"userAssignedIdentities":{"a":{}}}}`},
		{"the first identity", `{"x":1}`, `{"identity":{"userAssignedIdentities":{"a":{}}}}`, `{"x":1,"identity":{"userAssignedIdentities":{"a":{}}}}`},
		{"big numbers keep their digits", `{"a":12345678901234567890}`, `{"b":98765432109876543210}`, `{"a":12345678901234567890,"b":98765432109876543210}`},
	} {
		t.Run(test.reason, func(t *testing.T) {
			got, err := conversion.MergePatch([]byte(test.doc), []byte(test.patch))
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(t, got, []byte(test.want)) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if _, err := conversion.MergePatch([]byte(`{}`), []byte(`[1]`)); err == nil {
		t.Error("a patch that is no object is accepted")
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y map[string]json.RawMessage
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(normal(t, x), normal(t, y))
}

// normal writes objects with sorted members and numbers as they are.
func normal(t *testing.T, v map[string]json.RawMessage) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, raw := range v {
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) == nil && inner != nil {
			for k, text := range normal(t, inner) {
				out[name+"."+k] = text
			}
			continue
		}
		out[name] = string(raw)
	}
	return out
}

func BenchmarkEncodeCluster(b *testing.B) {
	c := cluster()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newest.EncodeCluster(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteCluster(b *testing.B) {
	old := cluster()
	c := clone(old)
	body := encode(b, newest, old)
	b.ReportAllocs()
	for b.Loop() {
		var f arm.Faults
		if err := newest.WriteCluster(body, old, c, &f); err != nil || f.Len() > 0 {
			b.Fatal(err, f.List())
		}
	}
}
