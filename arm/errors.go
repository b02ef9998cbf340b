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

// Error is the typed error of the service. Any other error is rendered as
// InternalServerError without detail.
type Error struct {
	Code Code
	// Message must be understandable on its own: many clients show only the code
	// and the message.
	Message string
	// Target is the JSON path, header or parameter that must change; may be empty.
	Target  string
	Details []*Error
	// RetryAfter is sent as the Retry-After header; zero sends none.
	RetryAfter time.Duration

	cause error
}

// Error returns code, target and message for logs, with bounded length.
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

// Unwrap returns the cause. It is logged and never sent to a caller.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of e with a cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy of e with RetryAfter set to d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Body is an error in JSON: the member "error" of a response, or of the status of
// an operation (C14 of the ARM contract).
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

// Body returns e as it is sent to a caller, without its cause.
func (e *Error) Body() Body {
	b := Body{Code: e.Code.Name, Message: e.Message, Target: e.Target}
	for _, d := range e.Details {
		b.Details = append(b.Details, d.Body())
	}
	return b
}

// AsError returns the typed error in err's chain. Without one it returns an
// InternalServerError whose message contains only the correlation id.
func AsError(err error, correlationID string) *Error {
	var typed *Error
	if errors.As(err, &typed) {
		return typed
	}
	return InternalServerError.Errorf("An unexpected error occurred. Try again, and if it persists contact support with correlation id %q.", correlationID).Because(err)
}

// Faults collects all violations of one request, so that a response can list them
// all. The zero value is ready to use and allocates nothing while it is empty.
type Faults struct {
	list []*Error
}

// maxFaults bounds the number of details of an error response.
const maxFaults = 100

// Add adds a violation at target. The message names the value that was sent (see
// Sent, unless it may be a secret) and the value that is allowed.
func (f *Faults) Add(code Code, target, format string, args ...any) {
	f.AddError(code.At(target, format, args...))
}

// AddError adds e unchanged.
func (f *Faults) AddError(e *Error) {
	if len(f.list) < maxFaults {
		f.list = append(f.list, e)
	}
}

// Len returns the number of faults.
func (f *Faults) Len() int { return len(f.list) }

// List returns the faults in the order in which they were added.
func (f *Faults) List() []*Error { return f.list }

// Err returns nil without faults, the fault if there is exactly one, and otherwise
// an error with the code and target of the first, whose details list all.
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

// Code is an entry of the error catalogue: the code that clients match on, its HTTP
// status, and the text of docs/errors.md.
type Code struct {
	Name   string
	Status int
	// When and Remedy are for docs/errors.md: when the code is returned, and what
	// the reader can do.
	When, Remedy string
}

// At returns an error of this code at target. The message begins with target.
func (c Code) At(target, format string, args ...any) *Error {
	e := c.Errorf(format, args...)
	if target != "" {
		e.Target = Plain(target, maxTarget)
		e.Message = e.Target + ": " + e.Message
	}
	return e
}

// Errorf returns an error of this code about the whole request.
func (c Code) Errorf(format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// maxSent bounds how much of a value a message contains, in characters.
const maxSent = 256

// Sent returns a value of a request for use in a message: quoted, unprintable
// characters escaped, length bounded.
func Sent[T ~string](value T) string {
	text := []rune(string(value))
	if len(text) > maxSent {
		return strconv.Quote(string(text[:maxSent])) + "…"
	}
	return strconv.Quote(string(value))
}

// SentUUID is Sent for UUIDs. Only text that resembles a UUID is returned, because
// clients confuse the id of an application with its secret.
func SentUUID[T ~string](value T) string {
	if strings.Trim(string(value), "0123456789abcdefABCDEF-{}") != "" {
		return fmt.Sprintf("The text of %d characters", utf8.RuneCountInString(string(value)))
	}
	return Sent(value)
}

// members are the top-level members of a resource, with which a JSON path begins.
var members = []string{"id", "name", "type", "location", "tags", "identity", "systemData", "properties"}

// InBody reports whether target is empty or the JSON path of a member of a resource.
func InBody(target string) bool {
	first := target
	if i := strings.IndexAny(target, ".["); i >= 0 {
		first = target[:i]
	}
	return target == "" || slices.Contains(members, first)
}

// Naming returns e with the target, or e itself if it has a target already.
func (e *Error) Naming(target string) *Error {
	if e.Target != "" {
		return e
	}
	c := *e
	c.Target, c.Message = target, target+": "+e.Message
	return &c
}

// AboutBody returns e without targets that are not in a resource's body. Messages
// are unchanged.
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
