// Package proxy lets one developer's machine reach the private endpoints of clusters: an
// HTTPS proxy in the network of the service that answers CONNECT only, to one client
// certificate only, for addresses of one subnet only.
package proxy

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Config is what a Proxy needs.
type Config struct {
	// Certificate is the server's, and Client the one certificate that may use it.
	Certificate tls.Certificate
	Client      *x509.Certificate
	// Subnet holds the addresses that may be reached.
	Subnet netip.Prefix
	Log    *slog.Logger
}

const (
	dialTimeout   = 30 * time.Second
	headerTimeout = 10 * time.Second
	// grace is how long tunnels may last after the end of Serve was requested.
	grace = 5 * time.Second
)

// Proxy opens tunnels.
type Proxy struct {
	Config
	dialer net.Dialer

	mu      sync.Mutex
	tunnels map[net.Conn]struct{} // the connections of clients
}

// New checks the configuration.
func New(cfg Config) (*Proxy, error) {
	if cfg.Client == nil || len(cfg.Certificate.Certificate) == 0 || !cfg.Subnet.IsValid() {
		return nil, errors.New("the proxy needs its certificate, its client's and a subnet")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Proxy{Config: cfg, dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}, tunnels: map[net.Conn]struct{}{}}, nil
}

// tls requires the one client certificate. No authority signs it: it is compared byte by byte.
func (p *Proxy) tls() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.CurveP256, tls.X25519}, SessionTicketsDisabled: true,
		Certificates: []tls.Certificate{p.Certificate}, ClientAuth: tls.RequireAnyClientCert, NextProtos: []string{"http/1.1"},
		VerifyConnection: func(state tls.ConnectionState) error {
			if subtle.ConstantTimeCompare(state.PeerCertificates[0].Raw, p.Client.Raw) != 1 {
				return errors.New("the client certificate is another one")
			}
			return nil
		},
	}
}

// Serve answers on l until ctx ends.
func (p *Proxy) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: p, ReadHeaderTimeout: headerTimeout, ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(tls.NewListener(l, p.tls())) }()
	select {
	case err := <-failed:
		return fmt.Errorf("listen on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(stopping)
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.tunnels {
		_ = conn.Close()
	}
	return err
}

// ServeHTTP opens a tunnel.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		w.Header().Set("Allow", http.MethodConnect)
		http.Error(w, "The proxy answers CONNECT only.", http.StatusMethodNotAllowed)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		http.Error(w, "The target must be ADDRESS:PORT.", http.StatusBadRequest)
		return
	}
	// A name could resolve to anything.
	if address, err := netip.ParseAddr(host); err != nil || !p.Subnet.Contains(address.Unmap()) {
		http.Error(w, "The target must be an address of "+p.Subnet.String()+".", http.StatusForbidden)
		return
	}
	target, err := p.dialer.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		p.Log.Warn("target not reached", "target", r.Host, "error", err)
		http.Error(w, "The target cannot be reached.", http.StatusBadRequest)
		return
	}
	defer func() { _ = target.Close() }()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "The connection cannot be tunnelled.", http.StatusInternalServerError)
		return
	}
	defer func() { _ = client.Close() }()
	defer p.keep(client)()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	p.Log.Info("tunnel", "target", r.Host, "client", r.RemoteAddr)
	join(client, target, buffered)
}

// keep lets Serve end the tunnel; the returned forgets it.
func (p *Proxy) keep(client net.Conn) (forget func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tunnels[client] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.tunnels, client)
	}
}

// join copies both ways until both have ended. What one side has finished sending, the
// other hears as an end, and may still answer.
func join(client, target net.Conn, fromClient io.Reader) {
	var both sync.WaitGroup
	both.Go(func() { pipe(target, fromClient) })
	both.Go(func() { pipe(client, target) })
	both.Wait()
}

func pipe(to net.Conn, from io.Reader) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_ = to.Close()
	}
}
