// Package portal serves the SRE portal: the clusters of all subscriptions, the operations of each,
// and access to the clusters' API servers. It authenticates users by Entra ID, and keeps the
// credentials that it issued in the store.
//
// It changes no cluster's document, and knows no api-version.
package portal

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/portal"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/portal/actions"
	"github.com/aro-rp/aro/store"
)

// Config is what a Portal needs. Store, Keys, Origin, Login and Certificate are required.
type Config struct {
	Store *store.Store
	// Keys seal cookies.
	Keys *store.Keyring
	// Origin is the one address at which browsers reach the portal, such as
	// https://localhost:8444.
	Origin string
	Login  Login
	// Certificate is the one of the portal's server, which kubeconfigs trust.
	Certificate func(context.Context) (*tls.Certificate, error)
	// SSHAddress is where the SSH server of the portal is, HOST:PORT, and SSHKey has its key; without
	// an address there is none.
	SSHAddress string
	SSHKey     func(context.Context) (*tls.Certificate, error)
	// Admin is the admin API in this process, for the actions on clusters. It identifies callers by
	// an actions.Delegation. nil offers none.
	Admin http.Handler
	// LivePeriod is the time between looks at what has changed on a page; default five seconds.
	LivePeriod time.Duration
	// Stopping is closed when the process begins to stop: what keeps a page up to date ends then. It may be nil.
	Stopping <-chan struct{}
	// Location and Build are shown.
	Location, Build string
	// Logger defaults to silence and Now to the clock.
	Logger *slog.Logger
	Now    func() time.Time
}

// Login configures where users log in, and who may.
type Login struct {
	// Issuer is the tenant of Entra ID, such as https://login.microsoftonline.com/TENANT/v2.0.
	Issuer string
	// ClientID is the portal's application, and Certificate proves it.
	ClientID    string
	Certificate func(context.Context) (*tls.Certificate, error)
	// Access and Elevated are the object ids of groups. Members of either may look; those
	// of the second may act as administrators of clusters.
	Access, Elevated []string
	// Client calls Entra ID.
	Client *http.Client
}

// Portal answers browsers and kubectl.
type Portal struct {
	Config
	host    string
	router  *armhttp.Router
	access  accesses
	issuer  access.Issuer
	entra   *entra
	index   *index
	routes  *routes
	streams *streams
	recent  recent
	actions *actions.Catalogue
}

var _ api.ServerInterface = (*Portal)(nil)

// New checks the configuration and completes it.
func New(cfg Config) (*Portal, error) {
	p := &Portal{Config: cfg, router: armhttp.NewRouter(api.Operations())}
	origin, err := url.Parse(p.Origin)
	switch {
	case p.Store == nil || p.Keys == nil || p.Certificate == nil || p.Login.Certificate == nil || p.Login.Client == nil:
		return nil, errors.New("the portal needs a store, keys, its certificates and a client")
	case err != nil || origin.Scheme != "https" || origin.Host == "" || origin.Path != "":
		return nil, errors.New("the portal's origin must be https://HOST or https://HOST:PORT")
	case len(p.Login.Access)+len(p.Login.Elevated) == 0:
		return nil, errors.New("the portal needs a group of those who may log in")
	}
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	p.LivePeriod = cmp.Or(p.LivePeriod, 5*time.Second)
	p.host = origin.Host
	p.access = accesses{Accesses: access.Accesses{Documents: p.Store.Portal, Now: p.Now}, seal: armhttp.Sealer{Keys: p.Keys, Purpose: "portal cookies"}}
	p.issuer = access.Issuer{Accesses: p.access.Accesses, Origin: p.Origin, Certificate: p.Certificate, SSHAddress: p.SSHAddress, SSHKey: p.SSHKey}
	p.entra = &entra{Login: p.Login, redirect: p.Origin + "/callback", now: p.Now}
	p.index = newIndex(p.Store.Clusters, p.Now, p.Logger)
	p.routes = &routes{clusters: p.Store.Clusters, now: p.Now}
	p.streams = &streams{access: p.access.Accesses}
	if p.actions, err = actions.All(); err != nil {
		return nil, err
	}
	api.RegisterHandlers(p.router, p)
	return p, nil
}

// HTTP is the portal for a server.
func (p *Portal) HTTP() httpserver.API {
	return httpserver.API{
		Prefix: "/", Route: p.route, Failure: p.failure,
		Endless: func(r *http.Request) bool {
			_, _, ok := proxiedPath(r.URL.EscapedPath())
			return ok || isAction(r) || isLive(r)
		},
		Audited: func(x *httpserver.Exchange) bool { return x.Operation != "" && x.Operation != "Portal_GetAsset" },
	}
}

// call is a request, of a user or unauthenticated.
type call struct {
	*httpserver.Exchange
	session *session
}

// open are the operations that need no session.
var open = map[string]bool{"Portal_Login": true, "Portal_Callback": true, "Portal_ShowLoggedOut": true, "Portal_GetAsset": true}

func (p *Portal) route(x *httpserver.Exchange) func() error {
	if id, rest, ok := proxiedPath(x.Request().URL.EscapedPath()); ok {
		x.Operation, x.Resource, x.Canonical = "Portal_ProxyKubernetes", id.String(), id.String()+access.ProxyPath
		return func() error { return p.guarded(x, func() error { return p.proxy(x, id, rest) }) }
	}
	if x.Request().URL.Path == "/" {
		x.Operation = "Portal_ShowHome"
		return func() error { return p.guarded(x, func() error { return x.Redirect(http.StatusFound, "/clusters") }) }
	}
	route, methods := p.router.Find(x)
	return func() error { return p.guarded(x, func() error { return p.answer(x, route, methods) }) }
}

func (p *Portal) answer(x *httpserver.Exchange, route *armhttp.Route, methods []string) error {
	if err := route.Check(x, methods, ""); err != nil {
		return err
	}
	if err := armhttp.ReadQuery(x); err != nil {
		return err
	}
	c := &call{Exchange: x}
	if open[route.ID] {
		return route.Answer(c)
	}
	var err error
	if c.session, err = p.access.session(x); err != nil {
		return err
	}
	if c.session == nil {
		return anonymous(x)
	}
	x.Principal = c.session.Username
	if x.Request().Method != http.MethodGet {
		if err := c.ownForm(p.Origin); err != nil {
			return err
		}
	}
	if isLive(x.Request()) && live[route.ID] {
		return p.follow(c, route)
	}
	return route.Answer(c)
}

// anonymous redirects a browser without a session to the login, and answers scripts with an error.
func anonymous(x *httpserver.Exchange) error {
	r := x.Request()
	mode := r.Header.Get("Sec-Fetch-Mode")
	if r.Method == http.MethodGet && (mode == "" || mode == "navigate") && !isAPI(r.URL.Path) {
		return x.Redirect(http.StatusTemporaryRedirect, "/login?redirect="+url.QueryEscape(r.URL.RequestURI()))
	}
	return &httpserver.Refusal{Status: http.StatusUnauthorized, Message: "You are not logged in, or the session has ended. Log in at /login."}
}

// clusterID is the cluster of the path.
func (c *call) clusterID() arm.ClusterID { return armhttp.ClusterID(c) }
