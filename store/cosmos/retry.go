package cosmos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/aro-rp/aro/store"
)

const (
	// tries and patience bound the attempts for one request. A database that
	// requires a longer wait is unavailable.
	tries    = 7
	patience = 8 * time.Second
	// tryTimeout bounds one attempt.
	tryTimeout   = 5 * time.Second
	firstBackoff = 50 * time.Millisecond
)

// substatusNoContainer comes with 404 if the container does not exist.
const substatusNoContainer = "1003"

// statusRetryWith is Cosmos DB's own status for a conflict with a concurrent write.
const statusRetryWith = 449

// failure classifies the error of an attempt.
type failure struct {
	err error
	// transient errors can be retried, after that time.
	transient bool
	after     time.Duration
	// lost is true if the request may have taken effect.
	lost bool
}

// classify classifies an error of azcosmos.
func classify(err error) failure {
	answer := (*azcore.ResponseError)(nil)
	if !errors.As(err, &answer) {
		return failure{err: err, transient: true, lost: true}
	}
	f := failure{err: fmt.Errorf("cosmos answered %d %s", answer.StatusCode, answer.ErrorCode)}
	switch answer.StatusCode {
	case http.StatusNotFound:
		if answer.RawResponse != nil && answer.RawResponse.Header.Get("x-ms-substatus") == substatusNoContainer {
			f.err = errors.New("database or container is missing in the Cosmos DB account")
		} else {
			f.err = store.ErrNotFound
		}
	case http.StatusPreconditionFailed:
		f.err = store.ErrPreconditionFailed
	case http.StatusConflict:
		f.err = &store.ConflictError{}
	case http.StatusTooManyRequests, statusRetryWith:
		f.transient = true
	case http.StatusRequestTimeout, http.StatusGone, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.transient, f.lost = true, true
	}
	if answer.RawResponse != nil {
		f.after = retryAfter(answer.RawResponse.Header)
	}
	return f
}

func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("x-ms-retry-after-ms"), 64); err == nil && ms > 0 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	return 0
}

// attempt calls do until it succeeds, fails finally or the limits are reached. lost
// reports whether an attempt before the last may have taken effect.
func attempt(ctx context.Context, do func(context.Context) error) (lost bool, err error) {
	var waited time.Duration
	for n := 1; ; n++ {
		err := do(ctx)
		if err == nil {
			return lost, nil
		}
		if ctx.Err() != nil {
			return lost, &store.UnavailableError{Cause: ctx.Err()}
		}
		f := classify(err)
		if !f.transient {
			return lost, f.err
		}
		lost = lost || f.lost
		wait := max(f.after, backoff(n))
		if waited += wait; n == tries || waited > patience {
			return lost, &store.UnavailableError{RetryAfter: f.after, Cause: f.err}
		}
		if err := pause(ctx, wait); err != nil {
			return lost, &store.UnavailableError{RetryAfter: f.after, Cause: errors.Join(err, f.err)}
		}
	}
}

// backoff returns a delay that doubles with each try, random in its upper half.
func backoff(n int) time.Duration {
	full := firstBackoff << (n - 1)
	return full/2 + rand.N(full/2)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
