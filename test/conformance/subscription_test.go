package conformance

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// subscriptionChecks are chapter B.
func subscriptionChecks() []check {
	return []check{
		{id: "B01", title: "PUT of a subscription is idempotent, in any order, and keeps unknown members", run: checkLifecycle},
		{id: "B02", title: "each state of a subscription allows what it should; Deleted removes everything", run: checkStatesAllow},
		{id: "B03", title: "resources in our own subscription carry resourceCreatedFor", why: "the service makes no resources of its own yet"},
	}
}

func checkLifecycle(t *T) {
	id := uuid.NewString()
	for i, state := range []string{"Registered", "Registered", "Suspended", "Warned", "Unregistered", "Registered", "Unregistered", "Deleted"} {
		reply := t.register(id, tenant, state)
		if want := http.StatusOK; reply.Status != want && (i > 0 || reply.Status != http.StatusCreated) {
			t.Fatalf("%s; want 200", reply)
		}
		if got := reply.Text("state"); got != state {
			t.Errorf("%s; want state %s", reply, state)
		}
	}
	odd := harness.Object{"state": "Registered", "somethingNew": harness.Object{"deep": []any{"x", 1.5}},
		"properties": harness.Object{"tenantId": tenant, "quotaId": "q", "registeredFeatures": []any{harness.Object{"name": "n", "state": "s", "new": true}}}}
	oddID := uuid.NewString()
	t.own.Store(oddID, true)
	path := "/subscriptions/" + oddID
	for range 2 {
		reply := t.put(path, "2.0", odd)
		if missing := lacks(reply.JSON, odd, ""); missing != "" {
			t.Errorf("%s lacks %s", reply, missing)
		}
	}
	for why, body := range map[string]any{"no body": []byte{}, "null": []byte("null"), "a list": []byte("[]"), "an unknown state": harness.Object{"state": "Odd"}} {
		if reply := t.put("/subscriptions/"+uuid.NewString(), "2.0", body); reply.Status != http.StatusBadRequest {
			t.Errorf("%s: %s; want 400", why, reply)
		}
	}
}

func checkStatesAllow(t *T) {
	subscription := uuid.NewString()
	t.register(subscription, tenant, "Registered")
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: t.group, Name: "life-" + subscription[:8]}
	c := t.beginAs(id, harness.Newest, nil)
	t.succeeds(c.created)
	fresh := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: t.group, Name: "fresh"}
	body := harness.Body(harness.Newest, fresh, t.location)
	absent := strings.Replace(c.path, id.Name, "absent", 1)
	for _, state := range []string{"Warned", "Suspended", "Unregistered"} {
		t.register(subscription, tenant, state)
		t.want(t.get(c.path, harness.Newest), http.StatusOK)
		for name, reply := range map[string]*harness.Reply{
			"PUT":   t.put(fresh.String(), harness.Newest, body),
			"PATCH": t.patch(c.path, harness.Newest, harness.Object{"tags": harness.Object{"a": "b"}}),
			"POST":  t.post(c.path+"/listCredentials", harness.Newest),
		} {
			if reply.Status != http.StatusBadRequest || reply.Code() != "InvalidSubscriptionState" {
				t.Errorf("%s while %s: %s; want 400 InvalidSubscriptionState", name, state, reply)
			}
		}
		t.want(t.remove(absent, harness.Newest), http.StatusNoContent)
	}
	t.want(t.remove(c.path, harness.Newest), http.StatusBadRequest, "InvalidSubscriptionState")
	// Deleted: no DELETE calls come; the service removes all itself.
	t.register(subscription, tenant, "Deleted")
	t.gone(c)
	t.suspendedDelete()
}

// suspendedDelete proves that a suspended subscription's cluster can be deleted.
func (t *T) suspendedDelete() {
	t.Helper()
	subscription := uuid.NewString()
	t.register(subscription, tenant, "Registered")
	c := t.beginAs(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: t.group, Name: "suspended"}, harness.Newest, nil)
	t.succeeds(c.created)
	t.register(subscription, tenant, "Suspended")
	t.succeeds(t.want(t.remove(c.path, harness.Newest), http.StatusAccepted))
}
