package model_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

func TestPullSecretHasTheShapeOfRegistryLogins(t *testing.T) {
	bad := []fault{invalid("properties.clusterProfile.pullSecret", "Download it again")}
	var cases []ruleCase
	for _, tc := range []struct {
		why, secret string
		want        []fault
	}{
		{"a pull secret is optional", "", nil},
		{"an object without auths", `{}`, nil},
		{"other members are the registry's business", `{"credHelpers":1}`, nil},
		{"no registries", ` {"auths": {}} `, nil},
		{"a login", `{"auths":{"registry.example":{"auth":"` + canary + `"}}}`, nil},
		{"plain text", canary, bad},
		{"null", "null", bad},
		{"a list", `["` + canary + `"]`, bad},
		{"cut off", `{"auths":{"registry.example":{"auth":"` + canary, bad},
		{"two documents", `{}{}`, bad},
		{"auths is null", `{"auths":null}`, bad},
		{"auths is a list", `{"auths":["` + canary + `"]}`, bad},
		{"a registry with a string", `{"auths":{"registry.example":"` + canary + `"}}`, bad},
		{"a registry with null", `{"auths":{"registry.example":null}}`, bad},
	} {
		cases = append(cases, ruleCase{tc.why, func(c *model.Cluster) { c.Properties.ClusterProfile.PullSecret = model.Secret(tc.secret) }, tc.want})
	}
	onCreate(t, valid, cases)
}

func TestDomain(t *testing.T) {
	bad := func(mentions string) []fault { return []fault{invalid("properties.clusterProfile.domain", mentions)} }
	form, reserved := "DNS labels", "aroapp.io belongs to the service"
	var cases []ruleCase
	for _, tc := range []struct {
		why, domain string
		want        []fault
	}{
		{"one label is made part of the service's zone", "mycluster", nil},
		{"two characters are the least", "ab", nil},
		{"one character", "a", bad(form)},
		{"63 characters are the most", strings.Repeat("a", 63), nil},
		{"64 characters", strings.Repeat("a", 64), bad(form)},
		{"a domain of the customer", "apps-1.contoso.com", nil},
		{"later labels may be short and begin with a digit", "cluster.1.x", nil},
		{"empty", "", bad(form)},
		{"capital letters", "Cluster", bad(form)},
		{"beginning with a digit", "1cluster", bad(form)},
		{"beginning with a hyphen", "-cluster", bad(form)},
		{"ending in a hyphen", "cluster-", bad(form)},
		{"an underscore", "my_cluster", bad(form)},
		{"an empty label", "cluster..com", bad(form)},
		{"a closing dot", "cluster.com.", bad(form)},
		{"a line break at the end", "cluster\n", bad(form)},
		{"253 characters are all DNS can hold", "aa" + strings.Repeat(".aa", 83) + ".a", nil},
		{"more than DNS can hold", "aa" + strings.Repeat(".aa", 84), bad(form)},
		{"below the service's zone", "cluster.eastus.aroapp.io", nil},
		{"two labels below the service's zone", "my.cluster.eastus.aroapp.io", bad("only one label")},
		{"the service's zone itself", "eastus.aroapp.io", bad(reserved)},
		{"the zone of another region", "cluster.westus.aroapp.io", bad(reserved)},
		{"the zone above", "aroapp.io", bad(reserved)},
		{"a name that only looks like it", "cluster.notaroapp.io", nil},
	} {
		cases = append(cases, ruleCase{tc.why, func(c *model.Cluster) { c.Properties.ClusterProfile.Domain = tc.domain }, tc.want})
	}
	onCreate(t, valid, cases)
}

func TestAServiceWithoutAZoneReservesNoDomain(t *testing.T) {
	for _, zone := range []string{"", "localhost"} {
		c := valid()
		c.Properties.ClusterProfile.Domain = "my.cluster.localhost"
		var f arm.Faults
		c.Validate(nil, model.Rules{Location: "eastus", Domain: zone}, &f)
		expectFaults(t, f.List(), nil)
	}
}

func TestManagedResourceGroup(t *testing.T) {
	bad := func(mentions string) []fault {
		return []fault{invalid("properties.clusterProfile.resourceGroupId", mentions)}
	}
	var cases []ruleCase
	for _, tc := range []struct {
		why, id string
		want    []fault
	}{
		{"a new group", subscription + "/resourceGroups/aro-managed", nil},
		{"ARM ignores case", strings.ToUpper(subscription) + "/RESOURCEGROUPS/(Managed).1", nil},
		{"absent", "", bad("form")},
		{"a name alone", "managed", bad("form")},
		{"no subscription", "/subscriptions/me/resourceGroups/managed", bad("form")},
		{"a name that ends in a dot", subscription + "/resourceGroups/managed.", bad("form")},
		{"a name that is too long", subscription + "/resourceGroups/" + strings.Repeat("a", 91), bad("form")},
		{"something behind it", subscription + "/resourceGroups/managed/providers", bad("form")},
		{"a letter that folds to an ASCII one", "/\u017fubscriptions" + subscription[len("/subscriptions"):] + "/resourceGroups/managed", bad("form")},
		{"another subscription", otherSubscription + "/resourceGroups/managed", bad("subscription")},
		{"the group of the cluster", subscription + "/resourceGroups/GROUP", bad("cannot be the one")},
	} {
		cases = append(cases, ruleCase{tc.why, func(c *model.Cluster) { c.Properties.ClusterProfile.ResourceGroupID = tc.id }, tc.want})
	}
	onCreate(t, valid, cases)
}

func TestFIPSIsASwitch(t *testing.T) {
	onCreate(t, valid, []ruleCase{
		{"on", func(c *model.Cluster) { c.Properties.ClusterProfile.FIPSValidatedModules = model.Enabled }, nil},
		{"another word", func(c *model.Cluster) { c.Properties.ClusterProfile.FIPSValidatedModules = "yes" },
			[]fault{invalid("properties.clusterProfile.fipsValidatedModules", "Enabled, Disabled")}},
	})
}
