// Package arm has the vocabulary of Azure Resource Manager: resource ids,
// locations, and the typed error with its catalogue of codes. It does no I/O and
// imports no other package of this project.
package arm

import (
	"strings"
	"unicode"
)

// The provider and its one tracked resource type, cased as ARM publishes them.
const (
	Namespace           = "Microsoft.RedHatOpenShift"
	ClusterResourceType = Namespace + "/openShiftClusters"
)

// ClusterID names one cluster. The parts keep the caller's casing; two ids are
// the same resource when their Keys are equal (C08 of the ARM contract).
type ClusterID struct {
	SubscriptionID string
	ResourceGroup  string
	Name           string
}

// String returns the full resource id, not percent-encoded, without host or
// api-version (G10).
func (id ClusterID) String() string {
	return "/subscriptions/" + id.SubscriptionID + "/resourceGroups/" + id.ResourceGroup +
		"/providers/" + ClusterResourceType + "/" + id.Name
}

// Partition is the store's partition key: the subscription.
func (id ClusterID) Partition() string { return ToLower(id.SubscriptionID) }

// Key returns the key of the cluster in its partition. Clusters of one group have a
// common prefix; see ClusterKeyPrefix.
func (id ClusterID) Key() string {
	return ClusterKeyPrefix(id.ResourceGroup) + ToLower(id.Name)
}

// ClusterKeyPrefix returns the prefix of the keys of a group's clusters. A bar
// cannot occur in the name of a group, and Cosmos DB allows it in an id.
func ClusterKeyPrefix(resourceGroup string) string {
	return ToLower(resourceGroup) + "|"
}

// ParseClusterID parses the full resource id of a cluster, ignoring case.
func ParseClusterID(s string) (ClusterID, bool) {
	p := strings.Split(s, "/")
	if len(p) != 9 || p[0] != "" || !EqualFold(p[1], "subscriptions") || !EqualFold(p[3], "resourceGroups") ||
		!EqualFold(p[5], "providers") || !EqualFold(p[6]+"/"+p[7], ClusterResourceType) {
		return ClusterID{}, false
	}
	id := ClusterID{SubscriptionID: p[2], ResourceGroup: p[4], Name: p[8]}
	return id, ValidSubscriptionID(id.SubscriptionID) && ValidGroupName(id.ResourceGroup) && ValidName(id.Name)
}

// ValidSubscriptionID reports whether s is a UUID in the usual form.
func ValidSubscriptionID(s string) bool { return ValidUUID(s) }

// ValidUUID reports whether s is a UUID in the usual form.
func ValidUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}

// maxName bounds the names of clusters and resource groups, in characters.
const maxName = 90

// ValidName reports whether s is a valid cluster name (U14): at most 90 ASCII
// letters, digits and -_(). and no dot at the end.
func ValidName(s string) bool { return MadeOf(s, 1, maxName, "-_().") && s[len(s)-1] != '.' }

// groupNames are the characters that the name of a resource group can contain
// beside -(). : the word characters of .NET, in which Azure's rule is written
// (U04). .NET counts UTF-16 units, so only characters of the basic plane match.
var groupNames = []*unicode.RangeTable{unicode.L, unicode.Mn, unicode.Nd, unicode.Pc}

// ValidGroupName reports whether s is a valid resource group name: at most 90
// letters and digits of any script and -_(). and no dot at the end.
func ValidGroupName(s string) bool {
	n := 0
	for _, r := range s {
		if n++; r == unicode.ReplacementChar || r > 0xFFFF || !unicode.In(r, groupNames...) && !strings.ContainsRune("-().", r) {
			return false
		}
	}
	return n > 0 && n <= maxName && s[len(s)-1] != '.'
}

// MadeOf reports whether s consists of least to most ASCII letters, digits and
// marks.
func MadeOf(s string, least, most int, marks string) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(marks, c) >= 0) {
			return false
		}
	}
	return true
}

// SameLocation reports whether two locations are equal for ARM, which ignores case
// and blanks (U15).
func SameLocation(a, b string) bool { return NormalLocation(a) == NormalLocation(b) }

// NormalLocation returns a location in lower case without blanks.
func NormalLocation(s string) string {
	return ToLower(strings.ReplaceAll(s, " ", ""))
}
