package httpserver

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Refusal is why the server itself rejects a request. An API's Failure renders it
// like its own errors.
type Refusal struct {
	Status int
	// Target is the header to change; may be empty.
	Target, Message string
	Cause           error
	RetryAfter      time.Duration
}

// Error returns the message and its cause, for logs.
func (r *Refusal) Error() string {
	if r.Cause != nil {
		return r.Message + ": " + r.Cause.Error()
	}
	return r.Message
}

// Unwrap returns the cause. It is not sent to callers.
func (r *Refusal) Unwrap() error { return r.Cause }

// Failure is an error as an API returns it, and as log and audit record it.
type Failure struct {
	Status int
	// Code and Target are always recorded; both are from closed sets of the API.
	Code, Target string
	// Cause is recorded instead of the message for errors of the caller: the message
	// repeats values of the request, among which may be a misplaced secret.
	Cause error
	// Err is recorded in full for errors of the service.
	Err error
	// Body is of ContentType, JSON if that is empty. RetryAfter is the value of the
	// Retry-After header; zero sends none.
	Body        []byte
	ContentType string
	RetryAfter  time.Duration
}

// PlainFailure renders an error in the form that most APIs of Azure use. For an error
// that is not a Refusal it returns only the id of the request.
func PlainFailure(x *Exchange, err error) Failure {
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		refusal = &Refusal{Status: http.StatusInternalServerError, Message: "An unexpected error occurred. Contact support with the id " + x.Correlation() + "."}
	}
	code := strings.ReplaceAll(http.StatusText(refusal.Status), " ", "")
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": refusal.Message, "target": refusal.Target}}) // strings always marshal
	return Failure{Status: refusal.Status, Code: code, Target: refusal.Target, Cause: refusal.Cause, Err: err, Body: body, RetryAfter: refusal.RetryAfter}
}

// write sends the failure, unless a response has begun.
func (f Failure) write(x *Exchange) {
	if x.Response().Committed {
		return
	}
	if f.RetryAfter > 0 {
		x.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	_ = x.Blob(f.Status, cmp.Or(f.ContentType, JSON), f.Body) // the client may have disconnected
}

// panicked describes a panic. Errors of the Go runtime keep their text; of any
// other value, which may be a secret, only the type is recorded.
func panicked(p any) error {
	if fault, ok := p.(runtime.Error); ok {
		return fmt.Errorf("panic: %w", fault)
	}
	return fmt.Errorf("panic with a %T", p)
}
