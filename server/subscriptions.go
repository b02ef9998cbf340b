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

// subscriptionAPIVersion is the one with which ARM tells about subscriptions.
const subscriptionAPIVersion = "2.0"

// subscriptionAllows lets a request pass whose subscription is in one of the
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

// subscription is nil if ARM never told about it.
func (s *Server) subscription(c *call) (*store.SubscriptionDocument, error) {
	id := arm.ToLower(c.Param("subscriptionId"))
	doc, err := s.Store.Subscriptions.Get(c.Ctx(), id, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return doc, err
}

// tenant is the tenant of a subscription that was allowed, as far as it is known.
func (c *call) tenant() string {
	if told := c.Header(headerTenant); told != "" {
		return told
	}
	return c.subscriptionTenant()
}

// subscriptionTenant is the tenant that the subscription is in now, as ARM told;
// empty where no subscription was asked for.
func (c *call) subscriptionTenant() string {
	if c.subscription == nil {
		return ""
	}
	return c.subscription.Subscription.Properties.TenantID
}

// subscriptionStates are the words that ARM uses.
func subscriptionStates() []model.SubscriptionState {
	return []model.SubscriptionState{model.Registered, model.Unregistered, model.Warned, model.Suspended, model.Deleted}
}

// putSubscription notes what ARM tells about a subscription, in any order of
// states (B01). Deleted makes the backend delete the clusters. Members that the
// service does not know are kept and given back.
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
	return c.json(status, c.body) // it is what is stored now
}

// cascade gives the backend work if the subscription is deleted, and takes it
// back if it no longer is. A worker that holds the document finds out itself.
func cascade(doc *store.SubscriptionDocument) {
	if doc.Owner != "" {
		return
	}
	doc.Due, doc.Operation = nil, nil
	if doc.Subscription.State == model.Deleted {
		doc.Due = store.Due(0)
	}
}

// readSubscription reads the body with all its members, at every depth. Who owns
// the subscription's account is of no use here and not kept.
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
	// The codec keeps unknown members, but reads an array in the place of an object.
	if json.Unmarshal(body, new(model.Subscription)) != nil || codec.NewDecoderBytes(body, h).Decode(&told) != nil {
		return nil, arm.InvalidRequestContent.Errorf("The body is not a subscription: a member has the wrong type.")
	}
	if !slices.Contains(subscriptionStates(), told.State) {
		return nil, arm.InvalidParameter.At("state", "The state must be one of %v.", subscriptionStates())
	}
	delete(told.Properties.CodecMissingFields(), "accountOwner")
	return &told, nil
}
