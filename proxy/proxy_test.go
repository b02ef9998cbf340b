package proxy_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/proxy"
)

func certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// fixture is a proxy with its one client.
type fixture struct {
	*testing.T
	address       string
	server, owner tls.Certificate
	stop          func()
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{T: t, server: certificate(t, "proxy"), owner: certificate(t, "developer")}
	p, err := proxy.New(proxy.Config{Certificate: w.server, Client: w.owner.Leaf, Subnet: netip.MustParsePrefix("127.0.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	w.stop = func() {
		if cancel(); ctx.Err() != nil && done != nil {
			<-done
			done = nil
		}
	}
	t.Cleanup(w.stop)
	return w
}

// ask sends a request line with a certificate and returns the status, 0 if TLS refused it.
func (w *fixture) ask(client tls.Certificate, method, target string) (int, *tls.Conn, *bufio.Reader) {
	w.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(w.server.Leaf)
	conn, err := tls.Dial("tcp", w.address, &tls.Config{RootCAs: roots, ServerName: "proxy", Certificates: []tls.Certificate{client}})
	if err != nil {
		return 0, nil, nil
	}
	w.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: proxy\r\n\r\n", method, target); err != nil {
		return 0, nil, nil
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		return 0, nil, nil
	}
	return res.StatusCode, conn, r
}

// counter answers how many bytes it was sent, once it has heard the end of them.
func counter(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				n, _ := io.Copy(io.Discard, conn)
				_, _ = fmt.Fprintf(conn, "%d bytes", n)
			}()
		}
	}()
	return l.Addr().String()
}

func TestTheOneClientReachesTheSubnet(t *testing.T) {
	t.Parallel()
	w, target := newFixture(t), counter(t)
	_, port, _ := net.SplitHostPort(target)
	for name, test := range map[string]struct {
		client tls.Certificate
		method string
		target string
		status int
	}{
		"the client":          {w.owner, "CONNECT", target, http.StatusOK},
		"another of the name": {certificate(t, "developer"), "CONNECT", target, 0},
		"no certificate":      {tls.Certificate{}, "CONNECT", target, 0},
		"another method":      {w.owner, "GET", "http://" + target + "/", http.StatusMethodNotAllowed},
		"a name":              {w.owner, "CONNECT", "localhost:" + port, http.StatusForbidden},
		"another subnet":      {w.owner, "CONNECT", "127.1.0.1:" + port, http.StatusForbidden},
		"IPv6":                {w.owner, "CONNECT", "[::1]:" + port, http.StatusForbidden},
		"in IPv6's form":      {w.owner, "CONNECT", "[::ffff:127.0.0.1]:" + port, http.StatusOK},
		"no port":             {w.owner, "CONNECT", "127.0.0.1", http.StatusBadRequest},
		"closed port":         {w.owner, "CONNECT", "127.0.0.2:1", http.StatusBadRequest},
	} {
		if status, _, _ := w.ask(test.client, test.method, test.target); status != test.status {
			t.Errorf("%s: %d, want %d", name, status, test.status)
		}
	}
}

func TestATunnelHearsTheEndOfOneSideAndGoesOn(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	status, conn, r := w.ask(w.owner, "CONNECT", counter(t))
	if status != http.StatusOK {
		t.Fatal(status)
	}
	const much = 3 << 20
	if _, err := io.Copy(conn, strings.NewReader(strings.Repeat("x", much))); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != fmt.Sprintf("%d bytes", much) || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

func TestTheEndOfTheProxyEndsTunnels(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	status, _, r := w.ask(w.owner, "CONNECT", counter(t))
	if status != http.StatusOK {
		t.Fatal(status)
	}
	w.stop()
	if _, err := r.ReadByte(); err == nil {
		t.Error("the tunnel goes on")
	}
}

func TestProbesAreAnswered(t *testing.T) {
	t.Parallel()
	p, err := proxy.New(proxy.Config{Certificate: certificate(t, "proxy"), Client: certificate(t, "developer").Leaf, Subnet: netip.MustParsePrefix("127.0.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.ServeHealth(ctx, l) }()
	for path, want := range map[string]int{"/healthz/ready": http.StatusOK, "/metrics": http.StatusOK, "/": http.StatusNotFound} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = answer.Body.Close(); answer.StatusCode != want {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	if stop(); <-done != nil {
		t.Error("it does not end well")
	}
}
