package bootstrap

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const day = 24 * time.Hour

// furnish makes a disk whose certificates all last a day.
func furnish(t *testing.T, now time.Time) Dir {
	t.Helper()
	dir := Dir(t.TempDir())
	if err := os.MkdirAll(dir.asset("tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	made := map[string]*tls.Certificate{}
	for _, pair := range pairs {
		made[pair.name] = issue(t, pair.name, made[pair.signer], now, now.Add(day))
		store(t, dir, pair.name, made[pair.name])
	}
	root := issue(t, RootAuthority, nil, now, now.Add(3650*day))
	store(t, dir, MachineConfigServer, issue(t, MachineConfigServer, root, now, now.Add(3650*day)))
	store(t, dir, ServiceAccount, root)
	put(t, dir.PublicKeyFile(ServiceAccount), encode(root.Certificate))
	for _, bundle := range bundles {
		content := encode(root.Certificate)
		for _, signer := range bundle.signers {
			content = append(content, encode(made[signer].Certificate)...)
		}
		put(t, dir.asset("tls", bundle.name+".crt"), content)
	}
	return dir
}

func issue(t *testing.T, name string, signer *tls.Certificate, from, to time.Time) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(from.Unix()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		DNSNames: []string{name + ".test"}, IPAddresses: []net.IP{net.ParseIP("127.0.0.1").To4()},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	parent, private := template, any(key)
	if signer == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		template.ExtKeyUsage = nil
	} else {
		parent, private = signer.Leaf, signer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func store(t *testing.T, dir Dir, name string, pair *tls.Certificate) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir.asset("tls", name+".crt"), encode(pair.Certificate))
	put(t, dir.asset("tls", name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func certified(t *testing.T, dir Dir, name string) *tls.Certificate {
	t.Helper()
	pair, err := load(dir.certified(name))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestShortCertificatesAreRenewedWithTheirNamesAndKeys(t *testing.T) {
	now := time.Now()
	dir := furnish(t, now)
	if err := dir.Certify(now); err != nil {
		t.Fatal(err)
	}
	for _, pair := range pairs {
		old, err := load(dir.asset("tls", pair.name))
		if err != nil {
			t.Fatal(err)
		}
		fresh := certified(t, dir, pair.name)
		if left := fresh.Leaf.NotAfter.Sub(now); left < 300*day {
			t.Errorf("%s ends in %s", pair.name, left)
		}
		if !bytes.Equal(old.Leaf.RawSubjectPublicKeyInfo, fresh.Leaf.RawSubjectPublicKeyInfo) || !bytes.Equal(old.Leaf.RawSubject, fresh.Leaf.RawSubject) {
			t.Errorf("%s has another key or name", pair.name)
		}
	}
	signer := certified(t, dir, loadBalancerSigner)
	roots := x509.NewCertPool()
	roots.AddCert(signer.Leaf)
	for _, name := range []string{LoadBalancerServer + ".test", "127.0.0.1"} {
		if _, err := certified(t, dir, LoadBalancerServer).Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now.Add(200 * day)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatOldSignersSignedStaysTrusted(t *testing.T) {
	now := time.Now()
	dir := furnish(t, now)
	signer, err := load(dir.asset("tls", KubeletSigner))
	if err != nil {
		t.Fatal(err)
	}
	kubelet := issue(t, "system:node:one", signer, now, now.Add(100*day))
	if err := dir.Certify(now); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(dir.CertificateFile(ClientAuthorities))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(content)
	// The old signer is over by then.
	options := x509.VerifyOptions{Roots: roots, CurrentTime: now.Add(50 * day), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := kubelet.Leaf.Verify(options); err != nil {
		t.Error(err)
	}
}

func TestCertificatesAreRenewedOnlyNearTheirEnd(t *testing.T) {
	now := time.Now()
	dir := furnish(t, now)
	if err := dir.Certify(now); err != nil {
		t.Fatal(err)
	}
	first := certified(t, dir, LocalhostServer)
	if err := dir.Certify(now.Add(300 * day)); err != nil {
		t.Fatal(err)
	}
	if second := certified(t, dir, LocalhostServer); !second.Leaf.Equal(first.Leaf) {
		t.Error("renewed too early")
	}
	if err := dir.Certify(now.Add(340 * day)); err != nil {
		t.Fatal(err)
	}
	if third := certified(t, dir, LocalhostServer); third.Leaf.Equal(first.Leaf) {
		t.Error("not renewed")
	}
}

func TestCertificateOfAnEarlierDiskIsNotKept(t *testing.T) {
	now := time.Now()
	dir, other := furnish(t, now), furnish(t, now)
	if err := dir.Certify(now); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir.asset("tls")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir.asset("tls"), os.DirFS(other.asset("tls"))); err != nil {
		t.Fatal(err)
	}
	if err := dir.Certify(now); err != nil {
		t.Fatal(err)
	}
	want, err := load(other.asset("tls", KubeletSigner))
	if err != nil {
		t.Fatal(err)
	}
	if have := certified(t, dir, KubeletSigner); !bytes.Equal(have.Leaf.RawSubjectPublicKeyInfo, want.Leaf.RawSubjectPublicKeyInfo) {
		t.Error("the old signer is still there")
	}
}

func TestVersionComesFromTheTagElseFromTheChannel(t *testing.T) {
	for image, want := range map[string]string{
		"quay.io/openshift-release-dev/ocp-release:4.19.24-x86_64":          "4.19.24",
		"registry.test:5000/release:4.20.0-rc.1-multi":                      "4.20.0-rc.1",
		"registry.test/release:4.18.3@sha256:0123456789abcdef":              "4.18.3",
		"quay.io/openshift-release-dev/ocp-release@sha256:0123456789abcdef": "",
	} {
		if have := VersionOf(image); have != want {
			t.Errorf("%s: %q, want %q", image, have, want)
		}
	}
}

func TestManifestMayHoldManyDocuments(t *testing.T) {
	objects, err := decode([]byte("# a comment\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: one\n---\n\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: two\n"))
	if err != nil || len(objects) != 2 || objects[1].GetName() != "two" {
		t.Errorf("%v, %d objects", err, len(objects))
	}
	if _, err := decode([]byte("kind: Namespace\n")); err == nil {
		t.Error("an object without a name is taken")
	}
}

func TestDamagedManifestIsNamedAndNotQuoted(t *testing.T) {
	dir := Dir(t.TempDir())
	for _, name := range manifestDirs {
		if err := os.MkdirAll(dir.asset(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir.asset("manifests"), "secret.yaml"), []byte("data:\n\tpassword: hunter2\n"))
	_, err := dir.Read()
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("secret.yaml")) || bytes.Contains([]byte(err.Error()), []byte("hunter2")) {
		t.Error(err)
	}
}
