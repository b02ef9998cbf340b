package conformance

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/stand"
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
	odd := stand.Object{"state": "Registered", "somethingNew": stand.Object{"deep": []any{"x", 1.5}},
		"properties": stand.Object{"tenantId": tenant, "quotaId": "q", "registeredFeatures": []any{stand.Object{"name": "n", "state": "s", "new": true}}}}
	oddID := uuid.NewString()
	t.own.Store(oddID, true)
	path := "/subscriptions/" + oddID
	for range 2 {
		reply := t.put(path, "2.0", odd)
		if missing := lacks(reply.JSON, odd, ""); missing != "" {
			t.Errorf("%s lacks %s", reply, missing)
		}
	}
	for why, body := range map[string]any{"no body": []byte{}, "null": []byte("null"), "a list": []byte("[]"), "an unknown state": stand.Object{"state": "Odd"}} {
		if reply := t.put("/subscriptions/"+uuid.NewString(), "2.0", body); reply.Status != http.StatusBadRequest {
			t.Errorf("%s: %s; want 400", why, reply)
		}
	}
}

func checkStatesAllow(t *T) {
	subscription := uuid.NewString()
	t.register(subscription, tenant, "Registered")
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: t.group, Name: "life-" + subscription[:8]}
	c := t.beginAs(id, stand.Newest, nil)
	t.succeeds(c.created)
	fresh := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: t.group, Name: "fresh"}
	body := stand.Body(stand.Newest, fresh, t.location)
	absent := strings.Replace(c.path, id.Name, "absent", 1)
	for _, state := range []string{"Warned", "Suspended", "Unregistered"} {
		t.register(subscription, tenant, state)
		t.want(t.get(c.path, stand.Newest), http.StatusOK)
		for name, reply := range map[string]*stand.Reply{
			"PUT":   t.put(fresh.String(), stand.Newest, body),
			"PATCH": t.patch(c.path, stand.Newest, stand.Object{"tags": stand.Object{"a": "b"}}),
			"POST":  t.post(c.path+"/listCredentials", stand.Newest),
		} {
			if reply.Status != http.StatusBadRequest || reply.Code() != "InvalidSubscriptionState" {
				t.Errorf("%s while %s: %s; want 400 InvalidSubscriptionState", name, state, reply)
			}
		}
		t.want(t.remove(absent, stand.Newest), http.StatusNoContent)
	}
	t.want(t.remove(c.path, stand.Newest), http.StatusBadRequest, "InvalidSubscriptionState")
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
	c := t.beginAs(arm.ClusterID{SubscriptionID: subscription, ResourceGroup: t.group, Name: "suspended"}, stand.Newest, nil)
	t.succeeds(c.created)
	t.register(subscription, tenant, "Suspended")
	t.succeeds(t.want(t.remove(c.path, stand.Newest), http.StatusAccepted))
}
