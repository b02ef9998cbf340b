package arm_test

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
)

const (
	subscriptionID = "00000000-0000-0000-0000-0000000000a1"
	clusterID      = "/subscriptions/" + subscriptionID + "/resourceGroups/Group/providers/Microsoft.RedHatOpenShift/openShiftClusters/Cluster"
)

func TestParseClusterID(t *testing.T) {
	for _, tc := range []struct {
		why, id string
		want    bool
	}{
		{"as ARM writes it", clusterID, true},
		{"ARM ignores case (C08)", strings.ToUpper(clusterID), true},
		{"empty", "", false},
		{"without the slash in front", clusterID[1:], false},
		{"cut off", strings.TrimSuffix(clusterID, "/Cluster"), false},
		{"without a name", strings.TrimSuffix(clusterID, "Cluster"), false},
		{"a child of it", clusterID + "/machinePools/a", false},
		{"another provider", strings.Replace(clusterID, "RedHatOpenShift", "Compute", 1), false},
		{"another type", strings.Replace(clusterID, "openShiftClusters", "hcpOpenShiftClusters", 1), false},
		{"another container", strings.Replace(clusterID, "resourceGroups", "groups", 1), false},
		{"a subscription that is no UUID", strings.Replace(clusterID, subscriptionID, "me", 1), false},
		{"a group that ends in a dot", strings.Replace(clusterID, "Group/", "Group./", 1), false},
		{"a name with a blank", clusterID + " ", false},
	} {
		if _, got := arm.ParseClusterID(tc.id); got != tc.want {
			t.Errorf("%s: %q: got %v, want %v", tc.why, tc.id, got, tc.want)
		}
	}
}

func TestAClusterIDKeepsItsCasing(t *testing.T) {
	id, ok := arm.ParseClusterID(clusterID)
	if want := (arm.ClusterID{SubscriptionID: subscriptionID, ResourceGroup: "Group", Name: "Cluster"}); !ok || id != want {
		t.Errorf("got %+v, want %+v", id, want)
	}
	if got := id.String(); got != clusterID {
		t.Errorf("got %q, want %q", got, clusterID)
	}
}

func TestCasingsOfOneClusterShareItsKey(t *testing.T) {
	a, _ := arm.ParseClusterID(clusterID)
	b, _ := arm.ParseClusterID(strings.ToUpper(clusterID))
	if a.Key() != b.Key() || a.Partition() != b.Partition() {
		t.Errorf("got %q in %q and %q in %q, want one place", a.Key(), a.Partition(), b.Key(), b.Partition())
	}
}

func TestAKeyPrefixFindsOneGroupOnly(t *testing.T) {
	key := func(group, name string) string { return arm.ClusterID{ResourceGroup: group, Name: name}.Key() }
	prefix := arm.ClusterKeyPrefix("Group")
	if got := key("GROUP", "a"); !strings.HasPrefix(got, prefix) {
		t.Errorf("%q is not found by %q", got, prefix)
	}
	for _, other := range []string{key("group2", "a"), key("grou", "p"), key("other", "group")} {
		if strings.HasPrefix(other, prefix) {
			t.Errorf("%q of another group is found by %q", other, prefix)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "A-b_c(d).e": true, strings.Repeat("a", 90): true, strings.Repeat("a", 91): false,
		"": false, "a.": false, ".": false, "a/b": false, "a b": false, "ä": false, "a\n": false, "a|b": false,
	} {
		if got := arm.ValidName(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

func TestAGroupIsNamedInAnyScript(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "A-b_c(d).e": true, "группа-日本": true, "एक": true, "a١": true, "x‿y": true,
		strings.Repeat("日", 90): true, strings.Repeat("日", 91): false,
		"": false, "группа.": false, "a/b": false, "a b": false, "a\n": false, "a|b": false, "a\x00": false, "😀": false, "½": false, "€": false, "\xff": false, "a%41": false,
	} {
		if got := arm.ValidGroupName(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

func TestValidUUID(t *testing.T) {
	for id, want := range map[string]bool{
		subscriptionID: true, strings.ToUpper(subscriptionID): true, "": false, subscriptionID + "0": false,
		"{" + subscriptionID + "}": false, strings.ReplaceAll(subscriptionID, "-", ""): false, "g" + subscriptionID[1:]: false, subscriptionID + "\n": false,
	} {
		if got := arm.ValidUUID(id); got != want {
			t.Errorf("%q: got %v, want %v", id, got, want)
		}
		if got := arm.ValidSubscriptionID(id); got != want {
			t.Errorf("subscription %q: got %v, want %v", id, got, want)
		}
	}
}

func TestLocationsIgnoreCaseAndBlanks(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"eastus", "East US", true}, {"EASTUS", "eastus", true}, {"eastus", "eastus2", false}, {"", "eastus", false},
	} {
		if got := arm.SameLocation(tc.a, tc.b); got != tc.want {
			t.Errorf("%q and %q: got %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}
