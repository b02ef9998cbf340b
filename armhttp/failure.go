package armhttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/store"
)

const (
	// retryLater is the default of Retry-After.
	retryLater = 10 * time.Second
	// retryAtMost bounds the Retry-After of the database: clients do not wait
	// longer.
	retryAtMost = time.Minute
)

// Failure renders an error in the form of ARM's contract (C14).
func Failure(x *httpserver.Exchange, err error) httpserver.Failure {
	e := Error(x, err)
	f := httpserver.Failure{Status: e.Code.Status, Code: e.Code.Name, Target: e.Target, Cause: e.Unwrap(), Err: e}
	switch {
	case e.RetryAfter > 0:
		f.RetryAfter = max(e.RetryAfter, time.Second)
	case e.Code.Retryable():
		f.RetryAfter = retryLater
	}
	f.Body, err = json.Marshal(arm.Envelope{Error: e.Body()})
	if err != nil {
		f.Body = nil // strings always marshal
	}
	return f
}

// Error maps every error to an error of the catalogue.
func Error(x *httpserver.Exchange, err error) *arm.Error {
	var known *arm.Error
	var refusal *httpserver.Refusal
	var routed *echo.HTTPError
	var unreadable *store.UnreadableError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refusal):
		return refused(refusal)
	case errors.As(err, &unreadable):
		return arm.RecordUnreadable.Errorf("The service cannot read its record that the request needs, and an engineer has to repair it. "+
			"Other clusters are not affected. Contact support with the correlation id %s.", x.Correlation()).Because(unreadable)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return arm.ServiceUnavailable.Errorf("The service cannot reach its database at the moment. Try again later.").Because(err).After(databaseWait(err))
	case errors.Is(err, store.ErrPreconditionFailed):
		return arm.WriteConflict.Errorf("The resource was changed by others at the same time, again and again. Read it again and retry.").Because(err)
	case errors.Is(err, store.ErrBadContinuation):
		return badToken().Because(err)
	case errors.As(err, &routed):
		return arm.InvalidParameter.Errorf("A parameter of the URL has a form that the API does not allow.").Because(routed)
	}
	return arm.AsError(err, x.Correlation())
}

// refused returns the error for a refusal of the server itself.
func refused(r *httpserver.Refusal) *arm.Error {
	code := arm.InvalidRequestContent
	for _, c := range []arm.Code{arm.Forbidden, arm.MisdirectedRequest, arm.NotFound, arm.MethodNotAllowed,
		arm.UnsupportedMediaType, arm.RequestTooLarge, arm.ServiceUnavailable} {
		if c.Status == r.Status {
			code = c
		}
	}
	return code.At(r.Target, "%s", r.Message).Because(r.Cause).After(r.RetryAfter)
}

// Ready returns a readiness check of the database.
func Ready(documents *store.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		err := documents.Ping(ctx)
		switch {
		case errors.Is(err, store.ErrWrongKeys):
			return arm.ServiceUnavailable.Errorf("The encryption keys of this process are not those of the database.").Because(err)
		case err != nil:
			return arm.ServiceUnavailable.Errorf("The database does not answer.").Because(err).After(databaseWait(err))
		}
		return nil
	}
}

// databaseWait returns the time after which the database can be called again,
// within bounds; 0 if the error has none.
func databaseWait(err error) time.Duration {
	var unavailable *store.UnavailableError
	if !errors.As(err, &unavailable) || unavailable.RetryAfter <= 0 {
		return 0
	}
	return min(unavailable.RetryAfter, retryAtMost)
}

// NotFound returns the error for a cluster that does not exist.
func NotFound(id arm.ClusterID) error {
	return arm.ResourceNotFound.Errorf("The cluster '%s' was not found in the resource group '%s'.", id.Name, id.ResourceGroup)
}

// Base returns the scheme and host of the request.
func Base(x *httpserver.Exchange) string {
	r := x.Request()
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Value responds with v in JSON.
func Value(x echo.Context, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return x.Blob(status, httpserver.JSON, body)
}

// HasBody reports whether requests with the method have a body.
func HasBody(method string) bool {
	return method == http.MethodPut || method == http.MethodPatch || method == http.MethodPost
}

// MaxBody is the maximum length of a body in ARM, in bytes.
const MaxBody = 1 << 20
