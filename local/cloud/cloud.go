// Package cloud is the local Azure: it assembles the resource manager, the identity platform and
// the data planes, and serves them at one https origin.
//
// It contains what applies to every request to the resource manager: identity, limits, permissions,
// faults on demand, the activity log, and forwarding to the resource provider. The behaviour of
// resource types is in the packages below, and in those that plug in through Options.Plug.
package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/cloud/access"
	"github.com/aro-rp/aro/local/cloud/blob"
	"github.com/aro-rp/aro/local/cloud/deployments"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/registry"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
	"github.com/aro-rp/aro/local/cloud/vault"
)

// Ids that every local Azure has.
const (
	TenantID               = "00000000-0000-0000-0000-0000000000f0"
	OtherTenantID          = "00000000-0000-0000-0000-0000000000f1" // of subscriptions that moved
	CustomerSubscription   = "00000000-0000-0000-0000-0000000000a1"
	ServiceSubscription    = "00000000-0000-0000-0000-0000000000a0"
	FirstPartyApplication  = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"
	ServiceApplication     = "00000000-0000-0000-0000-0000000000e0"
	DemoApplication        = "00000000-0000-0000-0000-0000000000e1"
	ServiceGroup           = "aro-rp"
	providerNamespace      = "microsoft.redhatopenshift"
	shutdownPatience       = 5 * time.Second
	readHeaderTimeout      = 10 * time.Second
	directoryMode          = 0o700
	stateFile              = "state.db"
	serviceSubscriptionID  = "/subscriptions/" + ServiceSubscription
	customerSubscriptionID = "/subscriptions/" + CustomerSubscription
)

// Options of a local Azure.
type Options struct {
	// Dir holds all that is kept.
	Dir string
	// Origin is where clients reach it, such as https://localhost:8443.
	Origin string
	// RPAddress is HOST:PORT of the resource provider of Microsoft.RedHatOpenShift.
	RPAddress string
	// Private is the range of the service's private endpoints, 127.64.0.0/16 if empty.
	Private string
	// Unlimited switches the limits of requests off.
	Unlimited bool
	// SignOperations makes the addresses of operations as long as Azure's, and insists
	// that they are used as they were given.
	SignOperations bool
	// Portal is the origin of the service's portal, such as https://localhost:8444; without it the
	// portal's application is not registered.
	Portal string
	// Empty omits the service's own resources at the first start, for a service that is deployed
	// later.
	Empty bool
	// RPTLS is how the resource provider is reached by https; nil reaches it by http.
	RPTLS *tls.Config
	// RPDial opens connections to it; nil is the system's way.
	RPDial func(ctx context.Context, network, address string) (net.Conn, error)
	// Secrets of the applications made at first start; random if empty.
	ServiceSecret, DemoSecret string
	// RegistryProgram is aro-registry, which keeps the images of container registries; without it
	// they are resources only.
	RegistryProgram string
	// Plug adds behaviours to the resource manager before it starts.
	Plug []func(ctx context.Context, a *Azure) error
	Log  *slog.Logger
	Now  func() time.Time
}

// Azure is a local Azure. Make it with New, then Serve it.
type Azure struct {
	Options
	State     *state.DB
	Engine    *resources.Engine
	Access    *access.Access
	Entra     *entra.Entra
	Blob      *blob.Service
	Vault     *vault.Service
	Registry  *registry.Service
	Authority *Authority

	planes      []plane
	limits      *limits
	faults      *faults
	provider    *provider
	deployments *deployments.Deployments
	closers     []func()
}

// plane is a handler for paths below a prefix.
type plane struct {
	prefix  string
	handler http.Handler
}

// New opens the local Azure in a directory and fills it at first start.
func New(ctx context.Context, o Options) (_ *Azure, err error) {
	o.Origin = strings.TrimRight(o.Origin, "/")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Private == "" {
		o.Private = "127.64.0.0/16"
	}
	if err := os.MkdirAll(o.Dir, directoryMode); err != nil {
		return nil, fmt.Errorf("local Azure: %w", err)
	}
	a := &Azure{Options: o, limits: newLimits(o.Now)}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	for _, step := range []func(context.Context) error{a.open, a.assemble, a.plug, a.seed, a.seedPortal, a.start} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("local Azure: %w", err)
		}
	}
	return a, nil
}

func (a *Azure) open(ctx context.Context) (err error) {
	if a.State, err = state.Open(filepath.Join(a.Dir, stateFile)); err != nil {
		return err
	}
	a.closers = append(a.closers, func() { _ = a.State.Close() })
	if a.Authority, err = OpenAuthority(a.Dir); err != nil {
		return err
	}
	if a.faults, err = openFaults(ctx, a.State, a.limits); err != nil {
		return err
	}
	a.Engine = resources.New(resources.Options{State: a.State, Origin: a.Origin, Log: a.Log, Now: a.Now})
	a.closers = append(a.closers, a.Engine.Close)
	a.provider = newProvider(a)
	return nil
}

// Mount serves paths below a prefix, such as /graph/, by a handler of its own.
func (a *Azure) Mount(prefix string, handler http.Handler) {
	a.planes = append(a.planes, plane{prefix, handler})
}

// OnClose runs f when the local Azure closes, the last given first.
func (a *Azure) OnClose(f func()) { a.closers = append(a.closers, f) }

func (a *Azure) plug(ctx context.Context) error {
	for _, plug := range a.Plug {
		if err := plug(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (a *Azure) start(ctx context.Context) error { return a.Engine.Start(ctx) }

// Close stops what runs. The next New resumes what is unfinished.
func (a *Azure) Close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}

// Client reaches the local Azure from this process and trusts its certificate.
func (a *Azure) Client() *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Authority.Pool(), MinVersion: tls.VersionTLS12}, IdleConnTimeout: time.Minute}
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// Serve answers on a listener until ctx ends; then requests that run get a moment.
func (a *Azure) Serve(ctx context.Context, listener net.Listener) error {
	certificate, err := a.Authority.serving(a.Origin)
	if err != nil {
		return fmt.Errorf("local Azure: certificate of the origin: %w", err)
	}
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: readHeaderTimeout,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		// HTTP/2 gains nothing on one machine, and takes a second to close.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug), // clients that do not trust us
	}
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(listener, "", "") }()
	select {
	case err := <-done:
		return fmt.Errorf("local Azure: %w", err)
	case <-ctx.Done():
	}
	patience, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
	defer stop()
	err = server.Shutdown(patience)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-done //nolint:errcheck // it says no more than that the server was shut down
	return err
}

// ServeHTTP finds who answers a path.
func (a *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := "/" + strings.TrimLeft(r.URL.Path, "/")
	named := vault.Hosted(r.Host) || blob.Hosted(r.Host) || registry.Hosted(r.Host) // by a name of its own, as az builds it
	if (named || !ofManager(path)) && a.disturbed(w, r, path) {
		return
	}
	switch {
	case vault.Hosted(r.Host):
		a.Vault.ServeHTTP(w, r)
		return
	case blob.Hosted(r.Host):
		a.Blob.ServeHTTP(w, r)
		return
	case registry.Hosted(r.Host):
		a.Registry.ServeHTTP(w, r)
		return
	}
	for _, p := range a.planes {
		if strings.HasPrefix(strings.ToLower(path), p.prefix) {
			p.handler.ServeHTTP(w, r)
			return
		}
	}
	switch lower := strings.ToLower(strings.TrimRight(path, "/")); {
	case lower == "/metadata/endpoints":
		a.metadata(w, r)
	case lower == "/checkaccess":
		a.checkAccess(w, r)
	case strings.HasPrefix(lower, "/local/"):
		a.admin(w, r)
	case strings.HasPrefix(lower, "/subscriptions"), strings.HasPrefix(lower, "/providers"), strings.HasPrefix(lower, "/tenants"):
		a.arm(w, r)
	default:
		a.Entra.ServeHTTP(w, r)
	}
}

// ofManager reports whether faults meet a path in the resource manager, or nowhere.
func ofManager(path string) bool {
	for _, prefix := range []string{"/subscriptions", "/providers", "/tenants", "/metadata/", "/local/"} {
		if strings.HasPrefix(strings.ToLower(path), prefix) {
			return true
		}
	}
	return false
}

// checkAccess serves every caller that has a token of this tenant.
func (a *Azure) checkAccess(w http.ResponseWriter, r *http.Request) {
	if _, err := a.caller(r); err != nil {
		resources.WriteError(w, err)
		return
	}
	a.Access.ServeHTTP(w, r)
}
