package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/harness"
)

// certificate makes a self-signed certificate, writes it and its key below dir
// as NAME.crt and NAME.key, and returns the pair. Without usages it is for all.
func certificate(t *testing.T, dir, name string, until time.Time, usages ...x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	if len(usages) == 0 {
		usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: usages, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for file, text := range map[string][]byte{name + ".crt": certPEM, name + ".key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// production starts the service as production does, without a flag if without names one.
func production(t *testing.T, dir, without string, more ...string) (*harness.Process, error) {
	t.Helper()
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte(store.NewKey()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--production", "--backend=false"}, more...)
	for flag, file := range map[string]string{"--tls-cert": "server.crt", "--tls-key": "server.key", "--arm-clients": "arm.crt",
		"--admin-clients": "admin.crt", "--encryption-keys": "keys"} {
		if without != flag {
			args = append(args, flag, filepath.Join(dir, file))
		}
	}
	return harness.Launch(harness.Options{Binary: binary, Store: "sqlite:" + filepath.Join(dir, "aro.db"), Args: append(args, "--drain", "1s")})
}

func TestProductionKnowsItsCallersByTheirCertificates(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir, tomorrow := t.TempDir(), time.Now().Add(24*time.Hour)
	pairs := map[string]*tls.Certificate{"": nil}
	for name, until := range map[string]time.Time{"server": tomorrow, "arm": tomorrow, "admin": tomorrow, "stranger": tomorrow, "expired": time.Now().Add(-time.Hour)} {
		pair := certificate(t, dir, name, until)
		pairs[name] = &pair
	}
	join(t, dir, "arm.crt", "expired.crt") // even an allowed certificate ends
	process, err := production(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	address := "https://" + strings.TrimPrefix(process.URL, "http://")
	clients := map[string]*harness.Client{}
	for name, pair := range pairs {
		clients[name] = harness.NewClient(address, &http.Transport{TLSClientConfig: trusting(t, pairs["server"], pair)})
	}
	list := "/subscriptions/" + subscription + "/providers/" + arm.ClusterResourceType
	for _, test := range []struct {
		why, caller, path, version string
		want                       int
	}{
		{"ARM on its own API", "arm", list, harness.Newest, 200},
		{"no certificate", "", list, harness.Newest, 403},
		{"a certificate of an unknown authority", "stranger", list, harness.Newest, 403},
		{"a certificate that is over", "expired", list, harness.Newest, 403},
		{"an engineer on ARM's API", "admin", list, harness.Newest, 403},
		{"an engineer on the admin API", "admin", "/admin/clusters", "", 200},
		{"ARM on the admin API", "arm", "/admin/clusters", "", 403},
		{"no certificate on the admin API", "", "/admin/clusters", "", 403},
		{"a stranger on an unknown path", "stranger", "/nowhere", "", 403},
		{"metrics are for engineers", "", "/metrics", "", 403},
		{"health needs no certificate", "", "/healthz/live", "", 200},
	} {
		reply, err := clients[test.caller].Do(t.Context(), harness.Request{Method: http.MethodGet, Path: test.path, Version: test.version})
		if err != nil {
			t.Errorf("%s: %v", test.why, err)
			continue
		}
		if reply.Status != test.want || test.want == 403 && reply.Code() != "Forbidden" {
			t.Errorf("%s: %s; want %d", test.why, reply, test.want)
		}
	}
	identityHeaders(t, clients)
	if _, err := harness.NewClient(process.URL, nil).Do(t.Context(), harness.Request{Method: http.MethodGet, Path: "/subscriptions"}); err == nil {
		t.Log("plain HTTP gets an answer of the TLS listener; it must be an error")
	}
	if err := process.Stop(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// identityHeaders claims to be ARM without its certificate.
func identityHeaders(t *testing.T, clients map[string]*harness.Client) {
	t.Helper()
	header := map[string]string{"X-Ms-Client-Principal-Name": "root", "X-Ms-Identity-Url": "https://identity.example.com", "X-Ms-Home-Tenant-Id": foreign,
		"X-Forwarded-Client-Cert": "Subject=\"CN=arm\"", "X-Arr-ClientCert": "x", "X-Ms-Arm-Resource-System-Data": `{"createdBy":"root"}`}
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "g", Name: "claimed"}
	for _, caller := range []string{"", "stranger", "expired", "admin"} {
		reply, err := clients[caller].Do(t.Context(), harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest,
			Body: harness.Body(harness.Newest, id, location), Header: header})
		if err != nil || reply.Status != http.StatusForbidden {
			t.Errorf("caller %q with ARM's headers: %v, %v; want 403", caller, reply, err)
		}
	}
}

func trusting(t *testing.T, server, client *tls.Certificate) *tls.Config {
	t.Helper()
	leaf, err := x509.ParseCertificate(server.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AddCert(leaf)
	if client != nil {
		config.Certificates = []tls.Certificate{*client}
	}
	return config
}

// join appends one file to another.
func join(t *testing.T, dir, to, from string) {
	t.Helper()
	a, err := os.ReadFile(filepath.Join(dir, to))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, from))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, to), append(a, b...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProductionRefusesToStartWithoutWhatGuardsIt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, missing := range []string{"--tls-cert", "--tls-key", "--arm-clients", "--admin-clients", "--encryption-keys"} {
		dir := t.TempDir()
		for _, name := range []string{"server", "arm", "admin"} {
			certificate(t, dir, name, time.Now().Add(time.Hour))
		}
		process, err := production(t, dir, missing)
		if err == nil {
			process.Kill()
			t.Errorf("production started without %s", missing)
		} else if !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s the error does not name it: %v", missing, err)
		}
	}
}

func TestDevelopmentListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	process, err := harness.Launch(harness.Options{Binary: binary, Store: "sqlite:" + filepath.Join(t.TempDir(), "aro.db"),
		Args: []string{"--backend=false", "--listen", "0.0.0.0:0"}})
	if err != nil {
		return // refused with an error
	}
	// The log line "listening" must come first.
	select {
	case <-process.Exited():
	case <-time.After(limit):
		process.Kill()
		t.Error("development mode listens on every address, where every client would be an engineer")
	}
}
