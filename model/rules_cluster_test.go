package model_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

func TestPullSecretIsJudgedAsTheInstallerAndTheMachinesDo(t *testing.T) {
	bad := func(mentions string) []fault {
		return []fault{invalid("properties.clusterProfile.pullSecret", mentions)}
	}
	login := func(registry, auth string) string { return `{"auths":{"` + registry + `":{"auth":"` + auth + `"}}}` }
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	good := encoded("nobody:" + canary)
	filled := func(bytes int) string {
		const frame = `{"auths":{"r.example":{"auth":"bm86b25l","note":""}}}`
		return strings.Replace(frame, `"note":"`, `"note":"`+strings.Repeat("x", bytes-len(frame)), 1)
	}
	var cases []ruleCase
	for _, tc := range []struct {
		why, secret string
		want        []fault
	}{
		{"a pull secret is optional", "", nil},
		{"a login", login("registry.example", good), nil},
		{"other members are the registry's business", `{"credHelpers":1,"auths":{"a.io":{"auth":"` + good + `","email":null,"identitytoken":"x"}}}`, nil},
		{"an empty password goes with an identity token", login("a.io", encoded("nobody:")), nil},
		{"telemetry beside another", ` {"auths":{"cloud.openshift.com":{"auth":"` + good + `"},"quay.io":{"auth":"` + good + `"}}} `, nil},
		{"a port and a path", login("registry.example:5000/team/a", good), nil},
		{"an address", login("[2001:db8::1]:5000", good), nil},
		{"as Docker writes its own registry", login("https://index.docker.io/v1/", good), nil},
		{"any registry below a domain", login("*.azurecr.io", good), nil},
		{"as large as can be", filled(32 << 10), nil},
		{"larger", filled(32<<10 + 1), bad("has 32769 bytes. It can have at most 32768: every machine")},
		{"an object without auths", `{}`, bad("no registry")},
		{"no registries", ` {"auths": {}} `, bad("no registry")},
		{"auths is null", `{"auths":null}`, bad("no registry")},
		{"only the entry that no cluster gets", login("cloud.openshift.com", good), bad("no registry")},
		{"plain text", canary, bad("must be a JSON object")},
		{"null", "null", bad("must be a JSON object")},
		{"a list", `["` + canary + `"]`, bad("must be a JSON object")},
		{"cut off", `{"auths":{"registry.example":{"auth":"` + canary, bad("must be a JSON object")},
		{"two documents", `{}{}`, bad("must be a JSON object")},
		{"auths is a list", `{"auths":["` + canary + `"]}`, bad("must be a JSON object")},
		{"a registry with a string", `{"auths":{"registry.example":"` + canary + `"}}`, bad(`"registry.example" that is not an object`)},
		{"a registry with null", `{"auths":{"registry.example":null}}`, bad(`"registry.example" that is not an object`)},
		{"no name", login("", good), bad("without a name")},
		{"a name with a space", login("registry example", good), bad(`"registry example", which is no name`)},
		{"a name that is none, whole sentences long", login(strings.Repeat("a ", 5000), good), bad("which is no name")},
		{"no auth", `{"auths":{"good.io":{"auth":"` + good + `"},"quay.io":{"email":"` + canary + `"}}}`, bad(`has no "auth" for "quay.io"`)},
		{"a store of credentials that only the sender's machine has", `{"auths":{"quay.io":{"credsStore":"desktop"}}}`, bad(`has no "auth" for "quay.io"`)},
		{"another spelling of auths is read too", `{"Auths":{"quay.io":{}}}`, bad(`has no "auth" for "quay.io"`)},
		{"auth is null", `{"auths":{"quay.io":{"auth":null}}}`, bad("not a string, or empty")},
		{"auth is a number", `{"auths":{"quay.io":{"auth":7}}}`, bad("not a string, or empty")},
		{"auth is empty", login("quay.io", ""), bad("not a string, or empty")},
		{"auth is as typed", login("quay.io", "nobody:"+canary), bad(`"auth" for "quay.io" that is not base64`)},
		{"auth without a colon", login("quay.io", encoded(canary)), bad("no colon")},
		{"auth without a user", login("quay.io", encoded(":"+canary)), bad("no user name")},
	} {
		cases = append(cases, ruleCase{tc.why, func(c *model.Cluster) { c.Properties.ClusterProfile.PullSecret = model.Secret(tc.secret) }, tc.want})
	}
	onCreate(t, valid, cases)
}

func TestClientSecretsAreBounded(t *testing.T) {
	of := func(n int) func(*model.Cluster) {
		return func(c *model.Cluster) {
			c.Properties.ServicePrincipalProfile.ClientSecret = model.Secret(strings.Repeat("x", n))
		}
	}
	const target = "properties.servicePrincipalProfile.clientSecret"
	onCreate(t, valid, []ruleCase{
		{"as long as can be", of(256), nil},
		{"longer", of(257), []fault{invalid(target, "has 257 bytes. It can have at most 256: those of Microsoft Entra ID have")}},
		{"none", of(0), []fault{invalid(target, "cannot be empty")}},
	})
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
		{"54 characters are the most", strings.Repeat("a", 54), nil},
		{"55 characters", strings.Repeat("a", 55), bad("2 to 54 characters")},
		{"54 characters of a domain of the customer", strings.Repeat("a", 54) + ".example.com", nil},
		{"55 characters of a domain of the customer", strings.Repeat("a", 55) + ".example.com", bad(form)},
		{"later labels have room for 63", "a1." + strings.Repeat("a", 63) + ".com", nil},
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
