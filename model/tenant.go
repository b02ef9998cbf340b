package model

import "github.com/aro-rp/aro/arm"

// FollowTenant records the tenant that the cluster's subscription is in now, and
// reports whether it has changed. Values copied from the former tenant are removed,
// because they are not valid in the new one; they are read again when needed.
func (c *Cluster) FollowTenant(tenantID string) (moved bool) {
	former := c.Internal.TenantID
	if tenantID == "" || arm.EqualFold(tenantID, former) {
		return false
	}
	c.Internal.TenantID = tenantID
	c.Internal.ResourceProviderID = ""
	if sp := c.Properties.ServicePrincipalProfile; sp != nil {
		sp.ObjectID = ""
	}
	if c.Identity != nil && arm.EqualFold(c.Identity.TenantID, former) {
		c.Identity.TenantID = tenantID
	}
	return true
}
