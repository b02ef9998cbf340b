package httpserver

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// readyTimeout bounds the readiness check.
	readyTimeout = 2 * time.Second
	// readyAge is how long its result is cached, so that frequent probes do not
	// load the database.
	readyAge = 500 * time.Millisecond
)

// readiness is the result of the last check.
type readiness struct {
	mu      sync.Mutex
	checked time.Time
	err     error
}

// check runs the check unless the last result is still valid. Concurrent probes wait
// for the same result.
func (r *readiness) check(ctx context.Context, now func() time.Time, ready func(context.Context) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := now(); r.checked.IsZero() || at.Sub(r.checked) >= readyAge {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
		defer cancel()
		r.err, r.checked = ready(ctx), at
	}
	return r.err
}

// health returns the APIs of every server about itself.
func (s *Server) health() []API {
	exposition := promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{})
	paths := map[string]struct {
		operation string
		answer    func(x *Exchange) error
	}{
		"/healthz/ready": {"Healthz_Ready", s.ready},
		"/healthz/live":  {"Healthz_Live", func(x *Exchange) error { return x.Blob(http.StatusOK, JSON, []byte(`{}`)) }},
		"/metrics": {"Metrics", func(x *Exchange) error {
			exposition.ServeHTTP(x.Response(), x.Request())
			return nil
		}},
	}
	route := func(x *Exchange) func() error {
		path := "/" + strings.ToLower(strings.Join(strings.FieldsFunc(x.Canonical, func(r rune) bool { return r == '/' }), "/"))
		found, ok := paths[path]
		switch {
		case !ok:
			return func() error { return &Refusal{Status: http.StatusNotFound, Message: "The path does not exist."} }
		case x.Request().Method != http.MethodGet:
			return func() error {
				x.Response().Header().Set("Allow", http.MethodGet)
				return &Refusal{Status: http.StatusMethodNotAllowed, Message: "The path does not have this method. It has GET."}
			}
		}
		x.Canonical, x.Operation = path, found.operation
		return func() error { return found.answer(x) }
	}
	return []API{
		{Prefix: "/healthz", Route: route, Failure: s.Failure, quiet: true},
		{Prefix: "/metrics", Clients: s.MetricsClients, Route: route, Failure: s.Failure},
	}
}

// ready reports to load balancers whether the server accepts requests.
func (s *Server) ready(x *Exchange) error {
	if s.draining.Load() {
		return &Refusal{Status: http.StatusServiceUnavailable, Message: "The service is stopping."}
	}
	if err := s.readiness.check(x.Ctx(), s.Now, s.Ready); err != nil {
		return &Refusal{Status: http.StatusServiceUnavailable, Message: "The service is not ready.", Cause: err}
	}
	return x.Blob(http.StatusOK, JSON, []byte(`{}`))
}
