package model_test

import (
	"testing"

	"github.com/aro-rp/aro/model"
)

func TestAMovedSubscriptionTakesItsClustersAlong(t *testing.T) {
	made := func() *model.Cluster {
		c := &model.Cluster{Identity: &model.Identity{TenantID: "a"}}
		c.Internal.TenantID, c.Internal.ResourceProviderID = "a", "us in a"
		c.Properties.ServicePrincipalProfile = &model.ServicePrincipalProfile{ObjectID: "them in a"}
		return c
	}
	for _, same := range []string{"", "A"} {
		if c := made(); c.FollowTenant(same) || c.Internal.TenantID != "a" || c.Internal.ResourceProviderID == "" {
			t.Errorf("%q moved it", same)
		}
	}
	c := made()
	if !c.FollowTenant("b") || c.Internal.TenantID != "b" || c.Identity.TenantID != "b" {
		t.Errorf("it is in %q, its identity in %q", c.Internal.TenantID, c.Identity.TenantID)
	}
	if c.Internal.ResourceProviderID != "" || c.Properties.ServicePrincipalProfile.ObjectID != "" {
		t.Error("it remembers object ids of the former tenant")
	}
}
