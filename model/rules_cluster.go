package model

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// maxDomain is the longest name DNS can hold.
const maxDomain = 253

var domainPattern = regexp.MustCompile(`^[a-z][-a-z0-9]{0,61}[a-z0-9](\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$`)

func (v *validation) clusterProfile() {
	v.pullSecret()
	v.domain()
	v.managedResourceGroup()
	word(v, "properties.clusterProfile.fipsValidatedModules",
		func(c *Cluster) Feature { return c.Properties.ClusterProfile.FIPSValidatedModules }, Enabled, Disabled)
}

func (v *validation) pullSecret() {
	of := func(c *Cluster) any { return c.Properties.ClusterProfile.PullSecret }
	if v.changed(of) && !v.c.Properties.ClusterProfile.PullSecret.validPullSecret() {
		v.fault("properties.clusterProfile.pullSecret",
			`The pull secret must be a JSON object whose "auths" gives an object for each registry. Download it again and send it unchanged.`)
	}
}

// validPullSecret accepts an absent pull secret: the cluster then pulls only
// from the service's own registry.
func (s Secret) validPullSecret() bool {
	if s == "" {
		return true
	}
	members, ok := jsonObject([]byte(string(s)))
	if !ok {
		return false
	}
	auths, given := members["auths"]
	if !given {
		return true
	}
	registries, ok := jsonObject(auths)
	for _, registry := range registries {
		if _, object := jsonObject(registry); !object {
			return false
		}
	}
	return ok
}

// jsonObject gives the members of a JSON object; null is none.
func jsonObject(text []byte) (map[string]json.RawMessage, bool) {
	var members map[string]json.RawMessage
	err := json.Unmarshal(text, &members)
	return members, err == nil && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{"))
}

func (v *validation) domain() {
	const target = "properties.clusterProfile.domain"
	if !v.changed(func(c *Cluster) any { return c.Properties.ClusterProfile.Domain }) {
		return
	}
	domain := v.c.Properties.ClusterProfile.Domain
	if len(domain) > maxDomain || !domainPattern.MatchString(domain) {
		v.fault(target, "The domain must be DNS labels of lower-case letters, digits and '-', joined by dots. "+
			"The first label has 2 to 63 characters and begins with a letter.")
		return
	}
	zone := strings.ToLower(v.rules.Domain)
	_, parent, _ := strings.Cut(zone, ".")
	label, inZone := strings.CutSuffix(domain, "."+zone)
	switch {
	case zone == "" || parent == "":
	case inZone && strings.Contains(label, "."):
		v.fault(target, "A domain below %s can have only one label in front of it.", zone)
	case !inZone && strings.HasSuffix("."+domain, "."+parent):
		v.fault(target, "The zone %s belongs to the service. Use a single label, a name directly below %s, or a domain of your own.", parent, zone)
	}
}

func (v *validation) managedResourceGroup() {
	const target = "properties.clusterProfile.resourceGroupId"
	if !v.changed(func(c *Cluster) any { return c.Properties.ClusterProfile.ResourceGroupID }) {
		return
	}
	group, ok := parseID(resourceGroupForm, v.c.Properties.ClusterProfile.ResourceGroupID)
	if !ok {
		v.fault(target, "The managed resource group must have the form /subscriptions/{subscriptionId}/resourceGroups/{name}.")
		return
	}
	v.sameSubscription(target, group)
	if v.id.ResourceGroup != "" && strings.EqualFold(group.resourceGroup, v.id.ResourceGroup) {
		v.fault(target, "The managed resource group cannot be the one that holds the cluster resource. Name a group that does not exist yet.")
	}
}

// sameSubscription notes an Azure id of another subscription than the cluster's.
func (v *validation) sameSubscription(target string, id azureID) {
	if v.id.SubscriptionID != "" && !strings.EqualFold(id.subscription, v.id.SubscriptionID) {
		v.fault(target, "The resource must be in the subscription of the cluster.")
	}
}
