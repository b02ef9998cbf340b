package model

import (
	"regexp"
	"strings"
)

// The forms of Azure ids that a cluster refers to, without regard to case. The
// first two groups are subscription and resource group.
const groupForm = `(?i)^/subscriptions/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/resourceGroups/([-\w().]{0,89}[-\w()])`

var (
	resourceGroupForm     = regexp.MustCompile(groupForm + `$`)
	subnetForm            = regexp.MustCompile(groupForm + `/providers/Microsoft\.Network/virtualNetworks/[-\w.]{2,64}/subnets/[-\w.]{2,80}$`)
	diskEncryptionSetForm = regexp.MustCompile(groupForm + `/providers/Microsoft\.Compute/diskEncryptionSets/[-\w]{1,80}$`)
	userIdentityForm      = regexp.MustCompile(groupForm + `/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[-\w]{3,128}$`)
)

// azureID is what the rules compare of an Azure id.
type azureID struct {
	subscription, resourceGroup string
	// parent is the id without its last type and name: of a subnet, the virtual network.
	parent string
}

// parseID takes an id of the given form apart.
func parseID(form *regexp.Regexp, id string) (azureID, bool) {
	m := form.FindStringSubmatch(id)
	if m == nil || !ascii(id) {
		return azureID{}, false
	}
	segments := strings.Split(id, "/")
	return azureID{subscription: m[1], resourceGroup: m[2], parent: strings.Join(segments[:len(segments)-2], "/")}, true
}

// ascii keeps out letters such as the Kelvin sign, which fold to an ASCII one.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] > '~' {
			return false
		}
	}
	return true
}
