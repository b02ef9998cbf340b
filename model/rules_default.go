package model

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// Default sets members that a create can omit and that depend on other members. The
// constant defaults of the schemas are applied before. It is idempotent. ID and
// Internal.UID must be set, because the generated domain and managed resource group
// are derived from them.
func (c *Cluster) Default() {
	p := &c.Properties
	c.defaultNames()
	fill(&p.ClusterProfile.FIPSValidatedModules, Disabled)
	fill(&p.MasterProfile.EncryptionAtHost, Disabled)
	for _, workers := range [][]WorkerProfile{p.WorkerProfiles, p.WorkerProfilesStatus} {
		for i := range workers {
			fill(&workers[i].EncryptionAtHost, Disabled)
		}
	}
	fill(&p.APIServerProfile.Visibility, Public)
	if len(p.IngressProfiles) == 0 {
		p.IngressProfiles = []IngressProfile{{Name: "default"}}
	}
	for i := range p.IngressProfiles {
		fill(&p.IngressProfiles[i].Visibility, Public)
	}
	p.NetworkProfile.fillDefaults()
}

// defaultNames generates a domain and a managed resource group for callers that
// omit them.
func (c *Cluster) defaultNames() {
	label := stableLabel(c.Internal.UID)
	p := &c.Properties.ClusterProfile
	fill(&p.Domain, label)
	if id, ok := arm.ParseClusterID(c.ID); ok {
		fill(&p.ResourceGroupID, "/subscriptions/"+id.SubscriptionID+"/resourceGroups/aro-"+label)
	}
}

func (n *NetworkProfile) fillDefaults() {
	fill(&n.SoftwareDefinedNetwork, OVNKubernetes)
	fill(&n.OutboundType, LoadBalancer)
	fill(&n.PreconfiguredNSG, Disabled)
	if n.OutboundType != LoadBalancer {
		return
	}
	if n.LoadBalancerProfile == nil {
		n.LoadBalancerProfile = &LoadBalancerProfile{}
	}
	lb := n.LoadBalancerProfile
	if lb.ManagedOutboundIPs == nil && len(lb.OutboundIPs) == 0 && len(lb.OutboundIPPrefixes) == 0 {
		lb.ManagedOutboundIPs = &ManagedOutboundIPs{}
	}
	if lb.ManagedOutboundIPs != nil {
		fill(&lb.ManagedOutboundIPs.Count, 1)
	}
}

// fill sets *at if it is absent.
func fill[T comparable](at *T, value T) {
	var absent T
	if *at == absent {
		*at = value
	}
}

// stableLabel returns a DNS label of eight lower-case letters and digits that
// begins with a letter and depends on uid only.
func stableLabel(uid string) string {
	sum := sha256.Sum256([]byte(uid))
	first := string(rune('a' + sum[0]%26))
	return first + strings.ToLower(base32.StdEncoding.EncodeToString(sum[1:])[:7])
}
