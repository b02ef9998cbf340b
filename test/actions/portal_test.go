package actions

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/portal"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/entra"
)

// settings are what a process of the portal needs.
type settings struct {
	Store, Keys, Issuer  string
	DirectoryCertificate []byte
	// Serving and Application are certificates and their keys, PEM.
	Serving, Application []byte
}

// servePortal is the process of the portal: it prints its origin, logs to standard error,
// and ends with its standard input.
func servePortal(input io.Reader) error {
	lines := bufio.NewReader(input)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var s settings
	if err := json.Unmarshal(first, &s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		stop()
	}()
	driver, err := sqlite.Open(ctx, s.Store)
	if err != nil {
		return err
	}
	keys, err := store.ParseKeyring([]byte(s.Keys))
	if err != nil {
		return err
	}
	documents := store.New(driver, keys)
	defer func() { _ = documents.Close() }()
	directory := x509.NewCertPool()
	directory.AppendCertsFromPEM(s.DirectoryCertificate)
	var certificates [2]func(context.Context) (*tls.Certificate, error)
	for i, text := range [][]byte{s.Serving, s.Application} {
		pair, err := tls.X509KeyPair(text, text)
		if err != nil {
			return err
		}
		certificates[i] = func(context.Context) (*tls.Certificate, error) { return &pair, nil }
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	origin := fmt.Sprintf("https://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	p, err := portal.New(portal.Config{Store: documents, Keys: keys, Origin: origin, Certificate: certificates[0], Location: "eastus", Build: "test", Logger: log,
		Login: portal.Login{Issuer: s.Issuer, ClientID: entra.ClientID, Certificate: certificates[1], Access: []string{entra.GroupSRE}, Elevated: []string{entra.GroupHigh},
			Client: &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: directory}}}}})
	if err != nil {
		return err
	}
	server, err := httpserver.New(httpserver.Config{APIs: []httpserver.API{p.HTTP()}, TLS: portal.TLS(certificates[0]), Failure: armhttp.Failure, Logger: log, Grace: patience / 2})
	if err != nil {
		return err
	}
	if _, err := fmt.Println(origin); err != nil {
		return err
	}
	return server.Serve(ctx, listener)
}

// portalProcess is a running portal of two clusters, shop and other, whose API server is
// the one of all tests.
type portalProcess struct {
	*testing.T
	origin    string
	pid       int
	directory *entra.Directory
	roots     *x509.CertPool

	mu  sync.Mutex
	log bytes.Buffer
}

// Write takes what the portal logs.
func (p *portalProcess) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

func (p *portalProcess) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func startPortal(t *testing.T) *portalProcess {
	t.Helper()
	p := &portalProcess{T: t, directory: entra.New(t), roots: x509.NewCertPool()}
	p.roots.AddCert(p.directory.Certificate())
	s := settings{Store: filepath.Join(t.TempDir(), "aro.db"), Keys: store.NewKey(), Issuer: p.directory.Issuer(),
		DirectoryCertificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.directory.Certificate().Raw})}
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.Serving = certified(t, elliptic, &elliptic.PublicKey)
	p.roots.AppendCertsFromPEM(s.Serving)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s.Application = certified(t, other, &other.PublicKey)
	fillStore(t, s)
	line, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-serve-portal")
	command.Stderr = p
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = command.Process.Pid
	t.Cleanup(func() {
		_ = stdin.Close()
		late := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		defer late.Stop()
		if err := command.Wait(); err != nil {
			t.Errorf("the portal ended with %v: %s", err, p.logged())
		}
	})
	if _, err := stdin.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	origin, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the portal did not start: %v: %s", err, p.logged())
	}
	p.origin = strings.TrimSpace(origin)
	return p
}

// certified is a self-signed certificate and its key, PEM.
func certified(t *testing.T, key, public any) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
}

func fillStore(t *testing.T, s settings) {
	t.Helper()
	driver, err := sqlite.Open(t.Context(), s.Store)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(s.Keys))
	if err != nil {
		t.Fatal(err)
	}
	documents := store.New(driver, keys)
	for _, name := range []string{"shop", "other"} {
		id := edge.ClusterID(name)
		doc := store.NewCluster(id)
		c := &doc.Cluster
		c.ID, c.Name, c.Properties.ProvisioningState = id.String(), id.Name, model.Succeeded
		c.Internal.PrivateEndpointIP, c.Internal.SREKubeconfig, c.Internal.ServiceKubeconfig = "127.0.0.1", model.Secret(cluster.kubeconfig), model.Secret(cluster.kubeconfig)
		if err := documents.Clusters.Create(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	if err := documents.Close(); err != nil {
		t.Fatal(err)
	}
}

// engineer is the browser of a user.
type engineer struct {
	*portalProcess
	http.Client
}

func (p *portalProcess) login(user string) *engineer {
	p.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.Fatal(err)
	}
	p.directory.LogIn(user, entra.GroupHigh)
	e := &engineer{p, http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}}}}
	p.Cleanup(e.CloseIdleConnections)
	return e
}

// page is the text at a path; with a form it is what the form leads to.
func (e *engineer) page(path string, form url.Values) string {
	e.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(e.Context(), method, e.origin+path, body)
	if err != nil {
		e.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := e.Do(req)
	if err != nil {
		e.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, statusError(res)); err != nil {
		e.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
	return string(text)
}

func statusError(res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// form is a form of the page of a cluster.
func (e *engineer) form(name string, members ...string) (path string, form url.Values, page string) {
	e.Helper()
	path = edge.ClusterID(name).String()
	page = e.page(path, nil)
	field := csrfField.FindStringSubmatch(page)
	if field == nil {
		e.Fatalf("the page has no form: %s", page)
	}
	form = url.Values{"csrf": {field[1]}}
	for i := 0; i < len(members); i += 2 {
		form.Set(members[i], members[i+1])
	}
	return path, form, page
}

// kubeconfig downloads one.
func (e *engineer) kubeconfig(name string) []byte {
	e.Helper()
	path, form, _ := e.form(name, "elevated", "true")
	return []byte(e.page(path+"/kubeconfig/new", form))
}

var kubeconfigField = regexp.MustCompile(`name="id" value="([0-9a-f]{64})"`)

// revoke ends the only kubeconfig of a cluster.
func (e *engineer) revoke(name string) {
	e.Helper()
	path, form, page := e.form(name)
	fields := kubeconfigField.FindAllStringSubmatch(page, -1)
	if len(fields) != 1 {
		e.Fatalf("%d kubeconfigs, want 1", len(fields))
	}
	form.Set("id", fields[0][1])
	e.page(path+"/kubeconfig/revoke", form)
}
