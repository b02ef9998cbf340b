// Package server answers HTTP: what Azure Resource Manager asks about clusters,
// and what engineers ask through the admin API. It authenticates, finds the
// api-version, lets the version judge and translate the body, and writes what is
// wanted into the store, where a worker finds it.
//
// It never touches a cluster or Azure, and runs no long work: checks that must
// ask Azure come in through Preflight.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Preflight is what can only be checked by asking Azure, and soon: quotas, sizes,
// features and providers. The rest is the backend's first step.
type Preflight interface {
	// CheckCreate returns an *arm.Error that says what stands in the way of creating
	// c; correlationID is that of the request.
	CheckCreate(ctx context.Context, correlationID string, c *model.Cluster) error
}

// Config is what a Server needs. Store, Location, Domain and Auth are required.
type Config struct {
	Store *store.Store
	// Location is the one region that is served, such as "eastus".
	Location string
	// Domain is where clusters get their names, such as "eastus.aroapp.io".
	Domain string
	// Auth tells who calls. Development needs a loopback listener, everything else TLS.
	Auth Authenticator
	// Hosts are names, with or without a port, that Development answers to beside those
	// of the loopback.
	Hosts []string
	// IdentityHosts are where credentials of clusters' identities may be fetched.
	IdentityHosts model.IdentityHosts
	// Connections bounds how many are open; default 4096.
	Connections int
	// TLS is for listeners; nil serves plain HTTP, which only Development may.
	TLS *tls.Config
	// RequireD2sWorkers allows small workers; see model.Rules.
	RequireD2sWorkers bool
	// Build is written into new clusters as the build that created them.
	Build string
	// Keys seal continuation tokens. Processes that share a store share them. Nil makes
	// a key that dies with the process.
	Keys *store.Keyring
	// Installable says which versions of OpenShift can be installed; others are not
	// offered. Nil does not know, and every enabled version is.
	Installable model.Installable
	// Preflight may be nil: then nothing is asked.
	Preflight Preflight
	// Wake is called when there is new work, so that a worker in this process starts
	// at once; nil calls nobody.
	Wake func()
	// Replaced is called when a delete has taken the place of what ran on a cluster, given by
	// its document's partition and id, so that a worker in this process stops at once; nil
	// calls nobody.
	Replaced func(partition, id string)
	// DrainDelay is how long a stopping server goes on accepting while it says it is
	// not ready, so that load balancers notice.
	DrainDelay time.Duration
	// Grace is how long running requests get to finish at shutdown; default 25 s.
	Grace time.Duration
	// Logger and Registry default to silence.
	Logger *slog.Logger
	// Audit takes the audit's records, at level INFO; default Logger.
	Audit    *slog.Logger
	Registry *prometheus.Registry
	// Now and NewID default to the clock and random UUIDs.
	Now   func() time.Time
	NewID func() string
}

// Server answers requests. It is safe for concurrent use.
type Server struct {
	Config

	rules     model.Rules
	versions  map[string]*spoken
	table     *table
	echo      *echo.Echo
	handle    handler
	tokens    tokens
	catalogue *catalogue
	metrics   *metrics
	draining  atomic.Bool
}

const defaultGrace = 25 * time.Second

// New checks the configuration and builds the server. It fails if an operation
// of a spec has no handler.
func New(cfg Config) (*Server, error) {
	s := &Server{Config: cfg}
	if err := s.complete(); err != nil {
		return nil, err
	}
	s.rules = model.Rules{Location: s.Location, Domain: s.Domain, RequireD2sWorkers: s.RequireD2sWorkers}
	s.catalogue = newCatalogue(s.Store, s.Installable, s.Now)
	s.metrics = newMetrics(s.Registry)
	if err := s.route(); err != nil {
		return nil, err
	}
	s.handle = s.chain()
	return s, nil
}

func (s *Server) complete() error {
	switch {
	case s.Store == nil:
		return errors.New("a server needs a store")
	case s.Location == "" || s.Domain == "":
		return errors.New("a server needs a location and a domain")
	case s.Auth == nil:
		return errors.New("a server needs an authenticator")
	case s.TLS == nil && !isDevelopment(s.Auth):
		return errors.New("in production a server needs TLS")
	}
	if s.Wake == nil {
		s.Wake = func() {}
	}
	if s.Replaced == nil {
		s.Replaced = func(string, string) {}
	}
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
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.NewID == nil {
		s.NewID = uuid.NewString
	}
	if s.Keys == nil {
		var err error
		if s.Keys, err = store.ParseKeyring([]byte(store.NewKey())); err != nil {
			return err
		}
	}
	s.tokens = tokens{s.Keys}
	return nil
}

// Handler is the whole API, for tests and for listeners of one's own. The caller
// answers for the rules about listeners that Serve keeps.
func (s *Server) Handler() http.Handler { return s }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if own, ok := r.Context().Value(connectionKey{}).(*connection); ok {
		defer own.begin()()
	}
	inner := s.echo.AcquireContext()
	inner.Reset(r, w)
	_ = s.handle(&call{Context: inner}) // the chain has rendered it
	s.echo.ReleaseContext(inner)
}

// The bounds of a connection. A request itself is bounded by requestTimeout.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Serve answers on l until ctx ends. Then it says that it is not ready, goes on
// accepting for DrainDelay, lets running requests finish within Grace, and returns.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if isDevelopment(s.Auth) && !isLoopback(l.Addr()) {
		return fmt.Errorf("development mode trusts everybody and so listens on loopback addresses only, not on %s", l.Addr())
	}
	s.Logger.Info("listening", "address", l.Addr().String())
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
	s.Logger.Info("draining", "delay", s.DrainDelay, "grace", s.Grace)
	time.Sleep(s.DrainDelay)
	ctx, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		_ = h.Close()
		return fmt.Errorf("requests did not finish within %s: %w", s.Grace, err)
	}
	return nil
}

func isLoopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
