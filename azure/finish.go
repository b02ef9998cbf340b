package azure

import (
	"context"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Finish starts a long-running operation and polls it until it has ended, or until ctx
// ends: the operation then continues at Azure. Polls that fail and may be repeated are.
func Finish[T any](ctx context.Context, c *Clients, begin func(context.Context) (*runtime.Poller[T], error)) (result T, err error) {
	var answer *http.Response
	poller, err := begin(policy.WithCaptureResponse(ctx, &answer))
	if err != nil {
		return result, err
	}
	after := retryAfter(answer)
	for first := true; !poller.Done(); first = false {
		if after == 0 && !first {
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
