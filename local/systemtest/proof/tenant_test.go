package proof

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aro-rp/aro/local/cloud"
)

// in is the same client with tokens of another tenant.
func (s *session) in(t *testing.T, tenant string) *session {
	t.Helper()
	text, err := json.Marshal(session{Origin: s.Origin, CAFile: s.CAFile, TenantID: tenant, SubscriptionID: s.SubscriptionID, ClientID: s.ClientID, ClientSecret: s.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "identity.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, file)
}

// TestAClusterFollowsItsSubscriptionToAnotherTenant: tokens of the former tenant are
// good for nothing from then on, and update and delete go well.
func TestAClusterFollowsItsSubscriptionToAnotherTenant(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t)
	c := w.customer(t, order{name: "moved"})
	c.created(t)
	ctx, cancel := context.WithTimeout(t.Context(), lifeTimeout)
	defer cancel()
	former := w.session
	w.session = former.in(t, cloud.OtherTenantID)
	w.want(ctx, t, http.MethodPut, "/local/subscriptions/"+w.SubscriptionID, m{"tenantId": cloud.OtherTenantID}, nil)
	if _, err := former.call(ctx, http.MethodGet, c.id()+"?api-version="+newestAPI, nil, nil); code(err) != "InvalidAuthenticationTokenTenant" {
		t.Errorf("the former tenant's token got %v", err)
	}
	watch := c.want(ctx, t, http.MethodPatch, c.id()+"?api-version="+newestAPI, m{}, nil).Get("Azure-Asyncoperation")
	c.succeeds(ctx, t, watch)
	c.kube(ctx, t).isWell(ctx, t, 3)
	if tenant := (&patient{customer: c}).document(ctx, t)["tenantId"]; tenant != cloud.OtherTenantID {
		t.Errorf("the cluster is recorded in the tenant %v", tenant)
	}
	c.removed(t)
}
