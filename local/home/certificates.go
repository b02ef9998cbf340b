package home

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/aro-rp/aro/backend/controlplane"
)

// The certificates of a cluster. Those of Admin and ControllerManager are
// clients in the group of cluster administrators.
const (
	Authority         = "ca"
	APIServer         = "apiserver"
	Admin             = "admin"
	ControllerManager = "controller-manager"
	// ServiceAccounts is a bare key that signs the tokens of service accounts.
	ServiceAccounts = "service-accounts"
)

// validity outlives any local cluster; nothing renews these certificates.
const validity = 10 * 365 * 24 * time.Hour

// CertificateFile is the PEM file of one of the names above.
func (h Home) CertificateFile(name string) string { return h.path(name + ".crt") }

// KeyFile is the PEM file of the private key of one of the names above.
func (h Home) KeyFile(name string) string { return h.path(name + ".key") }

func (h Home) makeCertificates(spec controlplane.Spec) error {
	names, addresses, err := servingNames(spec)
	if err != nil {
		return err
	}
	authority := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "aro-local " + spec.Name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    names,
		IPAddresses: addresses,
	}
	for _, c := range []struct {
		name     string
		template *x509.Certificate
	}{
		{Authority, authority},
		{APIServer, server},
		{Admin, client("system:admin")},
		{ControllerManager, client("system:kube-controller-manager")},
	} {
		if err := h.makeCertificate(c.name, c.template); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return h.makeKeyOnce(ServiceAccounts)
}

// client is a member of the group that every API server obeys.
func client(user string) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// servingNames are the names and addresses by which clients may reach the API server.
func servingNames(spec controlplane.Spec) ([]string, []net.IP, error) {
	services, err := netip.ParsePrefix(spec.ServiceCIDR)
	if err != nil {
		return nil, nil, fmt.Errorf("service network: %w", err)
	}
	names := []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		"kubernetes.default.svc.cluster.local", "api." + spec.Domain, "api-int." + spec.Domain,
	}
	// The first address of the service network is the service "kubernetes".
	first := services.Masked().Addr().Next()
	return names, []net.IP{net.ParseIP(Host), net.IP(first.AsSlice())}, nil
}

// makeCertificate keeps a certificate that is there. The certificate is written
// after its key, so the pair is complete once the certificate exists.
func (h Home) makeCertificate(name string, template *x509.Certificate) error {
	if done, err := exists(h.CertificateFile(name)); done || err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template.SerialNumber = serial
	template.KeyUsage |= x509.KeyUsageDigitalSignature
	template.NotBefore = time.Now().Add(-time.Hour) // clocks of virtual machines lag
	template.NotAfter = time.Now().Add(validity)

	key, err := h.makeKey(name)
	if err != nil {
		return err
	}
	parent, signer := template, crypto.Signer(key)
	if name != Authority {
		if parent, signer, err = h.authority(); err != nil {
			return err
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	return write(h.CertificateFile(name), encode("CERTIFICATE", der))
}

func (h Home) makeKeyOnce(name string) error {
	if done, err := exists(h.KeyFile(name)); done || err != nil {
		return err
	}
	_, err := h.makeKey(name)
	return err
}

func (h Home) makeKey(name string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, write(h.KeyFile(name), encode("EC PRIVATE KEY", der))
}

func (h Home) authority() (*x509.Certificate, crypto.Signer, error) {
	certificate, err := decode(h.CertificateFile(Authority))
	if err != nil {
		return nil, nil, err
	}
	parent, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, nil, err
	}
	private, err := decode(h.KeyFile(Authority))
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(private)
	return parent, key, err
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func decode(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", path)
	}
	return block.Bytes, nil
}
