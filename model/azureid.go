package model

import (
	"strings"

	"github.com/aro-rp/aro/arm"
)

// idForm describes an Azure resource id after its subscription and resource group.
type idForm struct {
	provider string
	levels   []idLevel
}

// idLevel is a resource type, the maximum length of its names, and the characters
// that they can contain beside letters and digits.
type idLevel struct {
	kind        string
	least, most int
	marks       string
}

// The forms of the Azure ids that a cluster refers to. Case is ignored.
var (
	resourceGroupForm     = idForm{}
	subnetForm            = idForm{"Microsoft.Network", []idLevel{{"virtualNetworks", 2, 64, "-_."}, {"subnets", 2, 80, "-_."}}}
	diskEncryptionSetForm = idForm{"Microsoft.Compute", []idLevel{{"diskEncryptionSets", 1, 80, "-_"}}}
	userIdentityForm      = idForm{"Microsoft.ManagedIdentity", []idLevel{{"userAssignedIdentities", 3, 128, "-_"}}}
)

// azureID holds the parts of an Azure id that the rules compare.
type azureID struct {
	subscription, resourceGroup string
	// parent is the id without its last type and name, for example the virtual network
	// of a subnet.
	parent string
}

// parseID parses an id of the given form.
func parseID(form idForm, id string) (azureID, bool) {
	s := strings.Split(id, "/")
	if len(s) < 5 || s[0] != "" || !arm.EqualFold(s[1], "subscriptions") || !arm.ValidSubscriptionID(s[2]) ||
		!arm.EqualFold(s[3], "resourceGroups") || !arm.ValidGroupName(s[4]) || !form.matches(s[5:]) {
		return azureID{}, false
	}
	last := len(id) - len("//") - len(s[len(s)-1]) - len(s[len(s)-2])
	return azureID{subscription: s[2], resourceGroup: s[4], parent: id[:last]}, true
}

// matches reports whether the segments after the resource group have this form.
func (f idForm) matches(s []string) bool {
	if f.provider == "" {
		return len(s) == 0
	}
	if len(s) != 2+2*len(f.levels) || !arm.EqualFold(s[0], "providers") || !arm.EqualFold(s[1], f.provider) {
		return false
	}
	for i, l := range f.levels {
		if kind, name := s[2+2*i], s[3+2*i]; !arm.EqualFold(kind, l.kind) || !arm.MadeOf(name, l.least, l.most, l.marks) {
			return false
		}
	}
	return true
}
