package openshift

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/metrics"
)

// API is a cluster's API server in plain HTTP, for those who read much of it and need
// little of what they read. Close it: clusters come and go.
type API struct {
	// URL is what paths are appended to; it does not end in a slash.
	URL string
	// Client sends the credentials of the kubeconfig, and gives up when its request's
	// context ends.
	Client *http.Client

	config    *rest.Config
	address   string
	transport *http.Transport
	// authenticated is the transport of Client without its reports, for client-go, which reports
	// its requests itself.
	authenticated http.RoundTripper
	open          *openConnections
}

// Access is a kubeconfig that has been read. Those who connect to many clusters again and
// again keep it, as reading takes as long as a connection.
type Access struct{ config *rest.Config }

// ReadKubeconfig reads a kubeconfig. Its errors say nothing of what is in it.
func ReadKubeconfig(kubeconfig []byte) (*Access, error) {
	config, err := restConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	return &Access{config}, nil
}

// Open is Access.Open for those who connect once.
func Open(kubeconfig []byte, address string) (*API, error) {
	access, err := ReadKubeconfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	return access.Open(address, 0)
}

// Open prepares to talk to the cluster at address, an IP, in place of the host that the
// kubeconfig names. It does not dial yet. Requests share one connection of HTTP/2, or have at
// most so many of HTTP/1.1, unless connections is 0: many short requests take a third less
// processor time at both ends then, but long ones, as watches, keep others waiting.
func (a *Access) Open(address string, connections int) (*API, error) {
	config := rest.CopyConfig(a.config)
	dial, err := dialAt(address)
	if err != nil {
		return nil, err
	}
	verify, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("TLS of the kubeconfig: %w", err)
	}
	if verify != nil { // a connection beside the first resumes its session
		verify.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	open := &openConnections{dial: dial, all: map[net.Conn]struct{}{}}
	// client-go's own transports are cached for ever and keyed by the dial function.
	// Compression costs both ends more than the network between them.
	transport := &http.Transport{DialContext: open.dialContext, TLSClientConfig: verify, ForceAttemptHTTP2: connections == 0,
		TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 2, MaxConnsPerHost: connections, DisableCompression: true}
	authenticated, err := rest.HTTPWrappersForConfig(config, transport)
	if err != nil {
		return nil, fmt.Errorf("credentials of the kubeconfig: %w", err)
	}
	return &API{URL: strings.TrimSuffix(config.Host, "/"), Client: &http.Client{Transport: reported{authenticated}},
		config: config, address: address, transport: transport, authenticated: authenticated, open: open}, nil
}

// reported reports requests where client-go reports its own.
type reported struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (r reported) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := r.next.RoundTrip(req)
	code := "<error>" // as in client-go
	if err == nil {
		code = strconv.Itoa(resp.StatusCode)
	}
	metrics.RequestLatency.Observe(req.Context(), req.Method, *req.URL, time.Since(began))
	metrics.RequestResult.Increment(req.Context(), code, req.Method, req.URL.Host)
	return resp, err
}

// Close closes the idle connections.
func (a *API) Close() { a.transport.CloseIdleConnections() }

// Abort closes all connections, including those with running requests.
func (a *API) Abort() {
	a.Close()
	a.open.closeAll()
}

// openConnections are those of an API.
type openConnections struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu  sync.Mutex
	all map[net.Conn]struct{}
}

func (c *openConnections) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	counted := &connection{Conn: conn, of: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[counted] = struct{}{}
	return counted, nil
}

func (c *openConnections) closeAll() {
	c.mu.Lock()
	var all []net.Conn
	for conn := range c.all {
		all = append(all, conn)
	}
	c.mu.Unlock()
	for _, conn := range all {
		_ = conn.Close()
	}
}

type connection struct {
	net.Conn
	of *openConnections
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.all, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
