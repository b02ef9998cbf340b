package bootstrap

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// Names of the installer's certificates that others refer to.
const (
	LocalhostServer     = "kube-apiserver-localhost-server"
	LoadBalancerServer  = "kube-apiserver-lb-server"
	InternalServer      = "kube-apiserver-internal-lb-server"
	ServiceServer       = "kube-apiserver-service-network-server"
	AggregatorClient    = "aggregator-client"
	KubeletClient       = "kube-apiserver-to-kubelet-client"
	ControllerManager   = "kube-control-plane-kube-controller-manager-client"
	Scheduler           = "kube-control-plane-kube-scheduler-client"
	KubeletSigner       = "kubelet-signer"
	MachineConfigServer = "machine-config-server"
	ServiceAccount      = "service-account"
	BoundServiceAccount = "bound-service-account-signing-key"

	// ClientAuthorities, ServerAuthorities and ProxyAuthorities are bundles.
	ClientAuthorities = "kube-apiserver-complete-client-ca-bundle"
	ServerAuthorities = "kube-apiserver-complete-server-ca-bundle"
	ProxyAuthorities  = "aggregator-ca-bundle"
	RootAuthority     = "root-ca"
)

const (
	kubeletCallsSigner  = "kube-apiserver-to-kubelet-signer"
	aggregatorSigner    = "aggregator-signer"
	controlPlaneSigner  = "kube-control-plane-signer"
	loadBalancerSigner  = "kube-apiserver-lb-signer"
	localhostSigner     = "kube-apiserver-localhost-signer"
	serviceSigner       = "kube-apiserver-service-network-signer"
	signerValidity      = 10 * 365 * 24 * time.Hour
	certificateValidity = 365 * 24 * time.Hour
	// RenewBefore is how much of its life a certificate must have left.
	RenewBefore = 30 * 24 * time.Hour
)

// pairs are all certificates that are used with their keys, each after its
// signer. One that is its own signer is an authority.
var pairs = []struct{ name, signer string }{
	{localhostSigner, localhostSigner},
	{LocalhostServer, localhostSigner},
	{loadBalancerSigner, loadBalancerSigner},
	{LoadBalancerServer, loadBalancerSigner},
	{InternalServer, loadBalancerSigner},
	{serviceSigner, serviceSigner},
	{ServiceServer, serviceSigner},
	{aggregatorSigner, aggregatorSigner},
	{AggregatorClient, aggregatorSigner},
	{kubeletCallsSigner, kubeletCallsSigner},
	{KubeletClient, kubeletCallsSigner},
	{controlPlaneSigner, controlPlaneSigner},
	{ControllerManager, controlPlaneSigner},
	{Scheduler, controlPlaneSigner},
	{KubeletSigner, KubeletSigner},
}

// bundles are authorities that others present certificates of, and the signers
// among them that may have been renewed.
var bundles = []struct {
	name    string
	signers []string
}{
	{ClientAuthorities, []string{KubeletSigner, controlPlaneSigner, kubeletCallsSigner}},
	{ServerAuthorities, nil},
	{ProxyAuthorities, []string{aggregatorSigner}},
	{RootAuthority, nil},
}

// CertificateFile and KeyFile are valid after Certify. A bundle has no key.
func (d Dir) CertificateFile(name string) string { return d.certified(name + ".crt") }

// KeyFile is the private key of a certificate.
func (d Dir) KeyFile(name string) string { return d.certified(name + ".key") }

// PublicKeyFile is the public key of ServiceAccount or BoundServiceAccount.
func (d Dir) PublicKeyFile(name string) string { return d.asset("tls", name+".pub") }

// SigningKeyFile is the private key of ServiceAccount or BoundServiceAccount.
func (d Dir) SigningKeyFile(name string) string { return d.asset("tls", name+".key") }

// Kubeconfig is one of the installer's, by its name below auth/.
func (d Dir) Kubeconfig(name string) string { return d.asset("auth", name) }

func (d Dir) certified(name string) string { return filepath.Join(string(d), "tls", name) }

// HasBoundKey reports whether the installer was given a key of its own for the
// tokens of service accounts.
func (d Dir) HasBoundKey() bool {
	_, err := os.Stat(d.SigningKeyFile(BoundServiceAccount))
	return err == nil
}

// Certify checks every certificate of the installer and puts it where
// CertificateFile says, renewed when its end is near. The installer makes some
// that last a day, for OpenShift's operators rotate them soon; here the same
// signers renew them, and signers themselves, with the keys they have. So all
// that was signed before stays valid. To be called again from time to time.
func (d Dir) Certify(now time.Time) error {
	if err := os.MkdirAll(d.certified(""), 0o700); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	have := map[string]*tls.Certificate{}
	for _, pair := range pairs {
		certificate, err := d.certify(pair.name, have[pair.signer], now)
		if err != nil {
			return fmt.Errorf("certificate %s: %w", pair.name, err)
		}
		have[pair.name] = certificate
	}
	for _, bundle := range bundles {
		if err := d.bundle(bundle.name, bundle.signers, have); err != nil {
			return fmt.Errorf("certificates %s: %w", bundle.name, err)
		}
	}
	// Ten years are left when it is made.
	if err := d.copyPair(MachineConfigServer, now); err != nil {
		return fmt.Errorf("certificate %s: %w", MachineConfigServer, err)
	}
	return d.checkSigningKeys()
}

// certify takes the pair that an earlier call left, else the installer's.
func (d Dir) certify(name string, signer *tls.Certificate, now time.Time) (*tls.Certificate, error) {
	pair, err := load(d.asset("tls", name))
	if err != nil {
		return nil, err
	}
	if kept, err := load(d.certified(name)); err == nil && bytes.Equal(kept.Leaf.RawSubjectPublicKeyInfo, pair.Leaf.RawSubjectPublicKeyInfo) {
		pair = kept
	}
	if signer == nil {
		signer = pair
	}
	if err := pair.Leaf.CheckSignatureFrom(signer.Leaf); err != nil {
		return nil, fmt.Errorf("not signed by %s: %w", signer.Leaf.Subject.CommonName, err)
	}
	if pair.Leaf.NotAfter.Sub(now) < RenewBefore {
		if pair, err = renew(pair, signer, now); err != nil {
			return nil, err
		}
	}
	return pair, d.save(name, pair)
}

// renew signs the same names and key again.
func renew(old, signer *tls.Certificate, now time.Time) (*tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := *old.Leaf
	template.SerialNumber = serial
	template.NotBefore = now.Add(-time.Hour) // clocks of machines differ
	template.NotAfter = now.Add(certificateValidity)
	template.SignatureAlgorithm = x509.UnknownSignatureAlgorithm // the signer's choice
	if template.IsCA {
		template.NotAfter = now.Add(signerValidity)
	}
	parent := signer.Leaf
	if template.IsCA { // its own
		parent = &template
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, old.Leaf.PublicKey, signer.PrivateKey)
	if err != nil {
		return nil, err
	}
	renewed := *old
	renewed.Certificate = [][]byte{der}
	if len(old.Certificate) > 1 { // a server presents its signer, too
		renewed.Certificate = append(renewed.Certificate, signer.Certificate[0])
	}
	renewed.Leaf, err = x509.ParseCertificate(der)
	return &renewed, err
}

// bundle is the installer's with the renewed signers added.
func (d Dir) bundle(name string, signers []string, have map[string]*tls.Certificate) error {
	content, err := os.ReadFile(d.asset("tls", name+".crt"))
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return errors.New("holds no certificate")
	}
	for _, signer := range signers {
		certificate := encode(have[signer].Certificate[:1])
		if !bytes.Contains(content, bytes.TrimSpace(certificate)) {
			content = append(append(content, '\n'), certificate...)
		}
	}
	return Write(d.CertificateFile(name), content)
}

func (d Dir) copyPair(name string, now time.Time) error {
	pair, err := load(d.asset("tls", name))
	if err != nil {
		return err
	}
	if now.After(pair.Leaf.NotAfter) {
		return errors.New("expired")
	}
	return d.save(name, pair)
}

func (d Dir) checkSigningKeys() error {
	names := []string{ServiceAccount}
	if d.HasBoundKey() {
		names = append(names, BoundServiceAccount)
	}
	for _, name := range names {
		for _, file := range []string{d.SigningKeyFile(name), d.PublicKeyFile(name)} {
			content, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("key %s: %w", name, err)
			}
			if block, _ := pem.Decode(content); block == nil {
				return fmt.Errorf("key %s: %s holds no PEM block", name, filepath.Base(file))
			}
		}
	}
	return nil
}

// load reads a certificate and its key; path is without the files' endings.
func load(path string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(path+".crt", path+".key")
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

func (d Dir) save(name string, pair *tls.Certificate) error {
	if kept, err := load(d.certified(name)); err == nil && bytes.Equal(kept.Leaf.Raw, pair.Leaf.Raw) {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return err
	}
	// A reader between the two writes sees a pair that fits: the key is the same.
	if err := Write(d.KeyFile(name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	return Write(d.CertificateFile(name), encode(pair.Certificate))
}

func encode(certificates [][]byte) []byte {
	var content []byte
	for _, der := range certificates {
		content = append(content, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return content
}

// Write replaces a file as a whole, unless it is as it should be: those who watch
// it would read it again.
func Write(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
