package resources

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// Error is a refusal as ARM words it.
type Error struct {
	Status  int      `json:"-"`
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Target  string   `json:"target,omitempty"`
	Details []*Error `json:"details,omitempty"`
	Info    []Info   `json:"additionalInfo,omitempty"`
	// RetryAfter, in seconds, is sent as header if it is not 0.
	RetryAfter int `json:"-"`
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

// AsError is err as ARM tells it: what is no refusal is an internal error.
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

// WriteError answers a request with err.
func WriteError(w http.ResponseWriter, err error) {
	e := AsError(err)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	w.Header().Set("x-ms-failure-cause", "service")
	WriteJSON(w, e.Status, map[string]any{"error": e})
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
