package httpserver

import (
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

// Refusal is why the server itself does not let a request through. An API's Failure
// renders it as it renders its own errors.
type Refusal struct {
	Status int
	// Target is the header that must change; may be empty.
	Target, Message string
	Cause           error
	RetryAfter      time.Duration
}

// Error is the message and its cause, for logs.
func (r *Refusal) Error() string {
	if r.Cause != nil {
		return r.Message + ": " + r.Cause.Error()
	}
	return r.Message
}

// Unwrap returns the cause, which no caller sees.
func (r *Refusal) Unwrap() error { return r.Cause }

// Failure is an error as an API answers it, and as log and audit record it.
type Failure struct {
	Status int
	// Code and Target are recorded whoever is at fault; both are from the API's words.
	Code, Target string
	// Cause is recorded of what a caller did wrong, in place of the message: that repeats
	// what the caller sent, and a secret may have been sent in the wrong place.
	Cause error
	// Err is recorded whole where the service is at fault.
	Err error
	// Body is JSON. RetryAfter tells the caller when to ask again; zero says nothing.
	Body       []byte
	RetryAfter time.Duration
}

// PlainFailure renders an error in the shape that most APIs of Azure use. What is not a
// Refusal is the service's fault, and only the request's id is told.
func PlainFailure(x *Exchange, err error) Failure {
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		refusal = &Refusal{Status: http.StatusInternalServerError, Message: "An unexpected error occurred. Contact support with the id " + x.Correlation() + "."}
	}
	code := strings.ReplaceAll(http.StatusText(refusal.Status), " ", "")
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": refusal.Message, "target": refusal.Target}}) // strings always marshal
	return Failure{Status: refusal.Status, Code: code, Target: refusal.Target, Cause: refusal.Cause, Err: err, Body: body, RetryAfter: refusal.RetryAfter}
}

// write answers with the failure, unless an answer has begun.
func (f Failure) write(x *Exchange) {
	if x.Response().Committed {
		return
	}
	if f.RetryAfter > 0 {
		x.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	_ = x.Blob(f.Status, JSON, f.Body) // the client may be gone
}

// panicked describes a panic. The runtime's own errors keep their words; of any
// other value, which might be a secret, only the type is told.
func panicked(p any) error {
	if fault, ok := p.(runtime.Error); ok {
		return fmt.Errorf("panic: %w", fault)
	}
	return fmt.Errorf("panic with a %T", p)
}
