package cloud

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// introduction of a subscription to the resource provider.
type introduction struct {
	turn chan struct{} // is full while somebody tells of the subscription
	told bool          // that it is registered, since this process runs
}

// take waits for the turn to tell of a subscription. Who has it gives it back.
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
	if i.told {
		return nil
	}
	return p.tell(ctx, i, subscription, registered)
}

// announce lets the resource provider know that the state of a subscription changed.
func (p *provider) announce(ctx context.Context, subscription, state string) error {
	i, giveBack, err := p.take(ctx, subscription)
	if err != nil {
		return err
	}
	defer giveBack()
	i.told = false
	return p.tell(ctx, i, subscription, state)
}

// tell needs the turn.
func (p *provider) tell(ctx context.Context, i *introduction, subscription, state string) error {
	status, err := p.call(ctx, http.MethodPut, "/subscriptions/"+strings.ToLower(subscription)+"?api-version=2.0", map[string]any{
		"state": state, "registrationDate": p.azure.Now().UTC().Format(http.TimeFormat), "properties": map[string]any{"tenantId": TenantID},
	}, nil)
	if err == nil && status >= http.StatusMultipleChoices {
		err = fmt.Errorf("the resource provider answered %d", status)
	}
	if err != nil {
		return fmt.Errorf("subscription %s: %w", subscription, err)
	}
	i.told = state == registered
	return nil
}
