package server

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
)

const (
	// retryLater is what a client waits that is told no time of its own.
	retryLater = 10 * time.Second
	// retryAtMost bounds what the database asks for: clients give up on more.
	retryAtMost = time.Minute
)

// typed gives every error that a handler may return its place in the catalogue.
func (c *call) typed(err error) *arm.Error {
	var known *arm.Error
	var routed *echo.HTTPError
	var unreadable *store.UnreadableError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &unreadable):
		return c.unreadable(unreadable)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return arm.ServiceUnavailable.Errorf("The service cannot reach its database at the moment. Try again later.").Because(err).After(databaseWait(err))
	case errors.Is(err, store.ErrPreconditionFailed):
		return arm.WriteConflict.Errorf("The resource was changed by others at the same time, again and again. Read it again and retry.").Because(err)
	case errors.Is(err, store.ErrBadContinuation):
		return badToken().Because(err)
	case errors.As(err, &routed):
		return fromEcho(routed)
	}
	return arm.AsError(err, c.correlation())
}

// unreadable tells engineers why a record cannot be read, and customers that it is
// not for them to mend.
func (c *call) unreadable(e *store.UnreadableError) *arm.Error {
	if planeOf(c.path) == adminPlane {
		return arm.RecordUnreadable.Errorf("The document %s of container %s cannot be read: %s. Repair or remove it at /admin/documents.", e.ID, e.Container, e.Reason).Because(e)
	}
	return arm.RecordUnreadable.Errorf("The service cannot read its record that the request needs, and an engineer has to repair it. "+
		"Other clusters are not affected. Contact support with the correlation id %s.", c.correlation()).Because(e)
}

// databaseWait is how long the database asks to be left alone, within bounds; 0
// if it does not say.
func databaseWait(err error) time.Duration {
	var unavailable *store.UnavailableError
	if !errors.As(err, &unavailable) || unavailable.RetryAfter <= 0 {
		return 0
	}
	return min(unavailable.RetryAfter, retryAtMost)
}

// fromEcho renders what the generated routes refuse, which is a parameter.
func fromEcho(e *echo.HTTPError) *arm.Error {
	if e.Code == http.StatusBadRequest {
		return arm.InvalidParameter.Errorf("A parameter of the URL has a form that the API does not allow.").Because(e)
	}
	return arm.NotFound.Errorf("The path does not exist.").Because(e)
}

func (c *call) correlation() string {
	if c.correlationID != "" {
		return c.correlationID
	}
	return c.requestID
}

// write renders the error. It is the only place that does.
func (c *call) write(e *arm.Error) {
	h := c.Response().Header()
	if e.RetryAfter > 0 || e.Code.Retryable() {
		wait := max(e.RetryAfter, time.Second)
		if e.RetryAfter == 0 {
			wait = retryLater
		}
		h.Set(headerRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	body, err := json.Marshal(arm.Envelope{Error: e.Body()})
	if err != nil {
		body = nil // strings always marshal
	}
	_ = c.json(e.Code.Status, body) // the client may be gone
}
