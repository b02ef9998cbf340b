package hypervisor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vincent-petithory/dataurl"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	group    = "/subscriptions/00000000-0000-0000-0000-0000000000a1/resourceGroups/aro-demo/providers/Microsoft.Compute/virtualMachines/"
	frontend = "10.0.0.4"
	// patience is for machines that do much else besides.
	patience = 2 * time.Minute
)

// authority signs what the machines of one test trust.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private))(t)
	return authority{certificate: must(x509.ParseCertificate(der))(t), key: private}
}

// server is a certificate for every name that the machines use.
func (a authority) server(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"api-int.demo.test"},
		IPAddresses: []net.IP{net.ParseIP(frontend), net.ParseIP(loopback)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key))(t)
	return pemOf("CERTIFICATE", der), pemOf("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(private))(t))
}

func (a authority) pem() []byte { return pemOf("CERTIFICATE", a.certificate.Raw) }

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// lan is a network with one load balancer, at frontend.
type lan struct {
	mu   sync.Mutex
	host *Host
	pool []string // ids of machines
}

func (l *lan) Dial(ctx context.Context, _ VM, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(address, frontend+":") {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var port int
	if _, err := fmt.Sscanf(address, frontend+":%d", &port); err != nil {
		return nil, err
	}
	for _, id := range l.pool {
		if conn, err := l.host.Dial(ctx, id, port); err == nil {
			return conn, nil
		}
	}
	return nil, errors.New("connection refused")
}

// site is a host with a network and a store of blobs.
type site struct {
	dir    string
	ca     authority // of the blobs
	root   authority // of the cluster
	blobs  *httptest.Server
	lan    *lan
	host   *Host
	cancel context.CancelFunc
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), ca: newAuthority(t, "origin"), root: newAuthority(t, "root-ca")}
	certificate, key := s.ca.server(t)
	s.blobs = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("sig") != "good" {
			http.Error(w, "AuthenticationFailed", http.StatusForbidden)
			return
		}
		_, _ = w.Write(s.bootstrapIgnition(t, strings.TrimPrefix(r.URL.Path, "/")))
	}))
	s.blobs.TLS = &tls.Config{Certificates: []tls.Certificate{must(tls.X509KeyPair(certificate, key))(t)}}
	s.blobs.StartTLS()
	t.Cleanup(s.blobs.Close)
	s.open(t)
	return s
}

// open starts the host in the directory, again if it ran before.
func (s *site) open(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	old := s.lan
	s.lan = &lan{}
	if old != nil {
		s.lan.pool = old.pool
	}
	s.lan.mu.Lock() // machines that resume must not see a network without host
	host, err := Open(ctx, Options{
		Dir: s.dir, Network: s.lan, ControlPlane: []string{os.Args[0], asControlPlane},
		Authorities: s.ca.pool(), Log: slog.New(slog.DiscardHandler),
	})
	s.lan.host = host
	s.lan.mu.Unlock()
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	s.host, s.cancel = host, cancel
	t.Cleanup(s.close)
}

func (s *site) close() {
	s.cancel()
	s.host.Wait()
}

type file struct {
	Path     string         `json:"path"`
	Contents map[string]any `json:"contents"`
}

func newFile(path string, content []byte) file {
	return file{Path: path, Contents: map[string]any{"source": dataurl.EncodeBytes(content)}}
}

// bootstrapIgnition is what is needed of the installer's; without names a file to omit.
func (s *site) bootstrapIgnition(t *testing.T, without string) []byte {
	t.Helper()
	certificate, key := s.root.server(t)
	served := func(role string) []byte { return s.nodeIgnition(t, role) }
	all := []file{
		newFile("/opt/openshift/tls/signer.crt", s.root.pem()),
		newFile("/opt/openshift/tls/signer.key", pemOf("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(s.root.key))(t))),
		newFile("/opt/openshift/tls/server.crt", certificate),
		newFile("/opt/openshift/tls/server.key", key),
		newFile("/opt/openshift/served/config/master", served("master")),
		newFile("/opt/openshift/served/config/worker", served("worker")),
	}
	var kept []file
	for _, f := range all {
		if without == "" || !strings.HasSuffix(f.Path, without) {
			kept = append(kept, f)
		}
	}
	return ignition(t, map[string]any{
		"storage": map[string]any{"files": kept},
		"systemd": map[string]any{"units": []any{map[string]any{"name": "bootkube.service", "contents": "[Service]\n"}}},
	}, nil)
}

func (s *site) nodeIgnition(t *testing.T, role string) []byte {
	t.Helper()
	kubeconfig := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"k",
"contexts":[{"name":"k","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{"token":"join"}}],
"clusters":[{"name":"c","cluster":{"server":"https://api-int.demo.test:6443","certificate-authority-data":%s}}]}`,
		must(json.Marshal(s.root.pem()))(t))
	names := newFile("/etc/dnsmasq.conf", []byte("no-hosts\naddress=/api-int.demo.test/"+frontend+"\n"))
	if role == "worker" {
		names = newFile("/etc/hosts.d/aro.conf", []byte(frontend+" api.demo.test api-int.demo.test # both\n"))
	}
	return ignition(t, map[string]any{"storage": map[string]any{"files": []file{
		newFile("/etc/kubernetes/kubeconfig", []byte(kubeconfig)), names,
	}}}, nil)
}

// ignition is a configuration of version 3.2.0.
func ignition(t *testing.T, body map[string]any, more map[string]any) []byte {
	t.Helper()
	if body == nil {
		body = map[string]any{}
	}
	head := map[string]any{"version": "3.2.0"}
	for key, value := range more {
		head[key] = value
	}
	body["ignition"] = head
	return must(json.Marshal(body))(t)
}

func (s *site) bootstrapVM(t *testing.T, without string) VM {
	t.Helper()
	return s.bootstrapVMFrom(t, s.blobs.URL+"/"+without+"?sig=good")
}

func (s *site) bootstrapVMFrom(t *testing.T, source string) VM {
	t.Helper()
	return vm("demo-x-bootstrap", ignition(t, nil, map[string]any{
		"config": map[string]any{"replace": map[string]any{"source": source}},
	}))
}

func (s *site) nodeVM(t *testing.T, name, role string) VM {
	t.Helper()
	return vm(name, s.pointer(t, role, s.root))
}

// pointer is the custom data of a node that trusts the authority.
func (s *site) pointer(t *testing.T, role string, trusted authority) []byte {
	t.Helper()
	return ignition(t, nil, map[string]any{
		"config": map[string]any{"merge": []any{map[string]any{"source": "https://" + frontend + ":22623/config/" + role}}},
		"security": map[string]any{"tls": map[string]any{"certificateAuthorities": []any{
			map[string]any{"source": dataurl.EncodeBytes(trusted.pem())},
		}}},
	})
}

func vm(name string, customData []byte) VM {
	return VM{
		ID: group + name, Name: name, ResourceGroup: "aro-demo", Location: "eastus", Size: "Standard_D8s_v5", Zone: "1",
		PrivateIP: "10.0.0.5", CustomData: customData, ImageSKU: "aro_419", DiskGB: 1024,
	}
}

// start powers on and makes the machine a backend of the load balancer.
func (s *site) start(t *testing.T, vm VM, backend bool) {
	t.Helper()
	if backend {
		s.lan.mu.Lock()
		s.lan.pool = append(s.lan.pool, vm.ID)
		s.lan.mu.Unlock()
	}
	if err := s.host.Start(t.Context(), vm); err != nil {
		t.Fatal(err)
	}
}

// admin is a client of the cluster's API server, as the RP reaches it.
func (s *site) admin(t *testing.T) kubernetes.Interface {
	t.Helper()
	return must(kubernetes.NewForConfig(&rest.Config{
		Host: "https://" + frontend + ":6443", BearerToken: "admin", Timeout: patience / 2,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: s.root.pool()},
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return s.lan.Dial(ctx, VM{}, network, address)
			},
		},
	}))(t)
}

// ready returns the number of ready nodes.
func (s *site) ready(t *testing.T) int {
	t.Helper()
	list, err := s.admin(t).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		return -1
	}
	count := 0
	for _, node := range list.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				count++
			}
		}
	}
	return count
}

func (s *site) console(vm VM) string {
	_, log := s.host.State(vm.ID)
	return string(log)
}

func (s *site) consoleSays(t *testing.T, vm VM, want string) {
	t.Helper()
	if !happens(func() bool { return strings.Contains(s.console(vm), want) }) {
		t.Fatalf("the console never says %q:\n%s", want, s.console(vm))
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if !happens(condition) {
		t.Fatalf("never happened: %s", what)
	}
}

func happens(condition func() bool) bool {
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// untrusted is a URL whose server has an untrusted certificate.
func untrusted(t *testing.T, by authority) string {
	t.Helper()
	certificate, key := by.server(t)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{must(tls.X509KeyPair(certificate, key))(t)}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}
