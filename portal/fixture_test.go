package portal_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/admin"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/audit"
	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/portal"
	"github.com/aro-rp/aro/portal/actions"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/entra"
)

const subscription = "11111111-1111-4111-8111-111111111111"

// fixture is a portal on a server of its own, with an Entra ID and one cluster.
type fixture struct {
	*testing.T
	directory *entra.Directory
	store     *store.Store
	api       *apiServer
	origin    string
	roots     *x509.CertPool
	log       *lockedBuffer
	cluster   string

	stopping chan struct{}

	mu  sync.Mutex
	now time.Time
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{T: t, directory: entra.New(t), api: newAPIServer(t), log: &lockedBuffer{}, roots: x509.NewCertPool(), stopping: make(chan struct{})}
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	w.store = store.New(driver, keys)
	t.Cleanup(func() { _ = w.store.Close() })
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.origin = fmt.Sprintf("https://localhost:%d", l.Addr().(*net.TCPAddr).Port)
	serving, application := selfSigned(t, "localhost"), rsaSigned(t)
	w.roots.AddCert(serving.Leaf)
	always := func(c *tls.Certificate) func(context.Context) (*tls.Certificate, error) {
		return func(context.Context) (*tls.Certificate, error) { return c, nil }
	}
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	engineers, err := admin.New(admin.Config{Store: w.store, Catalogue: catalogue.New(w.store, nil, nil), Keys: keys, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	audited, err := audit.New(log.Handler(), w.store.Audit, prometheus.NewRegistry(), log)
	if err != nil {
		t.Fatal(err)
	}
	var server *httpserver.Server
	p, err := portal.New(portal.Config{Store: w.store, Keys: keys, Admin: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { server.ServeHTTP(rw, r) }), Origin: w.origin, Certificate: always(serving), Location: "eastus", Build: "b1", Logger: log, Now: w.clock, LivePeriod: 50 * time.Millisecond, Stopping: w.stopping,
		SSHAddress: "portal.example.com:2222", SSHKey: always(application),
		Login: portal.Login{Issuer: w.directory.Issuer(), ClientID: entra.ClientID, Certificate: always(application), Access: []string{entra.GroupSRE}, Elevated: []string{entra.GroupHigh}, Client: w.directory.Client()}})
	if err != nil {
		t.Fatal(err)
	}
	server, err = httpserver.New(httpserver.Config{APIs: []httpserver.API{p.HTTP(), engineers.HTTP()}, Auth: actions.Delegation{Elevated: admin.Clients, Readers: admin.Readers}, TLS: portal.TLS(always(serving)), Failure: armhttp.Failure, Logger: log, Audit: slog.New(audited), Grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		audited.Close(ctx)
	})
	w.cluster = w.create("shop", func(c *model.Cluster) {
		c.Properties.ProvisioningState = model.Succeeded
		c.Internal.PrivateEndpointIP = "127.0.0.1"
		c.Internal.SREKubeconfig, c.Internal.ServiceKubeconfig = model.Secret(w.api.kubeconfig("system:aro-sre")), model.Secret(w.api.kubeconfig("system:aro-service"))
	})
	return w
}

func (w *fixture) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now.IsZero() {
		return time.Now()
	}
	return w.now
}

func (w *fixture) at(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = t
}

// create puts a cluster into the store and returns its id.
func (w *fixture) create(name string, change func(*model.Cluster)) string {
	w.Helper()
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "prod", Name: name}
	doc := store.NewCluster(id)
	doc.Cluster.ID, doc.Cluster.Name, doc.Cluster.Location = id.String(), name, "eastus"
	doc.Cluster.Internal.CreatedAt = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	doc.Cluster.Properties.ClusterProfile.Version = "4.19.24"
	if change != nil {
		change(&doc.Cluster)
	}
	if err := w.store.Clusters.Create(w.Context(), doc); err != nil {
		w.Fatal(err)
	}
	return id.String()
}

// browser keeps cookies and follows redirects.
type browser struct {
	*fixture
	*http.Client
}

func (w *fixture) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	trusted := w.roots.Clone()
	trusted.AddCert(w.directory.Certificate())
	return &browser{w, &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}}}
}

// reply is an answer that was read.
type reply struct {
	*http.Response
	text string
}

func (b *browser) do(method, path string, body io.Reader, header ...string) reply {
	b.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.origin + path
	}
	req, err := http.NewRequestWithContext(b.Context(), method, path, body)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	res, err := b.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return reply{res, string(text)}
}

func (b *browser) get(path string, header ...string) reply {
	b.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *browser) post(path string, form url.Values, header ...string) reply {
	b.Helper()
	return b.do(http.MethodPost, path, strings.NewReader(form.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

// stay does not follow redirects.
func (b *browser) stay() *browser {
	client := *b.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{b.fixture, &client}
}

// login is a browser of a user who has logged in.
func (w *fixture) login(user string, groups ...string) *browser {
	w.Helper()
	w.directory.LogIn(user, groups...)
	b := w.browser()
	if r := b.get("/clusters"); r.StatusCode != http.StatusOK || r.Request.URL.Path != "/clusters" {
		w.Fatalf("%s is at %s: %s %s", user, r.Request.URL, r.Status, r.text)
	}
	return b
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// csrf is the token of the browser's session.
func (b *browser) csrf() string {
	b.Helper()
	found := csrfField.FindStringSubmatch(b.get("/clusters").text)
	if found == nil {
		b.Fatal("the page has no form")
	}
	return found[1]
}

// kubeconfig downloads one, and returns the token in it.
func (b *browser) kubeconfig(elevated bool) (config *clientcmdapi.Config, token string) {
	b.Helper()
	form := url.Values{"csrf": {b.csrf()}}
	if elevated {
		form.Set("elevated", "true")
	}
	r := b.post(b.cluster+"/kubeconfig/new", form)
	config, err := clientcmd.Load([]byte(r.text))
	if err != nil || r.StatusCode != http.StatusOK {
		b.Fatal(r.Status, r.text, err)
	}
	return config, config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo].Token
}

// apiServer is an API server that says who asked for what, with a stream and an upgrade.
type apiServer struct {
	*httptest.Server
	*testing.T
	authority tls.Certificate
	began     chan struct{}
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	a := &apiServer{T: t, authority: *selfSigned(t, "authority"), began: make(chan struct{}, 100)}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(a.serve))
	clients := x509.NewCertPool()
	clients.AddCert(a.authority.Leaf)
	a.TLS = &tls.Config{ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	a.StartTLS()
	t.Cleanup(a.Close)
	return a
}

func (a *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"Authorization", "Cookie", "Referer", "Origin"} {
		if r.Header.Get(name) != "" {
			a.Errorf("the API server got %s", name)
		}
	}
	w.Header().Set("Set-Cookie", "evil=1")
	w.Header().Set("X-Asked-By", r.TLS.PeerCertificates[0].Subject.CommonName)
	w.Header().Set("X-Asked-For", r.URL.EscapedPath())
	switch {
	case r.Header.Get("Upgrade") != "":
		a.upgrade(w)
	case r.URL.Query().Get("watch") != "":
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		a.began <- struct{}{}
		<-r.Context().Done()
	default:
		_, _ = fmt.Fprintf(w, "%s %s", r.Method, r.URL.RawQuery)
	}
}

// upgrade echoes what comes.
func (a *apiServer) upgrade(w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.Error(err)
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
	a.began <- struct{}{}
	_, _ = io.Copy(conn, rw)
}

func (a *apiServer) kubeconfig(who string) []byte {
	a.Helper()
	key := newKey(a.T)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: who}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.authority.Leaf, &key.PublicKey, a.authority.PrivateKey)
	if err != nil {
		a.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	u, _ := url.Parse(a.URL)
	text, err := clientcmd.Write(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"c": {Server: "https://example.com:" + u.Port(), CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {ClientCertificateData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			ClientKeyData: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})}},
		Contexts: map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "u"}}, CurrentContext: "x",
	})
	if err != nil {
		a.Fatal(err)
	}
	return text
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func selfSigned(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func rsaSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "portal"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
