package resources

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Error is a refusal as ARM words it.
type Error struct {
	Status  int      `json:"-"`
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Target  string   `json:"target,omitempty"`
	Details []*Error `json:"details,omitzero"`
	Info    []Info   `json:"additionalInfo,omitempty"`
	// RetryAfter, in seconds, is sent as header if it is not 0: as a number, or as the
	// date that it comes to.
	RetryAfter     int  `json:"-"`
	RetryAfterDate bool `json:"-"`
}

// Info is a typed addition to an error, such as the policy that refused.
type Info struct {
	Type string `json:"type"`
	Info any    `json:"info"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Refuse makes an Error.
func Refuse(status int, code, message string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(message, args...)}
}

// AsError converts err to an error of ARM: any error that is not a refusal is an internal error.
func AsError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	return Refuse(http.StatusInternalServerError, "InternalServerError", "The local Azure failed: %v", err)
}

// NotFound reports whether err is a refusal with status 404.
func NotFound(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// byManager are the codes of refusals by the resource manager itself, which it marks with
// a header. What a provider refuses has none.
var byManager = map[string]bool{
	"AuthenticationFailed": true, "AuthorizationFailed": true, "DenyAssignmentAuthorizationFailed": true, "InvalidAuthenticationToken": true,
	"InvalidAuthenticationTokenAudience": true, "InvalidAuthenticationTokenTenant": true, "InvalidResourceGroup": true, "InvalidResourceGroupLocation": true,
	"InvalidResourceId": true, "InvalidResourceLocation": true, "InvalidResourceNamespace": true, "InvalidResourceType": true, "LinkedAuthorizationFailed": true,
	"LocationRequired": true, "MissingApiVersionParameter": true, "MissingSubscriptionRegistration": true, "ParentResourceNotFound": true,
	"RequestDisallowedByPolicy": true, "ResourceGroupBeingDeleted": true, "ResourceGroupNotFound": true, "ResourceNotFound": true, "ScopeLocked": true,
	"SubscriptionNotFound": true, "SubscriptionRequestsThrottled": true,
}

// Detailed is a refusal of a provider that always lists details, if only none.
func Detailed(err error) error {
	e := *AsError(err)
	if e.Details == nil && !byManager[e.Code] {
		e.Details = []*Error{}
	}
	return &e
}

// WriteError answers a request with err.
func WriteError(w http.ResponseWriter, err error) {
	e := AsError(err)
	e.retry(w.Header())
	if byManager[e.Code] {
		w.Header().Set("x-ms-failure-cause", "gateway")
	}
	WriteJSON(w, e.Status, map[string]any{"error": e})
}

// retry sets when the call may be repeated.
func (e *Error) retry(h http.Header) {
	switch {
	case e.RetryAfter <= 0:
	case e.RetryAfterDate:
		// A date has whole seconds, so the moment before would be too soon.
		h.Set("Retry-After", time.Now().Add(time.Duration(e.RetryAfter)*time.Second+time.Second-1).UTC().Format(http.TimeFormat))
	default:
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
}

// WriteJSON answers a request with a body.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	content, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(content) // a client that went away needs no answer
}
