package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aro-rp/aro/admin"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// authority issues certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.key = newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	a.cert = a.sign(template, template, &a.key.PublicKey)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// issue makes a certificate that is valid until the time.
func (a *authority) issue(name string, until time.Time) tls.Certificate {
	a.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	key := newKey(a.t)
	cert := a.sign(&x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}, a.cert, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// save writes certificate and key as PEM files.
func save(t *testing.T, dir string, c tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalECPrivateKey(c.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{keyFile: {Type: "EC PRIVATE KEY", Bytes: key}, certFile: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestMutualTLSTellsCallersApart(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	later := time.Now().Add(time.Hour)
	armCert, adminCert := ca.issue("arm", later), ca.issue("admin", later)
	auth, err := httpserver.NewMutualTLS(nil,
		httpserver.AllowList{Name: server.Clients, Certificates: []*x509.Certificate{armCert.Leaf}},
		httpserver.AllowList{Name: admin.Clients, Roots: pool(ca), CommonNames: []string{"admin"}})
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := save(t, t.TempDir(), ca.issue("server", later))
	certificate, err := httpserver.CertificateFiles(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	w := edge.Unserved(t) // for its log
	base := "https://" + edge.Serve(t, edge.Must(t, edge.Options{Config: server.Config{Store: openStore(t), Logger: slog.New(slog.NewJSONHandler(w, nil))},
		HTTP: httpserver.Config{Auth: auth, TLS: httpserver.TLSConfig(certificate)}}))
	send := func(cert *tls.Certificate, verb, path string, headers map[string]string) *harness.Reply {
		t.Helper()
		config := &tls.Config{RootCAs: pool(ca)}
		if cert != nil {
			config.Certificates = []tls.Certificate{*cert}
		}
		transport := &http.Transport{TLSClientConfig: config}
		defer transport.CloseIdleConnections()
		version := newest
		if verb == "PUT" {
			version = "2.0"
		}
		r, err := harness.NewClient(base, transport).Do(t.Context(), harness.Request{Method: verb, Path: path, Version: version, Header: headers, Body: map[bool]any{true: harness.Object{"state": "Registered"}}[verb == "PUT"]})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	expired, foreign, named := ca.issue("admin", time.Now().Add(-time.Minute)), stranger.issue("admin", later), ca.issue("arm", later)
	for _, test := range []struct {
		why        string
		cert       *tls.Certificate
		arm, admin int
	}{
		{"no certificate", nil, 403, 403},
		{"ARM's", &armCert, 200, 403},
		{"an engineer's", &adminCert, 403, 200},
		{"an expired one", &expired, 403, 403},
		{"of another authority", &foreign, 403, 403},
		{"the same name is not the same certificate", &named, 403, 403},
	} {
		for path, want := range map[string]int{listPath: test.arm, "/admin/clusters": test.admin, "/ADMIN/versions": test.admin, "/metrics": test.admin, "/healthz/ready": 200} {
			r := send(test.cert, "GET", path, nil)
			if r.Status != want || want == 403 && r.Code() != arm.Forbidden.Name {
				t.Errorf("%s: want %d: %v", test.why, want, r)
			}
		}
		if test.arm == 403 {
			if r := send(test.cert, "GET", "/nothing", nil); r.Status != 403 {
				t.Errorf("%s learns which paths exist: %v", test.why, r)
			}
		}
	}
	if r := send(&armCert, "PUT", "/subscriptions/"+subscription, nil); r.Status != 201 {
		t.Error(r)
	}
	// The audit names certificates, and engineers only where a certificate vouches (X07).
	for _, cert := range []*tls.Certificate{&adminCert, &armCert, nil} {
		send(cert, "PUT", "/admin/versions", map[string]string{"X-Ms-Client-Principal-Name": "ann"})
	}
	fingerprint := func(c tls.Certificate) string { return fmt.Sprintf("%x", sha256.Sum256(c.Leaf.Raw)) }
	audits := slices.DeleteFunc(w.Audits(t), func(o harness.Object) bool { return o["method"] == "GET" })
	for i, want := range []harness.Object{
		{"certificate": "admin", "fingerprint": fingerprint(adminCert), "principal": "ann", "status": 400.0},
		{"certificate": "arm", "fingerprint": fingerprint(armCert), "principal": "", "status": 403.0},
		{"certificate": "", "fingerprint": "", "principal": "", "status": 403.0},
	} {
		for name, value := range want {
			if i >= len(audits) || audits[i][name] != value {
				t.Errorf("audit %d: no %s %v in %v", i, name, value, audits)
			}
		}
	}
	// Headers alone prove nothing (X05).
	if r := send(nil, "GET", listPath, map[string]string{"X-Ms-Client-Principal-Name": "arm", "X-Arr-Clientcert": "x", "X-Ms-Home-Tenant-Id": newID()}); r.Status != 403 {
		t.Error(r)
	}
}

func pool(a *authority) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}
