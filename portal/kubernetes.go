package portal

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
	"github.com/aro-rp/aro/store"
)

const (
	// upgradeLimit is how long an upgraded connection may last, such as a shell.
	upgradeLimit = time.Hour
	// routeAge is how long a connection to a cluster is used before the document is read again.
	routeAge = time.Minute
	// routesMost bounds the ways that are kept.
	routesMost = 1000
)

// proxiedPath returns the cluster of a path below which its API server is, and the rest.
func proxiedPath(escaped string) (id arm.ClusterID, rest string, ok bool) {
	const clusterSegments = 9 // with the empty one before the first slash
	parts := strings.SplitN(escaped, "/", clusterSegments+3)
	if len(parts) < clusterSegments+2 || !arm.EqualFold("/"+parts[clusterSegments]+"/"+parts[clusterSegments+1], access.ProxyPath) {
		return id, "", false
	}
	id, ok = arm.ParseClusterID(strings.Join(parts[:clusterSegments], "/"))
	if len(parts) > clusterSegments+2 {
		rest = parts[clusterSegments+2]
	}
	return id, "/" + rest, ok
}

// proxy lets the holder of a kubeconfig through to the API server of its cluster.
func (p *Portal) proxy(x *httpserver.Exchange, id arm.ClusterID, rest string) error {
	r := x.Request()
	info := requestInfoOf(r, rest)
	x.Subject = info.String()
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !arm.EqualFold(scheme, "Bearer") {
		secret = ""
	}
	found, err := p.holder(x.Ctx(), secret)
	if err != nil {
		return err
	}
	if found == nil {
		return &httpserver.Refusal{Status: http.StatusForbidden, Target: "Authorization", Message: "The kubeconfig has expired or was revoked. Download another one at " + p.Origin + "."}
	}
	x.Principal = found.Username
	if !arm.EqualFold(found.ClusterID, id.String()) {
		return arm.InvalidParameter.Errorf("The kubeconfig is for another cluster.")
	}
	route, err := p.routes.to(x.Ctx(), id, found.Elevated)
	if err != nil {
		return err
	}
	ctx := x.Ctx()
	if info.long {
		until := found.ExpiresAt
		if limit := p.Now().Add(upgradeLimit); info.upgrade && limit.Before(until) {
			until = limit
		}
		var done func()
		ctx, done = p.streams.add(ctx, access.Holder(found.ObjectID), access.ID(secret), until)
		defer done()
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, shortLimit)
		defer cancel()
	}
	// The policy keeps what a cluster answers from being a page of the portal.
	x.Response().Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
	return forward(x, r.WithContext(ctx), route, rest)
}

// holder returns what a kubeconfig is good for, nil if that is nothing.
func (p *Portal) holder(ctx context.Context, secret string) (*model.PortalAccess, error) {
	id := access.ID(secret)
	known, revocations := p.recent.find(id, p.Now())
	if known != nil {
		return known, nil
	}
	found, err := p.access.Find(ctx, secret, model.PortalKubeconfig)
	if found != nil {
		p.recent.keep(id, found, p.Now(), revocations)
	}
	return found, err
}

// shortLimit bounds requests that are no stream. API servers end theirs after a minute.
const shortLimit = 75 * time.Second

// forward sends the request on and the answer back.
func forward(x *httpserver.Exchange, r *http.Request, to *openshift.Route, rest string) error {
	var failed error
	proxy := httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			u := pr.Out.URL
			u.Scheme, u.Host, u.RawQuery = to.Server.Scheme, to.Server.Host, pr.In.URL.RawQuery
			u.RawPath = strings.TrimSuffix(to.Server.EscapedPath(), "/") + rest
			u.Path = unescaped(u.RawPath)
			pr.Out.Host = to.Server.Host
			for _, name := range []string{"Authorization", "Cookie", "Origin", "Referer"} {
				pr.Out.Header.Del(name)
			}
		},
		Transport: to.Transport,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ModifyResponse: func(res *http.Response) error {
			res.Header.Del("Set-Cookie")
			if res.StatusCode == http.StatusSwitchingProtocols {
				x.Response().Status = res.StatusCode // which is written past the response
			}
			res.Body = allowed(r.Context(), res.Body)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
	}
	proxy.ServeHTTP(x.Response(), r)
	switch {
	case failed == nil:
		return nil
	case errors.Is(context.Cause(r.Context()), errRevoked):
		return &httpserver.Refusal{Status: http.StatusForbidden, Message: "The kubeconfig was revoked or has expired."}
	case x.Response().Committed:
		return nil
	}
	return &httpserver.Refusal{Status: http.StatusBadGateway, Message: "The API server of the cluster cannot be reached: " + openshift.Why(failed), Cause: failed}
}

// allowed ends a body with an error when ctx ends. Without it, an API server sometimes sees that the
// portal closes its connection, and completes its answer, before the connection is closed: what was
// cut off then looks complete to the client.
func allowed(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	read := &reading{body, ctx}
	if connection, ok := body.(io.ReadWriteCloser); ok {
		return struct {
			*reading
			io.Writer
		}{read, connection}
	}
	return read
}

type reading struct {
	io.ReadCloser
	ctx context.Context
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return n, err
}

// routes are the ways to clusters that were used lately.
type routes struct {
	clusters *store.Collection[store.ClusterDocument]
	now      func() time.Time

	mu    sync.Mutex
	known map[routeKey]*knownRoute
}

type routeKey struct {
	cluster  string
	elevated bool
}

type knownRoute struct {
	*openshift.Route
	kubeconfig model.Secret
	address    string
	read       time.Time
}

// to returns the connection to a cluster, with the service's or the engineers' identity.
func (s *routes) to(ctx context.Context, id arm.ClusterID, elevated bool) (*openshift.Route, error) {
	key := routeKey{id.Key(), elevated}
	s.mu.Lock()
	known := s.known[key]
	s.mu.Unlock()
	if known != nil && s.now().Sub(known.read) < routeAge {
		return known.Route, nil
	}
	doc, err := s.clusters.Get(ctx, id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return nil, armhttp.NotFound(id)
	}
	if err != nil {
		return nil, err
	}
	in := &doc.Cluster.Internal
	fresh := knownRoute{kubeconfig: in.SREKubeconfig, address: in.PrivateEndpointIP, read: s.now()}
	if elevated {
		fresh.kubeconfig = in.ServiceKubeconfig
	}
	if known != nil && known.kubeconfig == fresh.kubeconfig && known.address == fresh.address {
		fresh.Route = known.Route
	} else if fresh.Route, err = openshift.NewRoute([]byte(fresh.kubeconfig), fresh.address); err != nil {
		return nil, &httpserver.Refusal{Status: http.StatusServiceUnavailable, Message: "The cluster has no API server that the portal can reach yet.", Cause: err}
	}
	s.keep(key, &fresh)
	return fresh.Route, nil
}

func (s *routes) keep(key routeKey, route *knownRoute) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= routesMost {
		s.known = map[routeKey]*knownRoute{} // running requests keep theirs
	}
	s.known[key] = route
}
