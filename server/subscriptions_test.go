package server_test

import (
	"reflect"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/harness"
)

func TestSubscriptionStatesAndVerbs(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for _, test := range []struct {
		state              model.SubscriptionState
		write, credentials int
		remove             int
	}{
		{model.Registered, 200, 200, 202},
		{model.Warned, 400, 400, 202},
		{model.Suspended, 400, 400, 202},
		{model.Unregistered, 400, 400, 400},
		{model.Deleted, 400, 400, 400},
	} {
		id := w.ready(newest, string(test.state))
		w.subscription(subscription, test.state)
		body := harness.Body(newest, id, location)
		for verb, want := range map[string]int{"PUT": test.write, "PATCH": test.write, "GET": 200} {
			if r := w.do(verb, id.String(), newest, map[bool]any{true: body}[verb != "GET"]); r.Status != want || want == 400 && r.Code() != arm.InvalidSubscriptionState.Name {
				t.Errorf("%s: want %d: %v", test.state, want, r)
			}
		}
		if r := w.do("POST", id.String()+"/listCredentials", newest, nil); r.Status != test.credentials {
			t.Errorf("%s: want %d: %v", test.state, test.credentials, r)
		}
		w.want(200, w.do("GET", listPath, newest, nil))
		w.want(204, w.do("DELETE", clusterID("absent").String(), newest, nil))
		if r := w.do("DELETE", id.String(), newest, nil); r.Status != test.remove {
			t.Errorf("%s: want %d: %v", test.state, test.remove, r)
		}
		w.subscription(subscription, model.Registered)
	}
	id := arm.ClusterID{SubscriptionID: newID(), ResourceGroup: "g", Name: "c"}
	w.wantError(arm.InvalidSubscriptionState, w.do("PUT", id.String(), newest, harness.Body(newest, id, location)))
	w.wantError(arm.ResourceNotFound, w.do("GET", id.String(), newest, nil))
}

func TestPutSubscription(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := newID()
	path := "/subscriptions/" + id
	body := harness.Object{"state": "Registered", "registrationDate": "yesterday", "future": harness.Object{"a": []any{1.0, "b"}},
		"properties": harness.Object{"tenantId": "t", "locationPlacementId": "x", "accountOwner": harness.Object{"email": "owner@example.com"},
			"registeredFeatures": []any{harness.Object{"name": "f", "state": "Registered", "extra": true}}}}
	r := w.want(201, w.do("PUT", path, "2.0", body))
	if !reflect.DeepEqual(r.JSON, body) {
		t.Errorf("got %s", r.Body)
	}
	doc, err := w.store.Subscriptions.Get(t.Context(), id, id)
	if err != nil {
		t.Fatal(err)
	}
	if s := doc.Subscription; s.Properties.TenantID != "t" || s.CodecMissingFields()["future"] == nil ||
		s.Properties.CodecMissingFields()["locationPlacementId"] != "x" || s.Properties.RegisteredFeatures[0].CodecMissingFields()["extra"] != true {
		t.Errorf("members were lost: %+v", s)
	}
	if doc.Subscription.Properties.CodecMissingFields()["accountOwner"] != nil {
		t.Error("the account's owner is stored")
	}
	w.want(200, w.do("PUT", path, "2.0", body))
	if again, _ := w.store.Subscriptions.Get(t.Context(), id, id); again.ETag != doc.ETag {
		t.Error("the same body was written again")
	}
	// Any order of states, and work for the backend only when deleted.
	for _, state := range []model.SubscriptionState{model.Deleted, model.Suspended, model.Deleted, model.Registered, model.Unregistered, model.Warned} {
		w.want(200, w.do("PUT", path, "2.0", harness.Set(body, "state", state)))
		doc, err := w.store.Subscriptions.Get(t.Context(), id, id)
		if err != nil || doc.Subscription.State != state || (doc.Due != nil) != (state == model.Deleted) {
			t.Errorf("%s: stored %s, due %v, %v", state, doc.Subscription.State, doc.Due, err)
		}
	}
	for why, raw := range map[string]string{"empty": "", "null": "null", "a list": "[]", "cut": "{", "wrong type": `{"state":"Registered","properties":"x"}`,
		"a list in the place of properties": `{"state":"Registered","properties":["t"]}`, "a list in the place of a feature": `{"state":"Registered","properties":{"registeredFeatures":[["f"]]}}`, "text": `"x"`} {
		if r := w.do("PUT", path, "2.0", []byte(raw)); r.Status != 400 || r.Code() != arm.InvalidRequestContent.Name {
			t.Errorf("%s: %v", why, r)
		}
	}
	if r := w.wantError(arm.InvalidParameter, w.do("PUT", path, "2.0", harness.Object{"state": "Sleeping"})); r.Targets()[0] != "state" {
		t.Error(r)
	}
	w.wantError(arm.InvalidResourceType, w.do("PUT", path, "", body))
}
