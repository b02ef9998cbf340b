package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
)

const (
	// requestTimeout is less than the 60 s that ARM waits (C10).
	requestTimeout = 50 * time.Second
	// maxBody is what ARM lets through at most.
	maxBody = 1 << 20
	// maxDrained and drainTimeout bound what is read of a larger body, so that a client
	// that has sent it before it reads sees the answer.
	maxDrained   = 16 << 20
	drainTimeout = 10 * time.Second
	// maxForeign and maxMethod bound words of callers, in bytes.
	maxForeign = 128
	maxMethod  = 16
)

// chain is the way of every request, outermost first. Everything behind render
// may return an error; recovery stands behind it, so that a panic is rendered,
// counted and logged like one.
func (s *Server) chain() handler {
	steps := []func(next handler) handler{
		s.identify, s.find, s.log, s.audit, s.measure, s.render, s.recovery,
		s.guardHost, s.authenticate, s.checkPath, s.readQuery, s.chooseVersion, s.readBody,
	}
	h := s.dispatch
	for i := len(steps) - 1; i >= 0; i-- {
		h = steps[i](h)
	}
	return h
}

// identify gives the request its ids and its end (C01 to C04, C10).
func (s *Server) identify(next handler) handler {
	return func(c *call) error {
		r := c.Request()
		c.started = s.Now()
		c.requestID = s.NewID()
		c.correlationID = bounded(r.Header.Get(headerCorrelationID))
		c.clientRequestID = bounded(r.Header.Get(headerClientRequestID))
		h := c.Response().Header()
		h.Set(headerRequestID, c.requestID)
		if c.clientRequestID != "" && arm.EqualFold(r.Header.Get(headerReturnClientID), "true") {
			h.Set(headerClientRequestID, c.clientRequestID)
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

// bounded keeps foreign ids and names short and printable: they go into logs,
// answers and documents.
func bounded(id string) string { return arm.Plain(id, maxForeign) }

// find looks the path up. What is wrong with it is said later, to those who may know.
func (s *Server) find(next handler) handler {
	return func(c *call) error {
		c.route, c.path = s.table.find(c.Request().URL.Path)
		if c.route != nil {
			if m := c.route.methods[c.Request().Method]; m != nil {
				c.operation = m.operation
			}
		}
		return next(c)
	}
}

// log writes one line when the request has ended. It holds no body, no query and
// nothing that says who the client is (C17, Y03).
func (s *Server) log(next handler) handler {
	return func(c *call) error {
		err := next(c)
		level := slog.LevelInfo
		switch {
		case c.Response().Status >= http.StatusInternalServerError:
			level = slog.LevelError
		case planeOf(c.path) == openPlane:
			level = slog.LevelDebug // every few seconds, for ever
		}
		ctx := c.ctx()
		if !s.Logger.Enabled(ctx, level) {
			return err
		}
		attrs := make([]slog.Attr, 0, 12)
		attrs = append(attrs,
			slog.String("operation", c.operation),
			slog.String("method", arm.Plain(c.Request().Method, maxMethod)),
			slog.Int("status", c.Response().Status),
			slog.Duration("took", s.Now().Sub(c.started)),
			slog.String("request_id", c.requestID),
			slog.String("correlation_id", c.correlationID),
			slog.String("client_request_id", c.clientRequestID),
		)
		if c.version != nil {
			attrs = append(attrs, slog.String("api_version", c.version.name))
		}
		if id := c.clusterID(); id.Name != "" {
			attrs = append(attrs, slog.String("resource_id", id.String()))
		}
		if c.begun != "" {
			attrs = append(attrs, slog.String("operation_id", c.begun))
		}
		s.Logger.LogAttrs(ctx, level, "request", append(attrs, logged(err)...)...)
		return err
	}
}

// logged describes the error of a call for the log. What a caller did wrong is
// logged without the message: that repeats values which the caller sent, and a
// secret may have been sent in the wrong place.
func logged(err error) []slog.Attr {
	typed, ok := errors.AsType[*arm.Error](err)
	if err == nil || !ok || typed.Code.Status >= http.StatusInternalServerError {
		if err == nil {
			return nil
		}
		return []slog.Attr{slog.Any("error", err)}
	}
	attrs := []slog.Attr{slog.String("error", typed.Code.Name), slog.String("target", arm.Plain(typed.Target, maxForeign))}
	if cause := typed.Unwrap(); cause != nil {
		// A decoder's error repeats the names of members.
		attrs = append(attrs, slog.String("cause", arm.Plain(cause.Error(), 4*maxForeign)))
	}
	return attrs
}

// audit writes a record, whatever the level of the log, about each call of the admin
// API and each read of a cluster's credentials that somebody tried, allowed or not:
// who, what, and how it was answered (X07). The fingerprint is proof. The names are
// what the holder of the certificate says: the one of the certificate, and the one of
// the engineer for whom a tool of ours calls. Customers are named by ARM's own record,
// which the correlation id leads to.
func (s *Server) audit(next handler) handler {
	return func(c *call) error {
		err := next(c)
		if !audited(c) {
			return err
		}
		name, fingerprint := certificateOf(c.Request())
		principal := ""
		if planeOf(c.path) == adminPlane {
			principal = bounded(c.principal())
		}
		s.Audit.InfoContext(c.ctx(), "audit", "operation", c.operation,
			"certificate", bounded(name), "fingerprint", fingerprint, "principal", principal,
			"method", c.Request().Method, "path", arm.Plain(c.path, maxAuditedPath), "subject", bounded(c.subject), "status", c.Response().Status,
			"code", codeOf(err), "operation_id", c.begun, "request_id", c.requestID, "correlation_id", c.correlationID)
		return err
	}
}

// maxAuditedPath is longer than the path of any cluster.
const maxAuditedPath = 512

func audited(c *call) bool {
	if planeOf(c.path) == adminPlane {
		return c.operation != "" && c.operation != metricsOperation
	}
	return readsCredentials(c.operation)
}

// readsCredentials reports whether the operation answers with secrets of a cluster.
func readsCredentials(operation string) bool {
	return strings.HasSuffix(operation, "Credentials")
}

// codeOf is the code of the error that a call was answered with, if it was one.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return arm.AsError(err, "").Code.Name
}

// measure counts and times the request.
func (s *Server) measure(next handler) handler {
	return func(c *call) error {
		s.metrics.running.Inc()
		defer s.metrics.running.Dec()
		err := next(c)
		s.metrics.observe(c, s.Now().Sub(c.started))
		return err
	}
}

// render answers with the error, if there is one, and passes it on to the log.
func (s *Server) render(next handler) handler {
	return func(c *call) error {
		err := next(c)
		if err == nil {
			return nil
		}
		typed := c.typed(err)
		if !c.Response().Committed {
			c.write(typed)
		}
		return typed
	}
}

// recovery makes an error of a panic.
func (s *Server) recovery(next handler) handler {
	return func(c *call) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = panicked(p)
				s.Logger.Error("panic", "request_id", c.requestID, "operation", c.operation, "error", err.Error(), "stack", string(debug.Stack()))
			}
		}()
		return next(c)
	}
}

// panicked describes a panic. The runtime's own errors keep their words; of any
// other value, which might be a secret, only the type is told.
func panicked(p any) error {
	if fault, ok := p.(runtime.Error); ok {
		return fmt.Errorf("panic: %w", fault)
	}
	return fmt.Errorf("panic with a %T", p)
}

// authenticate admits ARM to the API, engineers to the admin API and the
// metrics, and everybody to the health checks.
func (s *Server) authenticate(next handler) handler {
	return func(c *call) error {
		switch planeOf(c.path) {
		case openPlane:
			return next(c)
		case adminPlane:
			c.caller = s.Auth.Authenticate(c.Request())
			if !c.caller.Admin {
				return arm.Forbidden.Errorf("The client certificate is not allowed on the admin API.")
			}
			c.caller.ARM = false // what ARM says about clients is not for engineers to say
		default:
			c.caller = s.Auth.Authenticate(c.Request())
			if !c.caller.ARM {
				return arm.Forbidden.Errorf("The client certificate is not that of Azure Resource Manager.")
			}
		}
		return next(c)
	}
}

type plane int

const (
	armPlane plane = iota
	adminPlane
	openPlane
)

func planeOf(path string) plane {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	switch {
	case arm.EqualFold(first, "admin"), arm.EqualFold(first, "metrics"):
		return adminPlane
	case arm.EqualFold(first, "healthz"):
		return openPlane
	}
	return armPlane
}

// checkPath judges path and method, each part of the path with the code of its own.
func (s *Server) checkPath(next handler) handler {
	return func(c *call) error {
		if c.route == nil {
			return unknown(c.path)
		}
		if c.operation == "" {
			c.Response().Header().Set("Allow", c.route.allow())
			return arm.MethodNotAllowed.Errorf("The path does not have this method. It has %s.", c.route.allow())
		}
		var buffer [maxSegments]string
		segments := split(c.path, buffer[:0])
		for i, name := range c.route.parameters {
			if err := s.checkParameter(name, segments[i]); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// legalName says what arm.ValidName asks for, and legalGroup what arm.ValidGroupName does.
const (
	legalName  = "Use at most 90 ASCII letters, digits, '-', '_', '(', ')' and '.', not ending in '.'."
	legalGroup = "Use at most 90 letters, digits, '-', '_', '(', ')' and '.', not ending in '.'."
)

func (s *Server) checkParameter(name, value string) error {
	switch name {
	case "subscriptionId":
		if !arm.ValidSubscriptionID(value) {
			return arm.InvalidSubscriptionID.At(name, "%s is not allowed. The subscription id in the path is not a UUID.", arm.Sent(value))
		}
	case "resourceGroupName":
		if !arm.ValidGroupName(value) {
			return arm.InvalidResourceGroup.At(name, "%s is not allowed. The resource group name in the path is not legal. "+legalGroup, arm.Sent(value))
		}
	case "resourceName":
		if !arm.ValidName(value) {
			return arm.InvalidResourceName.At(name, "%s is not allowed. The cluster name in the path is not legal. "+legalName, arm.Sent(value))
		}
	case "location":
		if !arm.SameLocation(value, s.Location) {
			return arm.InvalidLocation.At(name, "%s is not allowed. This service serves the location %s only.", arm.Sent(value), s.Location)
		}
	case "operationId":
		if !arm.ValidUUID(value) {
			return arm.InvalidOperationID.At(name, "%s is not allowed. The operation id in the path is not a UUID. Use the URL that the service gave.", arm.Sent(value))
		}
	}
	return nil
}

// chooseVersion finds the api-version and whether it offers the operation (U07).
func (s *Server) chooseVersion(next handler) handler {
	return func(c *call) error {
		m := c.route.methods[c.Request().Method]
		if m.optional {
			return next(c)
		}
		name := c.QueryParam("api-version")
		c.version = s.versions[name]
		switch {
		case name == "":
			return arm.InvalidResourceType.At("api-version", "The query parameter api-version is missing. Supported are %s.", s.supported(m))
		case m.anyVersion:
			if c.version == nil && m.handler == nil {
				c.version = s.versions[m.versions[0]] // any router will do
			}
		case c.version == nil:
			return arm.InvalidResourceType.At("api-version", "%s is not supported. Supported are %s.", arm.Sent(name), s.supported(m))
		case !slices.Contains(m.versions, name):
			return arm.InvalidResourceType.At("api-version", "The operation %s is not part of api-version %s. It is available in %s.", m.operation, name, s.supported(m))
		}
		return next(c)
	}
}

func (s *Server) supported(m *method) string {
	if len(m.versions) == 0 {
		return subscriptionAPIVersion
	}
	return strings.Join(m.versions, ", ")
}

// readBody reads the body of the methods that have one, up to a limit.
func (s *Server) readBody(next handler) handler {
	return func(c *call) error {
		r := c.Request()
		if !hasBody(r.Method) {
			return next(c)
		}
		if r.ContentLength > maxBody {
			return c.tooLarge()
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		switch {
		case len(body) > maxBody:
			return c.tooLarge()
		case err != nil:
			return arm.InvalidRequestContent.Errorf("The body ended before it was complete.").Because(err)
		}
		media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		if len(body) > 0 && !arm.EqualFold(strings.TrimSpace(media), jsonType) {
			return arm.UnsupportedMediaType.At("Content-Type", "The Content-Type must be %s.", jsonType)
		}
		c.body = body
		return next(c)
	}
}

// tooLarge refuses the body, and ends the connection behind the answer. Most of the
// rest is read before: a connection that is closed while data arrives is reset, and the
// client may lose the answer. One that waits for 100 (Continue) has not sent it.
func (c *call) tooLarge() error {
	r := c.Request()
	c.Response().Header().Set("Connection", "close")
	if r.Header.Get("Expect") == "" {
		_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(drainTimeout)) // not every writer has one
		_, _ = io.CopyN(io.Discard, r.Body, maxDrained)
	}
	return arm.RequestTooLarge.Errorf("The body is larger than %d bytes.", maxBody)
}
