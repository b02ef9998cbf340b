package httpserver_test

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
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/httpserver"
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

// nowhere is the route of an API without operations.
func nowhere(*httpserver.Exchange) func() error { return func() error { return nil } }

func TestProductionRefusesToStartWithoutItsGuards(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	one := httpserver.AllowList{Certificates: []*x509.Certificate{ca.cert}}
	if _, err := httpserver.NewMutualTLS(nil, httpserver.AllowList{}, one); err == nil {
		t.Error("an empty allow-list for ARM was accepted")
	}
	if _, err := httpserver.NewMutualTLS(nil, one, httpserver.AllowList{CommonNames: []string{"admin"}}); err == nil {
		t.Error("names without an authority were accepted")
	}
	if _, err := httpserver.NewMutualTLS(nil, one, one); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%x", sha256.Sum256(ca.cert.Raw))) {
		t.Errorf("one certificate is ARM and an engineer: %v", err)
	}
	other := httpserver.AllowList{Certificates: []*x509.Certificate{newAuthority(t).cert}}
	for usage, refused := range map[x509.ExtKeyUsage]bool{x509.ExtKeyUsageServerAuth: true, x509.ExtKeyUsageClientAuth: false, x509.ExtKeyUsageAny: false} {
		usable := *ca.cert
		usable.ExtKeyUsage = []x509.ExtKeyUsage{usage}
		_, err := httpserver.NewMutualTLS(nil, httpserver.AllowList{Certificates: []*x509.Certificate{&usable}}, other)
		if (err != nil) != refused {
			t.Errorf("extended key usage %v: %v", usage, err)
		}
	}
	auth, err := httpserver.NewMutualTLS(nil, one, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := httpserver.New(httpserver.Config{Auth: auth}); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("started without TLS: %v", err)
	}
	if _, err := httpserver.New(httpserver.Config{APIs: []httpserver.API{{Prefix: "/", Clients: []string{"arm"}, Route: nowhere}}}); err == nil {
		t.Error("started without an authenticator")
	}
	good, _ := save(t, t.TempDir(), ca.issue("good", time.Now().Add(time.Hour)))
	if _, err := httpserver.NewAllowListFiles(nil, nil, httpserver.AllowListFile{Name: "arm", Path: good}, httpserver.AllowListFile{Name: "admin", Path: filepath.Join(t.TempDir(), "absent")}); err == nil {
		t.Error("an absent allow-list was read")
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := httpserver.NewAllowListFiles(nil, nil, httpserver.AllowListFile{Name: "arm", Path: empty}, httpserver.AllowListFile{Name: "admin", Path: good}); err == nil {
		t.Error("an empty allow-list was read")
	}
}

func TestDevelopmentListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	s, err := httpserver.New(httpserver.Config{Auth: httpserver.Development{}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := s.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("served on %s: %v", l.Addr(), err)
	}
}

func TestARenewedCertificateIsUsed(t *testing.T) {
	t.Parallel()
	ca, dir := newAuthority(t), t.TempDir()
	certFile, keyFile := save(t, dir, ca.issue("first", time.Now().Add(time.Hour)))
	certificate, err := httpserver.CertificateFiles(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		c, err := certificate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Subject.CommonName
	}
	if name() != "first" {
		t.Fatal(name())
	}
	later := time.Now().Add(time.Minute)
	if err := os.WriteFile(certFile, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(certFile, later, later); err != nil {
		t.Fatal(err)
	}
	if name() != "first" {
		t.Error("a broken file displaced the certificate")
	}
	save(t, dir, ca.issue("second", time.Now().Add(time.Hour)))
	if err := os.Chtimes(certFile, later.Add(time.Minute), later.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if name() != "second" {
		t.Error("the renewed certificate is not used")
	}
}
