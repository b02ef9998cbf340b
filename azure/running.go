package azure

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/aro-rp/aro/wait"
)

// Running stores the unfinished long-running operations of a step, as the SDK's
// resume tokens by name: the next attempt of the step, on any worker, resumes them.
// It is safe for concurrent use.
type Running interface {
	// Token returns the token last kept for that name; empty if there is none.
	Token(name string) string
	// Keep stores a token; an empty one removes it.
	Keep(name, token string)
}

// Begin starts a long-running operation or, with a token, returns the poller of the
// operation of the token: the SDK's Begin methods with ResumeToken in their options.
// A nil poller means that there is nothing to do.
type Begin[T any] func(ctx context.Context, token string) (*runtime.Poller[T], error)

// Await polls the operation of that name once, and starts it first if it is not
// running. While it runs the error is a wait.Later, so that no worker is busy. An
// operation that Azure no longer knows is started again.
func Await[T any](ctx context.Context, c *Clients, running Running, name string, begin Begin[T]) (result T, err error) {
	defer wait.Await(ctx, wait.Azure)()
	after, token := time.Duration(0), running.Token(name)
	var poller *runtime.Poller[T]
	if token != "" {
		poller, after, err = resumed(ctx, token, begin)
		if isEnd(err) {
			running.Keep(name, "")
		}
		switch {
		case isForgotten(err):
			token = ""
		case err != nil:
			return result, err
		}
	}
	if token == "" {
		if poller, after, err = begun(ctx, begin); err != nil || poller == nil {
			return result, err
		}
	}
	if poller.Done() {
		if result, err = poller.Result(ctx); err == nil || isEnd(err) {
			running.Keep(name, "")
		}
		return result, err
	}
	if token, err = poller.ResumeToken(); err != nil {
		return result, err
	}
	running.Keep(name, token)
	if after == 0 {
		after = c.pollEvery
	}
	return result, wait.Later(after, name+" to end")
}

// errToken means that a token does not come from this release of the SDK.
var errToken = errors.New("resume token not understood")

// resumed resumes the operation of the token.
func resumed[T any](ctx context.Context, token string, begin Begin[T]) (*runtime.Poller[T], time.Duration, error) {
	poller, err := begin(ctx, token)
	if err != nil {
		return nil, 0, errors.Join(errToken, err)
	}
	after, err := poll(ctx, poller)
	return poller, after, err
}

// begun starts an operation, and polls it at once unless the response has a
// Retry-After.
func begun[T any](ctx context.Context, begin Begin[T]) (*runtime.Poller[T], time.Duration, error) {
	var answer *http.Response
	poller, err := begin(policy.WithCaptureResponse(ctx, &answer), "")
	if err != nil || poller == nil || poller.Done() {
		return poller, 0, err
	}
	if after := retryAfter(answer); after > 0 {
		return poller, after, nil
	}
	after, err := poll(ctx, poller)
	if isEnd(err) {
		return poller, 0, err
	}
	return poller, after, nil // the operation has started whatever the error; the next poll reports it
}

// poll polls an operation, and returns its Retry-After.
func poll[T any](ctx context.Context, poller *runtime.Poller[T]) (time.Duration, error) {
	answer, err := poller.Poll(ctx)
	if err != nil {
		return 0, err
	}
	return retryAfter(answer), nil
}

// isForgotten reports whether Azure, or this release of the SDK, does not know a
// token.
func isForgotten(err error) bool {
	return errors.Is(err, errToken) || hasStatus(err, http.StatusNotFound) || hasStatus(err, http.StatusGone)
}

// isEnd reports whether an error is the result of the operation, and not of a poll
// that may be repeated.
func isEnd(err error) bool {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return errors.Is(err, errToken)
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return answer.StatusCode < http.StatusInternalServerError
}

// retryAfter returns the Retry-After of a response, in seconds or as a date.
func retryAfter(answer *http.Response) time.Duration {
	if answer == nil {
		return 0
	}
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
