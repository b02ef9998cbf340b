package cloud

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// introduction of a subscription to the resource provider.
type introduction struct {
	turn     chan struct{} // is full while a change of the subscription is sent
	notified bool          // that it is registered, since this process runs
}

// take waits for the lock of a subscription's notifications. The holder releases it.
func (p *provider) take(ctx context.Context, subscription string) (i *introduction, giveBack func(), err error) {
	one, _ := p.introductions.LoadOrStore(strings.ToLower(subscription), &introduction{turn: make(chan struct{}, 1)})
	i = one.(*introduction)
	select {
	case i.turn <- struct{}{}:
		return i, func() { <-i.turn }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// introduce lets the resource provider know a subscription as registered, once in
// this process. Calls of the same subscription wait for it, others do not.
func (p *provider) introduce(ctx context.Context, subscription string) error {
	i, giveBack, err := p.take(ctx, subscription)
	if err != nil {
		return err
	}
	defer giveBack()
	if i.notified {
		return nil
	}
	return p.notify(ctx, i, subscription, registered)
}

// announce lets the resource provider know that the state of a subscription changed.
func (p *provider) announce(ctx context.Context, subscription, state string) error {
	i, giveBack, err := p.take(ctx, subscription)
	if err != nil {
		return err
	}
	defer giveBack()
	i.notified = false
	return p.notify(ctx, i, subscription, state)
}

// notify notifies the resource provider. The caller holds the lock.
func (p *provider) notify(ctx context.Context, i *introduction, subscription, state string) error {
	known, err := p.azure.Engine.Get(ctx, "/subscriptions/"+subscription)
	if err != nil {
		return err
	}
	status, err := p.call(ctx, http.MethodPut, "/subscriptions/"+strings.ToLower(subscription)+"?api-version=2.0", map[string]any{
		"state": state, "registrationDate": p.azure.Now().UTC().Format(http.TimeFormat), "properties": map[string]any{"tenantId": tenantOf(known)},
	}, nil)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("the resource provider answered %d", status)
	}
	if err != nil {
		return fmt.Errorf("subscription %s: %w", subscription, err)
	}
	i.notified = state == registered
	return nil
}

// tenantOf is the tenant that a subscription is in.
func tenantOf(subscription *resources.Resource) string {
	return cmp.Or(subscription.Text("tenantId"), TenantID)
}

// ofTheTenant refuses tokens of a tenant that a subscription is not in.
func (a *Azure) ofTheTenant(ctx context.Context, call *resources.Call) error {
	id := resources.Subscription(call.Path)
	if id == "" {
		return nil
	}
	subscription, found, err := a.Engine.Find(ctx, "/subscriptions/"+id)
	if err != nil || !found || arm.EqualFold(tenantOf(subscription), call.Caller.TenantID) {
		return err
	}
	return resources.Refuse(http.StatusUnauthorized, "InvalidAuthenticationTokenTenant",
		"The access token is of the tenant '%s'. The subscription is in the tenant '%s': get a token there.", call.Caller.TenantID, tenantOf(subscription))
}

// MoveSubscription puts a subscription into one of the two tenants, and lets the
// resource provider know.
func (a *Azure) MoveSubscription(ctx context.Context, id, tenant string) error {
	if tenant != TenantID && tenant != OtherTenantID {
		return refuse("InvalidTenant", "The tenants are %s and %s.", TenantID, OtherTenantID)
	}
	err := a.Engine.Change(ctx, "/subscriptions/"+id, func(r *resources.Resource) error {
		r.Properties["tenantId"] = tenant
		return nil
	})
	if err != nil {
		return err
	}
	return a.provider.announce(ctx, id, registered)
}
