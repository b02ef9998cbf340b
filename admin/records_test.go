package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

func TestBillingAndSubscriptionsAreShown(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	const other = "00000000-0000-0000-0000-0000000000f2"
	w.Register(other, model.Suspended)
	began := time.Now().UTC().Truncate(time.Second)
	for i, subscription := range []string{edge.Subscription, edge.Subscription, other} {
		doc := store.NewBilling(subscription, "cluster-"+string(rune('a'+i)))
		doc.Billing.CreatedAt, doc.Billing.InfraID = &began, "infra"
		if err := w.Store.Billing.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	for path := "/admin/billingdocuments?top=1"; path != ""; {
		page := w.Want(200, w.Send("GET", path, "", nil))
		seen += len(page.JSON["value"].([]any))
		_, path, _ = strings.Cut(harness.Text(page.JSON, "nextLink"), "/admin/")
		if path != "" {
			path = "/admin/" + path
		}
	}
	if seen != 3 {
		t.Errorf("%d billing documents on all pages, want 3", seen)
	}
	of := w.Want(200, w.Send("GET", "/admin/billingdocuments?subscription="+strings.ToUpper(other), "", nil))
	if len(of.JSON["value"].([]any)) != 1 || of.Text("value.0.id") != "cluster-c" || of.Text("value.0.createdAt") != began.Format(time.RFC3339) || of.Text("value.0.infraId") != "infra" {
		t.Error(of)
	}
	one := w.Want(200, w.Send("GET", "/admin/billingdocuments/"+other+"/cluster-c", "", nil))
	if one.Text("subscription") != other {
		t.Error(one)
	}
	w.WantError(arm.NotFound, w.Send("GET", "/admin/billingdocuments/"+other+"/cluster-a", "", nil))
	if all := w.Want(200, w.Send("GET", "/admin/subscriptions", "", nil)); len(all.JSON["value"].([]any)) != 2 {
		t.Error(all)
	}
	if some := w.Want(200, w.Send("GET", "/admin/subscriptions?state=suspended", "", nil)); len(some.JSON["value"].([]any)) != 1 || some.Text("value.0.id") != other || some.Text("value.0.tenantId") == "" {
		t.Error(some)
	}
	if got := w.Want(200, w.Send("GET", "/admin/subscriptions/"+strings.ToUpper(edge.Subscription), "", nil)); got.Text("state") != "Registered" {
		t.Error(got)
	}
	w.WantError(arm.NotFound, w.Send("GET", "/admin/subscriptions/00000000-0000-0000-0000-0000000000f9", "", nil))
	if sizes := w.Want(200, w.Send("GET", "/admin/supportedvmsizes?vmrole=Master", "", nil)); !strings.Contains(string(sizes.Body), `"name":"Standard_D8s_v5","coreCount":8`) {
		t.Error(sizes)
	}
	w.WantError(arm.InvalidParameter, w.Send("GET", "/admin/supportedvmsizes?vmRole=other", "", nil))
	w.WantError(arm.RequestNotAllowed, w.Send("GET", "/admin"+edge.ClusterID("any").String()+"/resources", "", nil))
}
