package model_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

const (
	spProfile  = "properties.servicePrincipalProfile"
	wiProfile  = "properties.platformWorkloadIdentityProfile"
	operators  = wiProfile + ".platformWorkloadIdentities"
	registryID = identities + "registry"
)

func TestServicePrincipal(t *testing.T) {
	profile := func(change func(*model.ServicePrincipalProfile)) func(*model.Cluster) {
		return func(c *model.Cluster) { change(c.Properties.ServicePrincipalProfile) }
	}
	cases := []ruleCase{
		{"another application", profile(func(p *model.ServicePrincipalProfile) { p.ClientID = "ABCDEFAB-2222-3333-4444-555555555555" }), nil},
		{"another secret", profile(func(p *model.ServicePrincipalProfile) { p.ClientSecret = canary + "2" }), nil},
		{"a client id that is no UUID", profile(func(p *model.ServicePrincipalProfile) { p.ClientID = "app" }), []fault{invalid(spProfile+".clientId", "UUID")}},
		{"no client id", profile(func(p *model.ServicePrincipalProfile) { p.ClientID = "" }), []fault{invalid(spProfile+".clientId", "UUID")}},
		{"no secret", profile(func(p *model.ServicePrincipalProfile) { p.ClientSecret = "" }), []fault{invalid(spProfile+".clientSecret", "secret")}},
		{"neither", profile(func(p *model.ServicePrincipalProfile) { *p = model.ServicePrincipalProfile{} }),
			[]fault{invalid(spProfile+".clientId", "UUID"), invalid(spProfile+".clientSecret", "secret")}},
	}
	onCreate(t, valid, cases)
	onUpdate(t, valid, cases)
}

func TestAClusterActsInOneWay(t *testing.T) {
	onCreate(t, valid, []ruleCase{
		{"neither way", func(c *model.Cluster) { c.Properties.ServicePrincipalProfile = nil }, []fault{invalid(spProfile, "needs a service principal or")}},
		{"an identity beside a service principal", func(c *model.Cluster) { c.Identity = workloadCluster().Identity }, []fault{invalid("identity", "Remove it")}},
		{"an identity of type None is none", func(c *model.Cluster) { c.Identity = &model.Identity{Type: "None"} }, nil},
	})
	onCreate(t, workloadCluster, []ruleCase{
		{"both ways", func(c *model.Cluster) {
			c.Properties.ServicePrincipalProfile = valid().Properties.ServicePrincipalProfile
		},
			[]fault{invalid(spProfile, "Remove one")}},
		{"an empty service principal is none", func(c *model.Cluster) { c.Properties.ServicePrincipalProfile = &model.ServicePrincipalProfile{} }, nil},
		{"workload identities without an identity", func(c *model.Cluster) { c.Identity = nil }, []fault{invalid("identity", "one user-assigned")}},
		{"an identity without workload identities", func(c *model.Cluster) { c.Properties.PlatformWorkloadIdentityProfile = nil },
			[]fault{invalid(spProfile, "needs"), invalid("identity", "platformWorkloadIdentityProfile")}},
	})
	onUpdate(t, workloadCluster, []ruleCase{
		{"changing sides", func(c *model.Cluster) {
			c.Identity, c.Properties.PlatformWorkloadIdentityProfile = nil, nil
			c.Properties.ServicePrincipalProfile = valid().Properties.ServicePrincipalProfile
		}, []fault{{arm.PropertyChangeNotAllowed, wiProfile, "Create another cluster"}}},
	})
}

func TestClusterIdentity(t *testing.T) {
	identity := func(kind string, ids ...string) func(*model.Cluster) {
		return func(c *model.Cluster) {
			c.Identity = &model.Identity{Type: kind, UserAssignedIdentities: map[string]*model.UserAssignedIdentity{}}
			for _, id := range ids {
				c.Identity.UserAssignedIdentities[id] = nil
			}
		}
	}
	cases := []ruleCase{
		{"another identity", identity("UserAssigned", identities+"other"), nil},
		{"ARM ignores case", identity("userassigned", strings.ToUpper(identities+"other")), nil},
		{"the system's identity", identity("SystemAssigned", identities+"other"), []fault{invalid("identity.type", "UserAssigned")}},
		{"both kinds", identity("SystemAssigned,UserAssigned", identities+"other"), []fault{invalid("identity.type", "UserAssigned")}},
		{"no identity", identity("UserAssigned"), []fault{invalid("identity", "exactly one")}},
		{"two identities", identity("UserAssigned", identities+"one", identities+"two"), []fault{invalid("identity", "exactly one")}},
		{"no resource id", identity("UserAssigned", "me"), []fault{invalid("identity.userAssignedIdentities", "resource id")}},
	}
	onCreate(t, workloadCluster, cases)
	onUpdate(t, workloadCluster, cases)
}

func TestOperatorIdentities(t *testing.T) {
	profile := func(change func(*model.PlatformWorkloadIdentityProfile)) func(*model.Cluster) {
		return func(c *model.Cluster) { change(c.Properties.PlatformWorkloadIdentityProfile) }
	}
	set := func(operator, id string) func(*model.Cluster) {
		return profile(func(p *model.PlatformWorkloadIdentityProfile) {
			p.PlatformWorkloadIdentities[operator] = &model.PlatformWorkloadIdentity{ResourceID: id}
		})
	}
	cases := []ruleCase{
		{"one more operator", set("machine-api", identities+"machine"), nil},
		{"another identity", set("image-registry", identities+"registry2"), nil},
		{"no longer a resource id", set("image-registry", "me"), []fault{invalid(operators+`["image-registry"].resourceId`, "resource id")}},
		{"one identity for two", set("machine-api", strings.ToUpper(registryID)), []fault{invalid(operators, `"image-registry" and "machine-api"`)}},
		{"no resource id", set("machine-api", "me"), []fault{invalid(operators+`["machine-api"].resourceId`, "resource id")}},
		{"another resource", set("machine-api", des), []fault{invalid(operators+`["machine-api"].resourceId`, "resource id")}},
		{"an operator with null", profile(func(p *model.PlatformWorkloadIdentityProfile) { p.PlatformWorkloadIdentities["machine-api"] = nil }),
			[]fault{invalid(operators+`["machine-api"].resourceId`, "resource id")}},
		{"an operator without name", set("", identities+"machine"), []fault{invalid(operators+`[""]`, "empty")}},
		{"an upgrade ahead", profile(func(p *model.PlatformWorkloadIdentityProfile) { p.UpgradeableTo = "4.18.0" }), nil},
		{"a candidate ahead", profile(func(p *model.PlatformWorkloadIdentityProfile) { p.UpgradeableTo = "4.18.0-rc.1" }), nil},
		{"an upgrade to a minor version", profile(func(p *model.PlatformWorkloadIdentityProfile) { p.UpgradeableTo = "4.18" }), []fault{invalid(wiProfile+".upgradeableTo", "x.y.z")}},
		{"an upgrade to a word", profile(func(p *model.PlatformWorkloadIdentityProfile) { p.UpgradeableTo = "latest" }), []fault{invalid(wiProfile+".upgradeableTo", "x.y.z")}},
	}
	onCreate(t, workloadCluster, append(cases, ruleCase{"no operators",
		profile(func(p *model.PlatformWorkloadIdentityProfile) { p.PlatformWorkloadIdentities = nil }), []fault{invalid(operators, "each platform operator")}}))
	onUpdate(t, workloadCluster, append(cases,
		ruleCase{"an operator lost", profile(func(p *model.PlatformWorkloadIdentityProfile) { delete(p.PlatformWorkloadIdentities, "image-registry") }),
			[]fault{{arm.PropertyChangeNotAllowed, operators, `"image-registry"`}}},
		ruleCase{"all operators lost", profile(func(p *model.PlatformWorkloadIdentityProfile) { p.PlatformWorkloadIdentities = nil }),
			[]fault{{arm.PropertyChangeNotAllowed, operators, `"file-csi-driver"`}, {arm.PropertyChangeNotAllowed, operators, `"image-registry"`}}}))
}

func TestStoredIdentitiesDoNotBlockOthers(t *testing.T) {
	shared := func() *model.Cluster {
		c := workloadCluster()
		for _, operator := range []string{"a", "b"} {
			c.Properties.PlatformWorkloadIdentityProfile.PlatformWorkloadIdentities[operator] = &model.PlatformWorkloadIdentity{ResourceID: "legacy"}
		}
		return c
	}
	set := func(operator, id string) func(*model.Cluster) {
		return func(c *model.Cluster) {
			c.Properties.PlatformWorkloadIdentityProfile.PlatformWorkloadIdentities[operator] = &model.PlatformWorkloadIdentity{ResourceID: id}
		}
	}
	onUpdate(t, shared, []ruleCase{
		{"a good one more", set("c", identities+"third"), nil},
		{"one of the bad ones mended", set("a", identities+"mended"), nil},
		{"one more that shares", set("c", registryID), []fault{invalid(operators, `"c" and "image-registry"`)}},
	})
}

func TestRoleSetVersions(t *testing.T) {
	for _, tc := range []struct {
		why, version, upgradeableTo, want string
	}{
		{"the version's own", "4.17.12", "", "4.17"},
		{"an upgrade inside the minor version adds none", "4.17.12", "4.17.40", "4.17"},
		{"numbers compare, not text", "4.9.1", "4.10.0", "4.9 4.10"},
		{"an upgrade to the past adds none", "4.17.12", "4.16.1", "4.17"},
		{"an upgrade that cannot be read adds none", "4.17.12", "soon", "4.17"},
		{"a version that cannot be read has none", "soon", "4.17.1", ""},
	} {
		c := workloadCluster()
		c.Properties.ClusterProfile.Version = tc.version
		c.Properties.PlatformWorkloadIdentityProfile.UpgradeableTo = tc.upgradeableTo
		if got := strings.Join(c.RoleSetVersions(), " "); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.why, got, tc.want)
		}
	}
	if got := valid().RoleSetVersions(); got != nil {
		t.Errorf("a service principal: got %v, want none", got)
	}
}

func roleSet(version string, operators ...string) *model.PlatformWorkloadIdentityRoleSet {
	set := &model.PlatformWorkloadIdentityRoleSet{}
	set.Properties.OpenShiftVersion = version
	for _, o := range operators {
		set.Properties.PlatformWorkloadIdentityRoles = append(set.Properties.PlatformWorkloadIdentityRoles, model.PlatformWorkloadIdentityRole{OperatorName: o})
	}
	return set
}

func TestOperatorsAreThoseOfTheRoleSets(t *testing.T) {
	sets := []*model.PlatformWorkloadIdentityRoleSet{
		nil,
		roleSet("4.16", "image-registry"),
		roleSet("4.17", "image-registry", "file-csi-driver"),
		roleSet("4.18", "image-registry", "file-csi-driver", "machine-api"),
	}
	mismatch := func(mentions string) []fault {
		return []fault{{arm.PlatformWorkloadIdentityMismatch, operators, mentions}}
	}
	for _, tc := range []struct {
		why, version, upgradeableTo string
		want                        []fault
	}{
		{"exactly those of the version", "4.17.12", "", nil},
		{"an upgrade inside the minor version", "4.17.12", "4.17.40", nil},
		{"an upgrade to the past is none", "4.17.12", "4.16.1", nil},
		{"the next version needs one more", "4.17.12", "4.18.0", mismatch("4.17 and 4.18 needs identities for exactly these operators: file-csi-driver, image-registry, machine-api")},
		{"an older version needs fewer", "4.16.3", "", mismatch("operators: image-registry")},
		{"a version without roles", "4.15.1", "", []fault{invalid("properties.clusterProfile.version", "4.15")}},
		{"an upgrade without roles", "4.17.12", "4.30.0", []fault{invalid("properties.clusterProfile.version", "4.30")}},
		{"a version that cannot be read is judged elsewhere", "newest", "", nil},
	} {
		t.Run(tc.why, func(t *testing.T) {
			c := workloadCluster()
			c.Properties.ClusterProfile.Version = tc.version
			c.Properties.PlatformWorkloadIdentityProfile.UpgradeableTo = tc.upgradeableTo
			var f arm.Faults
			c.ValidateRoles(sets, &f)
			expectFaults(t, f.List(), tc.want)
		})
	}
	t.Run("a service principal needs no roles", func(t *testing.T) {
		var f arm.Faults
		valid().ValidateRoles(nil, &f)
		expectFaults(t, f.List(), nil)
	})
}

func TestUniqueKeysIgnoreCase(t *testing.T) {
	c := valid()
	c.Properties.ServicePrincipalProfile.ClientID = "ABCDEFAB-2222-3333-4444-555555555555"
	if got, want := c.ClientIdentityKey(), "abcdefab-2222-3333-4444-555555555555"; got != want {
		t.Errorf("service principal: got %q, want %q", got, want)
	}
	if got, want := c.ManagedResourceGroupKey(), strings.ToLower(subscription+"/resourceGroups/managed"); got != want {
		t.Errorf("managed resource group: got %q, want %q", got, want)
	}
	if got, want := workloadCluster().ClientIdentityKey(), strings.ToLower(identities+"cluster"); got != want {
		t.Errorf("workload identity: got %q, want %q", got, want)
	}
	if got := (&model.Cluster{}).ClientIdentityKey(); got != "" {
		t.Errorf("neither: got %q, want nothing", got)
	}
}

func TestWorkloadIdentityIsTheAbsenceOfAServicePrincipal(t *testing.T) {
	both := workloadCluster()
	both.Properties.ServicePrincipalProfile = valid().Properties.ServicePrincipalProfile
	for why, tc := range map[string]struct {
		c    *model.Cluster
		want bool
	}{
		"service principal": {valid(), false}, "workload identity": {workloadCluster(), true},
		"both": {both, false}, "neither": {&model.Cluster{}, false},
	} {
		if got := tc.c.UsesWorkloadIdentity(); got != tc.want {
			t.Errorf("%s: got %v, want %v", why, got, tc.want)
		}
	}
}
