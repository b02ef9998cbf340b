package openshift

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unique"

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
// again keep it, as reading takes as long as a connection, and keep many: it is small.
type Access struct {
	host, server, token  string
	ca, certificate, key []block
	// other is the whole configuration if the kubeconfig has more than that.
	other *rest.Config
}

// block is one of PEM, decoded.
type block struct {
	kind unique.Handle[string]
	der  []byte
}

func blocksOf(text []byte) (blocks []block, err error) {
	for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
		blocks = append(blocks, block{unique.Make(b.Type), slices.Clip(bytes.Clone(b.Bytes))})
	}
	if len(text) > 0 && len(blocks) == 0 {
		return nil, errors.New("the kubeconfig has a certificate or a key that is not PEM")
	}
	return slices.Clip(blocks), nil
}

func pemOf(blocks []block) (text []byte) {
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: b.kind.Value(), Bytes: b.der})...)
	}
	return text
}

// config is what was read.
func (a *Access) config() *rest.Config {
	if a.other != nil {
		return rest.CopyConfig(a.other)
	}
	return &rest.Config{Host: a.host, BearerToken: a.token, QPS: unlimited, UserAgent: userAgent, WarningHandler: rest.NoWarnings{},
		TLSClientConfig: rest.TLSClientConfig{ServerName: a.server, CAData: pemOf(a.ca), CertData: pemOf(a.certificate), KeyData: pemOf(a.key)}}
}

// ReadKubeconfig reads a kubeconfig. Its errors say nothing of what is in it.
func ReadKubeconfig(kubeconfig []byte) (*Access, error) {
	config, err := restConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	if config.Username != "" || config.Proxy != nil || config.Impersonate.UserName != "" || config.BearerTokenFile != "" || config.CAFile+config.CertFile+config.KeyFile != "" {
		return &Access{other: config}, nil
	}
	ca, err1 := blocksOf(config.CAData)
	certificate, err2 := blocksOf(config.CertData)
	key, err3 := blocksOf(config.KeyData)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, err
	}
	return &Access{host: strings.Clone(config.Host), server: strings.Clone(config.ServerName), token: strings.Clone(config.BearerToken), ca: ca, certificate: certificate, key: key}, nil
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
// most so many of HTTP/1.1, unless connections is 0: many short requests take less
// processor time then, a tenth at this end and a third at the other. Those that wait for one that has been silent for a second get another.
func (a *Access) Open(address string, connections int) (*API, error) {
	config := a.config()
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
	open := newConnections(dial, connections > 0)
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
func (a *API) Close() {
	a.open.close()
	a.transport.CloseIdleConnections()
}

// Abort closes all connections, including those with running requests.
func (a *API) Abort() {
	a.Close()
	a.open.closeAll()
}

// openConnections are those of an API. Beside one that is not silent there is no other if they are few: a TLS
// handshake takes as long as many requests.
type openConnections struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	few  bool

	mu  sync.Mutex
	all map[net.Conn]struct{}
	// dialling is how many are being made.
	dialling int
	active   time.Time
	// changed is closed when there is one less, and when the API is closed.
	changed chan struct{}
	closed  bool
}

// silence is the time without a byte after which requests that wait get another connection.
const silence = time.Second

func newConnections(dial func(ctx context.Context, network, address string) (net.Conn, error), few bool) *openConnections {
	return &openConnections{dial: dial, few: few, all: map[net.Conn]struct{}{}, changed: make(chan struct{})}
}

func (c *openConnections) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	conn, err := c.connect(ctx, network, address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dialling--; err != nil {
		c.change()
	}
	return conn, err
}

// connect dials whatever there is.
func (c *openConnections) connect(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	counted := &connection{Conn: conn, of: c}
	c.all[counted] = struct{}{}
	return counted, nil
}

// await waits until a connection is needed.
func (c *openConnections) await(ctx context.Context) error {
	for waited := false; ; waited = true {
		wait, changed, err := c.wait(waited)
		if wait <= 0 || err != nil {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// wait is how long not to dial, unless something changes. It counts the one who dials at once. One who has
// waited when the API is closed is not needed any more.
func (c *openConnections) wait(waited bool) (wait time.Duration, changed <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waited && c.closed {
		return 0, nil, net.ErrClosed
	}
	now := time.Now()
	if c.few && len(c.all)+c.dialling > 0 {
		wait = c.active.Add(silence).Sub(now)
	}
	if wait <= 0 {
		c.dialling++
		c.active = now
	}
	return wait, c.changed, nil
}

// change wakes those who wait. c.mu is held.
func (c *openConnections) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *openConnections) used() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active = time.Now()
}

// close ends the waiting of dials that nothing needs any more.
func (c *openConnections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.change()
	}
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

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.of.used()
	return n, err
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.of.mu.Lock()
	if _, open := c.of.all[c]; open {
		delete(c.of.all, c)
		c.of.change()
	}
	c.of.mu.Unlock()
	return c.Conn.Close()
}
