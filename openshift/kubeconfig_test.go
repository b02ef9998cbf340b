package openshift_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/openshift"
)

// authority is a certificate authority, as the installer makes them.
type authority struct {
	certificate, keyPEM []byte
	parsed              *x509.Certificate
	key                 *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, until time.Time) *authority {
	t.Helper()
	return makeAuthority(t, until, true)
}

func makeAuthority(t testing.TB, until time.Time, ca bool) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin-kubeconfig-signer"}, IsCA: ca,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})}
	a.parsed = decode(t, a.certificate)
	return a
}

func (a *authority) pair() openshift.KeyPair {
	return openshift.KeyPair{Certificate: a.certificate, Key: a.keyPEM}
}

func (a *authority) serve(t testing.TB, name string) (certificate, key []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: a.parsed.NotBefore, NotAfter: a.parsed.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.parsed, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), a.keyPEM
}

func TestKubeconfigsAreWhatTheySay(t *testing.T) {
	signer := newAuthority(t, time.Now().Add(20*365*24*time.Hour))
	issuer, err := openshift.NewIssuer(installers(t, signer, "6443"), signer.pair(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	user := func(r openshift.Reach) func() ([]byte, error) {
		return func() ([]byte, error) { return issuer.User(r) }
	}
	tests := map[string]struct {
		why               string
		make              func() ([]byte, error)
		who, organization string
		years             int
		key               x509.PublicKeyAlgorithm
		server, verifies  string
		trusts            bool
	}{
		"service":           {"it may do everything, from inside", issuer.Service, "system:aro-service", "system:masters", 10, x509.ECDSA, "https://api-int." + domain + ":6443", "", true},
		"engineers":         {"what they may do is bound to the name", issuer.SRE, "system:aro-sre", "", 10, x509.ECDSA, "https://api-int." + domain + ":6443", "", true},
		"customer":          {"the public certificate is trusted", user(openshift.Reach{Domain: domain, Signed: true}), "system:admin", "", 1, x509.RSA, "https://api." + domain + ":6443", "", false},
		"customer's domain": {"only the cluster vouches for the name", user(openshift.Reach{Domain: domain}), "system:admin", "", 1, x509.RSA, "https://api." + domain + ":6443", "", true},
		"customer, no name": {"the name does not resolve", user(openshift.Reach{Domain: domain, Address: "127.96.0.9", Signed: true}), "system:admin", "", 1, x509.RSA, "https://127.96.0.9:6443", "api-int." + domain, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := test.make()
			if err != nil {
				t.Fatal(err)
			}
			config, err := clientcmd.Load(text)
			if err != nil {
				t.Fatal(err)
			}
			context := config.Contexts[config.CurrentContext]
			cluster, who := config.Clusters[context.Cluster], config.AuthInfos[context.AuthInfo]
			if config.CurrentContext != test.who || context.AuthInfo != test.who || cluster.Server != test.server || cluster.TLSServerName != test.verifies ||
				(len(cluster.CertificateAuthorityData) > 0) != test.trusts {
				t.Errorf("%s: context %q, server %q verified as %q, trusts %d bytes", test.why, config.CurrentContext, cluster.Server, cluster.TLSServerName, len(cluster.CertificateAuthorityData))
			}
			certify(t, signer, who, test.who, test.organization, test.years, test.key)
		})
	}
}

func certify(t *testing.T, signer *authority, who *clientcmdapi.AuthInfo, name, organization string, years int, algorithm x509.PublicKeyAlgorithm) {
	t.Helper()
	c := decode(t, who.ClientCertificateData)
	if _, err := c.Verify(x509.VerifyOptions{Roots: signer.pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
	if c.Subject.CommonName != name || strings.Join(c.Subject.Organization, ",") != organization {
		t.Errorf("subject %s", c.Subject)
	}
	if key, ok := c.PublicKey.(*rsa.PublicKey); c.PublicKeyAlgorithm != algorithm || ok && key.N.BitLen() != 2048 {
		t.Errorf("public key %T, want one of %s", c.PublicKey, algorithm)
	}
	if _, err := tls.X509KeyPair(who.ClientCertificateData, who.ClientKeyData); err != nil {
		t.Error(err)
	}
	validity := time.Duration(years) * 365 * 24 * time.Hour
	if left := time.Until(c.NotAfter); left > validity || left < validity-time.Hour || !c.NotBefore.Equal(signer.parsed.NotBefore) {
		t.Errorf("valid from %s to %s", c.NotBefore, c.NotAfter)
	}
	if c.KeyUsage != x509.KeyUsageKeyEncipherment|x509.KeyUsageDigitalSignature || len(c.ExtKeyUsage) != 1 || c.SerialNumber.BitLen() > 63 {
		t.Errorf("key usage %v %v, serial %s", c.KeyUsage, c.ExtKeyUsage, c.SerialNumber)
	}
}

func TestNoCertificateOutlivesItsAuthority(t *testing.T) {
	signer := newAuthority(t, time.Now().Add(time.Hour))
	issuer, err := openshift.NewIssuer(installers(t, signer, "6443"), signer.pair(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := issuer.Service()
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	if c := decode(t, config.AuthInfos["system:aro-service"].ClientCertificateData); !c.NotAfter.Equal(signer.parsed.NotAfter) {
		t.Errorf("valid until %s, its authority until %s", c.NotAfter, signer.parsed.NotAfter)
	}
}

func TestWhoCannotSign(t *testing.T) {
	signer, other, leaf := newAuthority(t, time.Now().Add(time.Hour)), newAuthority(t, time.Now().Add(time.Hour)), makeAuthority(t, time.Now().Add(time.Hour), false)
	good := installers(t, signer, "6443")
	for name, test := range map[string]struct {
		why        string
		kubeconfig []byte
		pair       openshift.KeyPair
	}{
		"another's key":     {"it would not be accepted", good, openshift.KeyPair{Certificate: signer.certificate, Key: other.keyPEM}},
		"no authority":      {"it may not sign", good, leaf.pair()},
		"nothing":           {"there is no key", good, openshift.KeyPair{}},
		"no cluster":        {"there is no address", []byte("kind: Config"), signer.pair()},
		"unreadable config": {"there is no address", []byte("canary: ["), signer.pair()},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openshift.NewIssuer(test.kubeconfig, test.pair, time.Now); err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: got %v", test.why, err)
			}
		})
	}
}

func TestWhenACustomersKubeconfigIsReplaced(t *testing.T) {
	signer := newAuthority(t, time.Now().Add(20*365*24*time.Hour))
	issuer, err := openshift.NewIssuer(installers(t, signer, "6443"), signer.pair(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	named, addressed := openshift.Reach{Domain: domain, Signed: true}, openshift.Reach{Domain: domain, Address: "127.96.0.9", Signed: true}
	unsigned := openshift.Reach{Domain: domain}
	user, err := issuer.User(named)
	if err != nil {
		t.Fatal(err)
	}
	internal, err := issuer.Service()
	if err != nil {
		t.Fatal(err)
	}
	keyless := user[:strings.Index(string(user), "    client-key-data")]
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		why        string
		kubeconfig []byte
		reach      openshift.Reach
		age        time.Duration
		fresh      bool
	}{
		"new":               {"it works for a year", user, named, 0, true},
		"of three months":   {"275 days remain", user, named, 89 * day, true},
		"older":             {"fewer remain", user, named, 91 * day, false},
		"internal":          {"customers do not reach the internal name", internal, named, 0, false},
		"another address":   {"the API server moved", user, addressed, 0, false},
		"without authority": {"no other authority signs the name", user, unsigned, 0, false},
		"without a key":     {"it authenticates no user", keyless, named, 0, false},
		"empty":             {"there is none", nil, named, 0, false},
		"not a kubeconfig":  {"it cannot be read", []byte("]["), named, 0, false},
		"without a cluster": {"it reaches nothing", []byte("kind: Config\napiVersion: v1"), named, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if fresh := openshift.Fresh(test.kubeconfig, test.reach, time.Now().Add(test.age)); fresh != test.fresh {
				t.Errorf("%s: fresh %v", test.why, fresh)
			}
		})
	}
}
