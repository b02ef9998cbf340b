package arm

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Error is the one typed error of the service. Whatever reaches a caller is an
// Error; everything else is rendered as InternalServerError without detail.
type Error struct {
	Code Code
	// Message stands alone: many clients show no more than it and the code.
	Message string
	// Target is the JSON path, header or parameter that must change; may be empty.
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
	if rest, ok := strings.CutPrefix(e.Message, e.Target+": "); ok && e.Target != "" {
		b.WriteString(" at " + e.Target + ": " + rest)
	} else {
		b.WriteString(": " + e.Message)
	}
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

// Add notes that target is wrong. The message says what was sent, by Sent unless it
// may be a secret, and what to send instead.
func (f *Faults) Add(code Code, target, format string, args ...any) {
	f.Note(code.At(target, format, args...))
}

// Note notes an error as it is.
func (f *Faults) Note(e *Error) {
	if len(f.list) < maxFaults {
		f.list = append(f.list, e)
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
	e := *f.list[0]
	e.Message = fmt.Sprintf("%s (and %d more, see details)", e.Message, len(f.list)-1)
	e.Details = f.list
	return &e
}

// Code is an entry of the error catalogue: what ARM clients match on, the HTTP
// status it comes with, and the text of docs/errors.md.
type Code struct {
	Name   string
	Status int
	// When and Remedy are for people: when it is answered, and what to do then.
	When, Remedy string
}

// At makes an error of this code about target, which its message begins with.
func (c Code) At(target, format string, args ...any) *Error {
	e := c.Errorf(format, args...)
	if target != "" {
		e.Target = Plain(target, maxTarget)
		e.Message = e.Target + ": " + e.Message
	}
	return e
}

// Errorf makes an error of this code that is about the whole request.
func (c Code) Errorf(format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// maxSent bounds how much of a value is repeated, in characters.
const maxSent = 256

// Sent is a value of a request as a message repeats it: quoted, with everything
// escaped that cannot be printed, and of bounded length.
func Sent[T ~string](value T) string {
	text := []rune(string(value))
	if len(text) > maxSent {
		return strconv.Quote(string(text[:maxSent])) + "…"
	}
	return strconv.Quote(string(value))
}

// SentUUID is Sent for the place of a UUID. Clients mix up the id and the secret of
// an application, so that only what resembles a UUID is repeated.
func SentUUID[T ~string](value T) string {
	if strings.Trim(string(value), "0123456789abcdefABCDEF-{}") != "" {
		return fmt.Sprintf("The text of %d characters", utf8.RuneCountInString(string(value)))
	}
	return Sent(value)
}

// members are the members of a resource, in which a JSON path begins.
var members = []string{"id", "name", "type", "location", "tags", "identity", "systemData", "properties"}

// InBody reports whether target is empty or the JSON path of a member of a resource.
func InBody(target string) bool {
	first := target
	if i := strings.IndexAny(target, ".["); i >= 0 {
		first = target[:i]
	}
	return target == "" || slices.Contains(members, first)
}

// Naming is e about target, unless it is about something already.
func (e *Error) Naming(target string) *Error {
	if e.Target != "" {
		return e
	}
	c := *e
	c.Target, c.Message = target, target+": "+e.Message
	return &c
}

// AboutBody is e without targets that are not in a resource's body. Messages keep
// what they name.
func (e *Error) AboutBody() *Error {
	c := *e
	if !InBody(c.Target) {
		c.Target = ""
	}
	c.Details = nil
	for _, d := range e.Details {
		c.Details = append(c.Details, d.AboutBody())
	}
	return &c
}

// Is reports whether err carries this code.
func (c Code) Is(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code.Name == c.Name
}

// Retryable reports whether the same request may succeed later unchanged (C16).
func (c Code) Retryable() bool {
	return c.Status == http.StatusTooManyRequests || c.Status >= http.StatusInternalServerError
}
