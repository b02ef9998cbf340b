package azure

import (
	"context"
	"time"
)

// Finish starts a long-running operation and polls it until it has ended, or until ctx
// ends: the operation then goes on at Azure. Polls that fail and may be repeated are.
func Finish[T any](ctx context.Context, c *Clients, begin Begin[T]) (result T, err error) {
	poller, after, err := begun(ctx, begin)
	if err != nil || poller == nil {
		return result, err
	}
	for !poller.Done() {
		if after == 0 {
			after = c.pollEvery
		}
		timer := time.NewTimer(after)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return result, ctx.Err()
		}
		if after, err = poll(ctx, poller); isEnd(err) {
			return result, err
		}
	}
	return poller.Result(ctx)
}
