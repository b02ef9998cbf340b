package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"

	"github.com/labstack/echo/v4"
	"github.com/ugorji/go/codec"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/validation"
)

// subscriptionAPIVersion is the api-version with which ARM sends subscriptions.
const subscriptionAPIVersion = "2.0"

// subscriptionAllows returns an error unless the subscription is in one of the
// states (B02).
func (s *Server) subscriptionAllows(c *call, states ...model.SubscriptionState) error {
	doc, err := s.subscription(c)
	switch {
	case err != nil:
		return err
	case doc == nil:
		return arm.InvalidSubscriptionState.Errorf("The subscription is not registered with %s. Register it.", arm.Namespace)
	case !slices.Contains(states, doc.Subscription.State):
		return arm.InvalidSubscriptionState.Errorf("The request is not allowed in subscription state %q.", doc.Subscription.State)
	}
	c.subscription = doc
	return nil
}

// subscription returns nil if ARM never sent it.
func (s *Server) subscription(c *call) (*store.SubscriptionDocument, error) {
	id := arm.ToLower(c.Param("subscriptionId"))
	doc, err := s.Store.Subscriptions.Get(c.Ctx(), id, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return doc, err
}

// tenant returns the tenant of an allowed subscription, if it is known.
func (c *call) tenant() string {
	if told := c.Header(headerTenant); told != "" {
		return told
	}
	return c.subscriptionTenant()
}

// subscriptionTenant returns the tenant that the subscription is in now, as ARM
// sent it; empty if no subscription was read.
func (c *call) subscriptionTenant() string {
	if c.subscription == nil {
		return ""
	}
	return c.subscription.Subscription.Properties.TenantID
}

// subscriptionStates are the states that ARM sends.
func subscriptionStates() []model.SubscriptionState {
	return []model.SubscriptionState{model.Registered, model.Unregistered, model.Warned, model.Suspended, model.Deleted}
}

// putSubscription stores a subscription that ARM sends, in any order of states
// (B01). In the state Deleted the backend deletes the clusters. Unknown members are
// stored and returned.
func (s *Server) putSubscription(ec echo.Context) error {
	c := ec.(*call)
	told, err := readSubscription(c.body)
	if err != nil {
		return err
	}
	id := arm.ToLower(c.Param("subscriptionId"))
	status := http.StatusOK
	_, err = s.Store.Subscriptions.Upsert(c.Ctx(), id, id, func() *store.SubscriptionDocument { return store.NewSubscription(id) }, func(doc *store.SubscriptionDocument) error {
		if doc.ETag == "" {
			status = http.StatusCreated
		} else if status = http.StatusOK; reflect.DeepEqual(doc.Subscription, *told) {
			return store.ErrUnchanged
		}
		doc.Subscription = *told
		cascade(doc)
		return nil
	})
	if err != nil {
		return err
	}
	s.Wake()
	return c.json(status, c.body) // equals the stored subscription
}

// cascade makes the document due for the backend if the subscription is deleted,
// and not due otherwise. A worker that holds the document notices by itself.
func cascade(doc *store.SubscriptionDocument) {
	if doc.Owner != "" {
		return
	}
	doc.Due, doc.Operation = nil, nil
	if doc.Subscription.State == model.Deleted {
		doc.Due = store.Due(0)
	}
}

// readSubscription decodes the body with all its members, at every depth. The owner
// of the subscription's account is not stored.
func readSubscription(body []byte) (*model.Subscription, error) {
	var f arm.Faults
	validation.Check(body, validation.Replace, &f, func(w *validation.Walker) {
		if o, ok := w.Object(); ok {
			for o.Next() {
				if o.Entry(true) {
					w.Any()
				}
			}
		}
	})
	if err := f.Err(); err != nil {
		return nil, err
	}
	h := &codec.JsonHandle{}
	h.MapType = reflect.TypeFor[map[string]any]()
	var told model.Subscription
	// The codec keeps unknown members, but accepts an array in place of an object.
	if json.Unmarshal(body, new(model.Subscription)) != nil || codec.NewDecoderBytes(body, h).Decode(&told) != nil {
		return nil, arm.InvalidRequestContent.Errorf("The body is not a subscription: a member has the wrong type.")
	}
	if !slices.Contains(subscriptionStates(), told.State) {
		return nil, arm.InvalidParameter.At("state", "The state must be one of %v.", subscriptionStates())
	}
	delete(told.Properties.CodecMissingFields(), "accountOwner")
	return &told, nil
}
