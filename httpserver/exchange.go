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

// The headers that name a request.
const (
	HeaderRequestID       = "X-Ms-Request-Id"
	HeaderCorrelationID   = "X-Ms-Correlation-Request-Id"
	HeaderClientRequestID = "X-Ms-Client-Request-Id"
	headerReturnClientID  = "X-Ms-Return-Client-Request-Id"
)

// JSON is the media type of bodies.
const JSON = "application/json"

// maxWord bounds ids and names that callers send, in bytes: they go into logs, answers
// and documents.
const maxWord = 128

// Exchange is one request and its answer. It is an echo.Context, which generated routes
// need, and carries what log, audit and metrics record.
type Exchange struct {
	echo.Context

	Started                                   time.Time
	RequestID, CorrelationID, ClientRequestID string
	// Caller is set before the API answers.
	Caller Caller

	// Canonical is the path of the URL as the API spells it.
	Canonical string
	// Operation names what is asked for, from a closed set; empty for nothing that exists.
	Operation string
	// Version is the version of the API, from a closed set; empty where there is none.
	Version string
	// Resource is the id of what the request is about, and OperationID that of the
	// asynchronous operation that the answer points to.
	Resource, OperationID string
	// Principal is for whom a caller calls that may say so, and Subject what a write is
	// about beside its path; both for the audit.
	Principal, Subject string
}

// Ctx is the request's context, which ends before the client gives up.
func (x *Exchange) Ctx() context.Context { return x.Request().Context() }

// Header is a header of the request.
func (x *Exchange) Header(name string) string { return x.Request().Header.Get(name) }

// Correlation is the id that a caller finds in messages, and support in the log.
func (x *Exchange) Correlation() string {
	if x.CorrelationID != "" {
		return x.CorrelationID
	}
	return x.RequestID
}

// identify gives the request its ids.
func (s *Server) identify(x *Exchange) {
	x.Started = s.Now()
	x.RequestID = s.NewID()
	x.CorrelationID = Word(x.Header(HeaderCorrelationID))
	x.ClientRequestID = Word(x.Header(HeaderClientRequestID))
	h := x.Response().Header()
	h.Set(HeaderRequestID, x.RequestID)
	if x.ClientRequestID != "" && arm.EqualFold(x.Header(headerReturnClientID), "true") {
		h.Set(HeaderClientRequestID, x.ClientRequestID)
	}
}

// Word is an id or a name that a caller sent, short and printable.
func Word(s string) string { return arm.Plain(s, maxWord) }

const (
	// maxDrained and drainTimeout bound what is read of a body that is too large, so that
	// a client that has sent it before it reads sees the answer.
	maxDrained   = 16 << 20
	drainTimeout = 10 * time.Second
)

// JSONBody reads the body, which is JSON of at most so many bytes.
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

// tooLarge refuses the body, and ends the connection behind the answer. Most of the
// rest is read before: a connection that is closed while data arrives is reset, and the
// client may lose the answer. One that waits for 100 (Continue) has not sent it.
func (x *Exchange) tooLarge(most int64) error {
	r := x.Request()
	x.Response().Header().Set("Connection", "close")
	if r.Header.Get("Expect") == "" {
		_ = http.NewResponseController(x.Response()).SetReadDeadline(time.Now().Add(drainTimeout)) // not every writer has one
		_, _ = io.CopyN(io.Discard, r.Body, maxDrained)
	}
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("The body is larger than %d bytes.", most)}
}
