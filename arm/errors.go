package arm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is the one typed error of the service. Whatever reaches a caller is an
// Error; everything else is rendered as InternalServerError without detail.
type Error struct {
	Code    Code
	Message string
	// Target is the JSON path, header or resource that must change; may be empty.
	Target  string
	Details []*Error
	// RetryAfter asks the caller to wait before it tries again; zero says nothing.
	RetryAfter time.Duration

	cause error
}

// Error renders code, target and message for logs, within bounds.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code.Name)
	if e.Target != "" {
		b.WriteString(" at " + e.Target)
	}
	b.WriteString(": " + e.Message)
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return Plain(b.String(), maxLogged)
}

// Unwrap gives the cause, which is logged and never sent to a caller.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of e that carries its cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy of e that asks the caller to retry after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Body is an error as it stands in JSON: below "error" in a response and in the
// status of an operation (C14 of the ARM contract).
type Body struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Target  string `json:"target,omitempty"`
	Details []Body `json:"details,omitempty"`
}

// Envelope is the body of every error response.
type Envelope struct {
	Error Body `json:"error"`
}

// Body renders e for a caller, without its cause.
func (e *Error) Body() Body {
	b := Body{Code: e.Code.Name, Message: e.Message, Target: e.Target}
	for _, d := range e.Details {
		b.Details = append(b.Details, d.Body())
	}
	return b
}

// AsError finds the typed error in err's chain. An error without a type is
// ours: InternalServerError, whose message names only the correlation id.
func AsError(err error, correlationID string) *Error {
	var typed *Error
	if errors.As(err, &typed) {
		return typed
	}
	return InternalServerError.Errorf("An unexpected error occurred. Try again, and if it persists contact support with correlation id %q.", correlationID).Because(err)
}

// Faults collects everything that is wrong with one request, so that the caller
// hears it all at once. The zero value is ready and costs nothing while empty.
type Faults struct {
	list []*Error
}

// maxFaults bounds an answer: a hostile body must not make a huge reply.
const maxFaults = 100

// Add notes that target is wrong. The message says what to change and never
// repeats the offending value, which may be a secret.
func (f *Faults) Add(code Code, target, format string, args ...any) {
	if len(f.list) < maxFaults {
		f.list = append(f.list, code.At(target, format, args...))
	}
}

// Len tells how many faults were noted.
func (f *Faults) Len() int { return len(f.list) }

// List gives the faults in the order they were noted.
func (f *Faults) List() []*Error { return f.list }

// Err is nil without faults, the fault itself if there is one, and otherwise an
// error with the code and target of the first whose details hold them all.
func (f *Faults) Err() error {
	switch len(f.list) {
	case 0:
		return nil
	case 1:
		return f.list[0]
	}
	first := f.list[0]
	e := first.Code.At(first.Target, "%s (and %d more, see details)", first.Message, len(f.list)-1)
	e.Details = f.list
	return e
}

// Code is an entry of the error catalogue: what ARM clients match on, the HTTP
// status it comes with, and the text of docs/errors.md.
type Code struct {
	Name   string
	Status int
	// When and Remedy are for people: when it is answered, and what to do then.
	When, Remedy string
}

// At makes an error of this code about target.
func (c Code) At(target, format string, args ...any) *Error {
	return &Error{Code: c, Target: Plain(target, maxTarget), Message: fmt.Sprintf(format, args...)}
}

// Errorf makes an error of this code that is about the whole request.
func (c Code) Errorf(format string, args ...any) *Error {
	return c.At("", format, args...)
}

// Is tells whether err carries this code.
func (c Code) Is(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code.Name == c.Name
}

// Retryable tells whether the same request may succeed later unchanged (C16).
func (c Code) Retryable() bool {
	return c.Status == http.StatusTooManyRequests || c.Status >= http.StatusInternalServerError
}
