package azure

import (
	"cmp"
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

// Operation is a long-running operation of a step: the one that an earlier attempt began or,
// without a Token, one that this attempt begins.
type Operation struct {
	// Token is the resume token for the options of the SDK's Begin method.
	Token string

	name    string
	clients *Clients
	running Running
	answer  *http.Response // to the request that began it
}

// Operation returns a step's operation of that name, and the context for its Begin method.
// The name is shown to users: "waiting for NAME to end".
func (c *Clients) Operation(ctx context.Context, running Running, name string) (context.Context, *Operation) {
	op := &Operation{Token: running.Token(name), name: name, clients: c, running: running}
	return policy.WithCaptureResponse(ctx, &op.answer), op
}

// Await polls an operation once; poller and err are the results of its Begin method. While
// it runs the error is a wait.Later, so that no worker is busy. A nil poller without an
// error means that there is nothing to do. If Azure no longer knows the operation, the next
// attempt begins another.
func Await[T any](ctx context.Context, op *Operation, poller *runtime.Poller[T], err error) (result T, _ error) {
	defer wait.Await(ctx, wait.Azure)()
	switch {
	case err != nil && op.Token != "": // it is the token of another release of the SDK
		return result, op.beginAgain()
	case err != nil || poller == nil:
		return result, err
	}
	after := retryAfter(op.answer)
	if !poller.Done() && after == 0 {
		after, err = poll(ctx, poller)
		switch {
		case err == nil:
		case op.Token == "" && !isEnd(err): // it has begun whatever the error; the next poll reports it
		case op.Token != "" && isForgotten(err):
			return result, op.beginAgain()
		default:
			return result, op.ended(err)
		}
	}
	if poller.Done() {
		result, err = poller.Result(ctx)
		return result, op.ended(err)
	}
	token, err := poller.ResumeToken()
	if err != nil {
		return result, err
	}
	op.running.Keep(op.name, token)
	return result, wait.Later(cmp.Or(after, op.clients.pollEvery), op.name+" to end")
}

// beginAgain makes the next attempt begin another operation.
func (op *Operation) beginAgain() error {
	op.running.Keep(op.name, "")
	return wait.Later(0, op.name+" to begin again")
}

// ended removes the token unless the result may be read again.
func (op *Operation) ended(err error) error {
	if err == nil || isEnd(err) {
		op.running.Keep(op.name, "")
	}
	return err
}

// poll polls an operation, and returns its Retry-After.
func poll[T any](ctx context.Context, poller *runtime.Poller[T]) (time.Duration, error) {
	answer, err := poller.Poll(ctx) //nolint:bodyclose // the poller has read and closed it
	if err != nil {
		return 0, err
	}
	return retryAfter(answer), nil
}

// isForgotten reports whether Azure does not know an operation any more.
func isForgotten(err error) bool {
	return hasStatus(err, http.StatusNotFound) || hasStatus(err, http.StatusGone)
}

// isEnd reports whether an error is the result of the operation, and not of a poll
// that may be repeated.
func isEnd(err error) bool {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return false
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
