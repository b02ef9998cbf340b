// Package httpserver has what all servers of the service share: the listener with its
// limits, TLS and client certificates, request ids, access log, audit, metrics, health,
// and graceful shutdown. An API is a path prefix and a function; several share one
// listener.
//
// It knows no operation, no document and no version of an API.
package httpserver

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/tracing"
)

// API handles the paths below a prefix.
type API struct {
	// Prefix is the first segment of its paths, such as "/admin"; "/" is for all paths
	// that no other API has.
	Prefix string
	// Clients are the names of the allow-lists of its callers, who must be on one of
	// them; none allows all.
	Clients []string
	// Denied is the message to other callers; optional.
	Denied string
	// Route returns the handler of a request, or why there is none, and sets the name
	// of the operation. It runs before authentication, so that refused requests are
	// logged and counted with the operation's name; it must therefore have no other
	// effects.
	Route func(*Exchange) func() error
	// Endless reports whether a request may last for as long as its client stays, such as
	// a watch or an upgraded connection; nil has none. What answers it bounds it.
	Endless func(*http.Request) bool
	// Audited reports whether a request is recorded; nil records none.
	Audited func(*Exchange) bool
	// Failure renders errors; default PlainFailure.
	Failure func(*Exchange, error) Failure

	quiet bool // logs requests at level DEBUG
}

// Config is the configuration of a Server. Without APIs it serves health and
// metrics only.
type Config struct {
	APIs []API
	// Auth identifies callers. APIs with Clients need it. Development requires a
	// loopback listener, every other one TLS.
	Auth Authenticator
	// Hosts are host names, with or without a port, that a server with Development
	// accepts beside those of the loopback.
	Hosts []string
	// TLS is the configuration of listeners; nil serves plain HTTP.
	TLS *tls.Config
	// Connections bounds the number of open connections; default 4096.
	Connections int
	// Ready returns why the process cannot serve; nil is always ready.
	Ready func(context.Context) error
	// MetricsClients are the names of the allow-lists for the metrics; none allows all.
	MetricsClients []string
	// Failure renders errors of health and metrics; default PlainFailure.
	Failure func(*Exchange, error) Failure
	// DrainDelay is how long a stopping server accepts requests while it reports not
	// ready. Connections are kept for the first NoticeDelay of it, in which load balancers
	// notice: a client that opened another one could be led here again. Afterwards every
	// response closes its connection.
	DrainDelay, NoticeDelay time.Duration
	// Grace is how long running requests can continue at shutdown; default 25 s.
	Grace time.Duration
	// Logger and Registry are optional. Audit gets the audit records, at level INFO;
	// default Logger.
	Logger, Audit *slog.Logger
	Registry      *prometheus.Registry
	// Answered is called after every request with its duration; may be
	// nil.
	Answered func(x *Exchange, took time.Duration)
	// Now and NewID default to the clock and random UUIDs.
	Now   func() time.Time
	NewID func() string
}

// Server serves APIs. It is safe for concurrent use.
type Server struct {
	Config

	apis      map[string]*API
	echo      *echo.Echo
	metrics   *metrics
	readiness readiness
	// draining reports not ready, closing asks clients to close their connections.
	draining, closing atomic.Bool
}

const defaultGrace = 25 * time.Second

// New validates the configuration and sets its defaults.
func New(cfg Config) (*Server, error) {
	s := &Server{Config: cfg, apis: map[string]*API{}, echo: echo.New()}
	s.complete()
	for _, api := range append(s.health(), s.APIs...) {
		switch {
		case api.Route == nil || !strings.HasPrefix(api.Prefix, "/"):
			return nil, fmt.Errorf("the API below %q needs a prefix that begins with / and a route", api.Prefix)
		case s.apis[arm.ToLower(api.Prefix)] != nil:
			return nil, fmt.Errorf("two APIs are below %s", api.Prefix)
		case len(api.Clients) > 0 && s.Auth == nil:
			return nil, fmt.Errorf("the API below %s is for the clients %v only: it needs an authenticator", api.Prefix, api.Clients)
		}
		if api.Failure == nil {
			api.Failure = PlainFailure
		}
		s.apis[arm.ToLower(api.Prefix)] = &api
	}
	if s.Auth != nil && s.TLS == nil && !isDevelopment(s.Auth) {
		return nil, errors.New("in production a server needs TLS")
	}
	s.metrics = newMetrics(s.Registry)
	return s, nil
}

func (s *Server) complete() {
	if s.Grace == 0 {
		s.Grace = defaultGrace
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Audit == nil {
		s.Audit = s.Logger
	}
	if s.Connections == 0 {
		s.Connections = defaultConnections
	}
	if s.Registry == nil {
		s.Registry = prometheus.NewRegistry()
	}
	if s.Ready == nil {
		s.Ready = func(context.Context) error { return nil }
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.NewID == nil {
		s.NewID = uuid.NewString
	}
}

// The limits of a connection and of a request. ARM waits 60 s (C10).
const (
	requestTimeout = 50 * time.Second
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeader      = 64 << 10
)

// ServeHTTP handles one request. Callers that use a Server with a listener of their own
// are responsible for the rules about listeners that Serve enforces.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if own, ok := r.Context().Value(connectionKey{}).(*connection); ok {
		defer own.begin()()
	}
	if s.closing.Load() {
		w.Header().Set("Connection", "close") // the next request finds another process
	}
	api := s.apiOf(r.URL.Path)
	ctx := r.Context()
	if api.Endless != nil && api.Endless(r) {
		// A deadline of the connection would end the request. Not every writer has them.
		control := http.NewResponseController(w)
		_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	inner := s.echo.AcquireContext()
	defer s.echo.ReleaseContext(inner)
	inner.Reset(r.WithContext(ctx), w)
	x := &Exchange{Context: inner, Canonical: r.URL.Path}
	if s.exchange(x, api); x.aborted {
		panic(http.ErrAbortHandler) // net/http cuts the connection and says nothing
	}
}

// exchange handles a request. Every request is answered, counted, audited and
// logged, in this order.
func (s *Server) exchange(x *Exchange, api *API) {
	s.identify(x)
	if !api.quiet {
		defer trace(x)()
	}
	s.metrics.running.Inc()
	defer s.metrics.running.Dec()
	var failure *Failure
	if err := s.answer(x, api); err != nil {
		f := api.Failure(x, err)
		f.write(x)
		failure = &f
	}
	took := s.Now().Sub(x.Started)
	s.metrics.observe(x, took)
	if s.Answered != nil {
		s.Answered(x, took)
	}
	if api.Audited != nil && api.Audited(x) {
		s.audit(x, failure)
	}
	s.log(x, api.quiet, failure)
}

// trace begins the span of a request; end ends it, after the response.
func trace(x *Exchange) (end func()) {
	ctx, span := tracing.Serve(x.Request())
	x.SetRequest(x.Request().WithContext(ctx))
	return func() {
		if x.Operation != "" {
			span.SetName(x.Operation)
		}
		span.Note("http.request.method", arm.Plain(x.Request().Method, maxMethod), tracing.CorrelationID, x.CorrelationID, tracing.OperationID, x.OperationID,
			tracing.RequestID, x.RequestID, tracing.Resource, x.Resource, "aro.api_version", x.Version)
		span.Status(x.Response().Status, http.StatusInternalServerError)
		span.End()
	}
}

// apiOf returns the API of a path.
func (s *Server) apiOf(path string) *API {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	if api := s.apis["/"+arm.ToLower(first)]; api != nil {
		return api
	}
	if api := s.apis["/"]; api != nil {
		return api
	}
	return s.apis["/healthz"] // which has no such path
}

// answer calls the handler of the API for callers that are allowed. A panic becomes
// an error.
func (s *Server) answer(x *Exchange, api *API) (err error) {
	defer func() {
		p := recover()
		if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares so too; an answer that has begun cannot be completed
			x.aborted = true
			return
		}
		if p != nil {
			err = panicked(p)
			s.Logger.Error("panic", "request_id", x.RequestID, "operation", x.Operation, "error", err.Error(), "stack", string(debug.Stack()))
		}
	}()
	answer := api.Route(x)
	if err := s.guardHost(x.Request()); err != nil {
		return err
	}
	if len(api.Clients) > 0 {
		if x.Caller = s.Auth.Authenticate(x.Request()); !slices.ContainsFunc(api.Clients, x.Caller.On) {
			return &Refusal{Status: http.StatusForbidden, Message: cmp.Or(api.Denied, "The client certificate is not allowed here.")}
		}
	}
	return answer()
}

// Serve serves on l until ctx ends. Then it reports not ready, accepts requests for
// DrainDelay, at last on connections that it asks clients to close, waits for running requests for at most Grace, and returns.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if isDevelopment(s.Auth) && !isLoopback(l.Addr()) {
		return fmt.Errorf("development mode has no authentication and so listens on loopback addresses only, not on %s", l.Addr())
	}
	what := "listening"
	if len(s.APIs) == 0 {
		what = "listening for health and metrics"
	}
	s.Logger.Info(what, "address", l.Addr().String())
	l = &connections{Listener: l, most: s.Connections}
	if s.TLS != nil {
		l = tls.NewListener(l, s.TLS)
	}
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout + headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withConnection,
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("listen on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	return s.shutdown(h)
}

func (s *Server) shutdown(h *http.Server) error {
	s.draining.Store(true)
	s.Logger.Info("draining", "notice", s.NoticeDelay, "delay", s.DrainDelay, "grace", s.Grace)
	time.Sleep(s.NoticeDelay)
	s.closing.Store(true)
	time.Sleep(s.DrainDelay - s.NoticeDelay)
	ctx, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		_ = h.Close()
		return fmt.Errorf("requests did not finish within %s: %w", s.Grace, err)
	}
	return nil
}
