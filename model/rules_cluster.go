package model

import (
	"regexp"
	"strings"

	"github.com/aro-rp/aro/arm"
)

const (
	// maxDomain is the maximum length of a DNS name.
	maxDomain = 253
	// maxClusterLabel is the installer's limit of the first label. It leaves room
	// for the prefix of the routes, which zones write as \052.apps.
	maxClusterLabel = 54
)

var domainPattern = regexp.MustCompile(`^[a-z][-a-z0-9]{0,61}[a-z0-9](\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$`)

func (v *validation) clusterProfile() {
	v.pullSecret()
	v.domain()
	v.managedResourceGroup()
	enum(v, "properties.clusterProfile.fipsValidatedModules",
		func(c *Cluster) Feature { return c.Properties.ClusterProfile.FIPSValidatedModules }, Enabled, Disabled)
}

func (v *validation) domain() {
	const target = "properties.clusterProfile.domain"
	if !v.changed(func(c *Cluster) any { return c.Properties.ClusterProfile.Domain }) {
		return
	}
	domain := v.c.Properties.ClusterProfile.Domain
	cluster, _, ownZone := strings.Cut(domain, ".")
	zone := strings.ToLower(v.rules.Domain)
	full := len(domain)
	if !ownZone && zone != "" {
		full += len(".") + len(zone)
	}
	if full > maxDomain || len(cluster) > maxClusterLabel || !domainPattern.MatchString(domain) {
		v.refuse(target, domain, "The domain must be DNS labels of lower-case letters, digits and '-', joined by dots. "+
			"The first label has 2 to %d characters and begins with a letter; the whole has at most %d.", maxClusterLabel, maxDomain)
		return
	}
	_, parent, _ := strings.Cut(zone, ".")
	label, inZone := strings.CutSuffix(domain, "."+zone)
	switch {
	case zone == "" || parent == "":
	case inZone && strings.Contains(label, "."):
		v.refuse(target, domain, "A domain below %s can have only one label in front of it.", zone)
	case !inZone && strings.HasSuffix("."+domain, "."+parent):
		v.refuse(target, domain, "The zone %s belongs to the service. Use a single label, a name directly below %s, or a domain of your own.", parent, zone)
	}
}

func (v *validation) managedResourceGroup() {
	const target = "properties.clusterProfile.resourceGroupId"
	if !v.changed(func(c *Cluster) any { return c.Properties.ClusterProfile.ResourceGroupID }) {
		return
	}
	group, ok := parseID(resourceGroupForm, v.c.Properties.ClusterProfile.ResourceGroupID)
	if !ok {
		v.refuse(target, v.c.Properties.ClusterProfile.ResourceGroupID, "The managed resource group must have the form /subscriptions/{subscriptionId}/resourceGroups/{name}.")
		return
	}
	v.sameSubscription(target, group)
	if v.id.ResourceGroup != "" && arm.EqualFold(group.resourceGroup, v.id.ResourceGroup) {
		v.refuse(target, group.resourceGroup, "The managed resource group cannot be the one that holds the cluster resource. Name a group that does not exist yet.")
	}
}

// sameSubscription adds a fault for an Azure id of another subscription than the
// cluster's.
func (v *validation) sameSubscription(target string, id azureID) {
	if v.id.SubscriptionID != "" && !arm.EqualFold(id.subscription, v.id.SubscriptionID) {
		v.refuse(target, id.subscription, "The resource must be in the subscription of the cluster, %s.", v.id.SubscriptionID)
	}
}
