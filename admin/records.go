package admin

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/store"
)

// AdminListBillingDocuments lists from when to when clusters are paid for.
func (a *API) AdminListBillingDocuments(ec echo.Context, p api.AdminListBillingDocumentsParams) error {
	c := ec.(*call)
	pages, err := a.pages(c, "billing/"+optional(p.Subscription), p.Top, p.SkipToken)
	if err != nil {
		return err
	}
	pages.query.Partition = arm.ToLower(optional(p.Subscription))
	list := api.BillingDocumentList{Value: []api.BillingDocument{}}
	for pages.more(len(list.Value)) {
		docs, next, err := a.Store.Billing.List(c.Ctx(), pages.query)
		if err != nil {
			return err
		}
		pages.read(next)
		for _, doc := range docs {
			list.Value = append(list.Value, billingDocument(doc))
		}
	}
	if list.NextLink, err = pages.nextLink(); err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, list)
}

// AdminGetBillingDocument returns a billing document.
func (a *API) AdminGetBillingDocument(ec echo.Context, partition, documentID string) error {
	c := ec.(*call)
	doc, err := a.Store.Billing.Get(c.Ctx(), arm.ToLower(partition), documentID)
	if errors.Is(err, store.ErrNotFound) {
		return arm.NotFound.At("documentId", "There is no such billing document.")
	}
	if err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, billingDocument(doc))
}

func billingDocument(doc *store.BillingDocument) api.BillingDocument {
	b := &doc.Billing
	return api.BillingDocument{ID: doc.ID, Subscription: doc.Partition, ResourceID: present(b.ResourceID), ResourceGroupID: present(b.ResourceGroupID),
		InfraID: present(b.InfraID), Location: present(b.Location), TenantID: present(b.TenantID), CreatedAt: b.CreatedAt, DeletedAt: b.DeletedAt}
}

// AdminListSubscriptions lists the subscriptions and their states.
func (a *API) AdminListSubscriptions(ec echo.Context, p api.AdminListSubscriptionsParams) error {
	c := ec.(*call)
	pages, err := a.pages(c, "subscriptions", p.Top, p.SkipToken)
	if err != nil {
		return err
	}
	list := api.SubscriptionList{Value: []api.Subscription{}}
	for pages.more(len(list.Value)) {
		docs, next, err := a.Store.Subscriptions.List(c.Ctx(), pages.query)
		if err != nil {
			return err
		}
		pages.read(next)
		for _, doc := range docs {
			if p.State == nil || arm.EqualFold(*p.State, string(doc.Subscription.State)) {
				list.Value = append(list.Value, subscription(doc))
			}
		}
	}
	if list.NextLink, err = pages.nextLink(); err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, list)
}

// AdminGetSubscription returns the state of a subscription.
func (a *API) AdminGetSubscription(ec echo.Context, subscriptionID string) error {
	c := ec.(*call)
	wanted := store.NewSubscription(subscriptionID)
	doc, err := a.Store.Subscriptions.Get(c.Ctx(), wanted.Partition, wanted.ID)
	if errors.Is(err, store.ErrNotFound) {
		return arm.NotFound.At("subscriptionId", "Azure Resource Manager has not announced the subscription.")
	}
	if err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, subscription(doc))
}

func subscription(doc *store.SubscriptionDocument) api.Subscription {
	s := &doc.Subscription
	shown := api.Subscription{ID: doc.ID, State: string(s.State), TenantID: present(s.Properties.TenantID), RegistrationDate: present(s.RegistrationDate),
		Features: []string{}, Operation: runningOperation(doc.Operation)}
	for _, feature := range s.Properties.RegisteredFeatures {
		shown.Features = append(shown.Features, feature.Name)
	}
	return shown
}
