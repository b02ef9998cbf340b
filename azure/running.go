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

// Running is where a step keeps the long-running operations that it has begun and
// that have not ended, as the SDK's resume tokens, by names of its own: whoever goes
// on with the step goes on with them. It is safe for concurrent use.
type Running interface {
	// Token is what Keep was given last for that name; empty for nothing.
	Token(name string) string
	// Keep keeps a token; an empty one ends that.
	Keep(name, token string)
}

// Begin begins a long-running operation or, with a token, makes the poller of the one
// that has it: the SDK's Begin methods with ResumeToken in their options. A nil
// poller means that there is nothing to do.
type Begin[T any] func(ctx context.Context, token string) (*runtime.Poller[T], error)

// Await asks once how the operation of that name is, and begins it first if it does
// not run. While it goes on the error is a wait.Later, so that nobody has to stand by.
// An operation that Azure does not know any more is begun anew.
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

// errToken means that a token is not one that this release of the SDK makes.
var errToken = errors.New("resume token not understood")

// resumed goes on with the operation that has the token.
func resumed[T any](ctx context.Context, token string, begin Begin[T]) (*runtime.Poller[T], time.Duration, error) {
	poller, err := begin(ctx, token)
	if err != nil {
		return nil, 0, errors.Join(errToken, err)
	}
	after, err := ask(ctx, poller)
	return poller, after, err
}

// begun begins an operation, and asks at once how it is unless Azure said when to.
func begun[T any](ctx context.Context, begin Begin[T]) (*runtime.Poller[T], time.Duration, error) {
	var answer *http.Response
	poller, err := begin(policy.WithCaptureResponse(ctx, &answer), "")
	if err != nil || poller == nil || poller.Done() {
		return poller, 0, err
	}
	if after := retryAfter(answer); after > 0 {
		return poller, after, nil
	}
	after, err := ask(ctx, poller)
	if isEnd(err) {
		return poller, 0, err
	}
	return poller, after, nil // whatever else went wrong: it has begun, and the next look tells
}

// ask asks how an operation is, and returns when to ask again if Azure says.
func ask[T any](ctx context.Context, poller *runtime.Poller[T]) (time.Duration, error) {
	answer, err := poller.Poll(ctx)
	if err != nil {
		return 0, err
	}
	return retryAfter(answer), nil
}

// isForgotten reports whether Azure, or this release, knows nothing of a token.
func isForgotten(err error) bool {
	return errors.Is(err, errToken) || hasStatus(err, http.StatusNotFound) || hasStatus(err, http.StatusGone)
}

// isEnd reports whether an error is about the operation, and not about a question that
// may be asked again.
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

// retryAfter is what an answer asks to wait, in seconds or until a time.
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
