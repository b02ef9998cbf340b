package httpserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
)

// The headers that identify a request.
const (
	HeaderRequestID       = "X-Ms-Request-Id"
	HeaderCorrelationID   = "X-Ms-Correlation-Request-Id"
	HeaderClientRequestID = "X-Ms-Client-Request-Id"
	headerReturnClientID  = "X-Ms-Return-Client-Request-Id"
)

// JSON is the media type of bodies.
const JSON = "application/json"

// maxText bounds ids and names that callers send, in bytes: they are written to logs,
// responses and documents.
const maxText = 128

// Exchange is one request and its response. It is an echo.Context, which generated
// routes need, and has the values for log, audit and metrics.
type Exchange struct {
	echo.Context

	Started                                   time.Time
	RequestID, CorrelationID, ClientRequestID string
	// Caller is set before the handler of the API runs.
	Caller Caller

	// Canonical is the path of the URL with the casing of the API.
	Canonical string
	// Operation is the name of the operation, from a closed set; empty if there is none.
	Operation string
	// Version is the version of the API, from a closed set; empty if there is none.
	Version string
	// Resource is the id of the resource of the request, and OperationID that of
	// the asynchronous operation in the response.
	Resource, OperationID string
	// Principal is the user on whose behalf a trusted caller calls, and Subject what a
	// write is about beside its path; both for the audit.
	Principal, Subject string
	// DryRun says that the request was to change nothing; for the audit.
	DryRun bool

	aborted bool // the answer broke off, and its reader has to see that
}

// Ctx returns the request's context, which ends before the client times out.
func (x *Exchange) Ctx() context.Context { return x.Request().Context() }

// Header returns a header of the request.
func (x *Exchange) Header(name string) string { return x.Request().Header.Get(name) }

// Correlation returns the correlation id, which is in messages to the caller and in
// the log.
func (x *Exchange) Correlation() string {
	if x.CorrelationID != "" {
		return x.CorrelationID
	}
	return x.RequestID
}

// identify sets the ids of the request.
func (s *Server) identify(x *Exchange) {
	x.Started = s.Now()
	x.RequestID = s.NewID()
	x.CorrelationID = ShortText(x.Header(HeaderCorrelationID))
	x.ClientRequestID = ShortText(x.Header(HeaderClientRequestID))
	h := x.Response().Header()
	h.Set(HeaderRequestID, x.RequestID)
	if x.ClientRequestID != "" && arm.EqualFold(x.Header(headerReturnClientID), "true") {
		h.Set(HeaderClientRequestID, x.ClientRequestID)
	}
}

// ShortText returns an id or a name that a caller sent: printable, with bounded
// length.
func ShortText(s string) string { return arm.Plain(s, maxText) }

const (
	// maxDrained and drainTimeout bound how much of a body that is too large is read, so
	// that a client that sends all of it before it reads gets the response.
	maxDrained   = 16 << 20
	drainTimeout = 10 * time.Second
)

// JSONBody reads a JSON body of at most `most` bytes.
func (x *Exchange) JSONBody(most int64) ([]byte, error) {
	r := x.Request()
	if r.ContentLength > most {
		return nil, x.tooLarge(most)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case int64(len(body)) > most:
		return nil, x.tooLarge(most)
	case err != nil:
		return nil, &Refusal{Status: http.StatusBadRequest, Message: "The body ended before it was complete.", Cause: err}
	}
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if len(body) > 0 && !arm.EqualFold(strings.TrimSpace(media), JSON) {
		return nil, &Refusal{Status: http.StatusUnsupportedMediaType, Target: "Content-Type", Message: "The Content-Type must be " + JSON + "."}
	}
	return body, nil
}

// tooLarge rejects the body, and closes the connection after the response. Most of the
// rest is read before: closing a connection while data arrives resets it, and the
// client may lose the response. A client that waits for 100 (Continue) has not sent the
// body.
func (x *Exchange) tooLarge(most int64) error {
	r := x.Request()
	x.Response().Header().Set("Connection", "close")
	if r.Header.Get("Expect") == "" {
		_ = http.NewResponseController(x.Response()).SetReadDeadline(time.Now().Add(drainTimeout)) // not every writer supports it
		_, _ = io.CopyN(io.Discard, r.Body, maxDrained)
	}
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("The body is larger than %d bytes.", most)}
}
