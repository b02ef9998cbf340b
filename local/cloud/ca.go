package cloud

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	// serverLife is what clients accept of a server at most.
	serverLife = 397 * 24 * time.Hour
	// clockSkew is how far behind a client's clock may be.
	clockSkew = time.Hour
)

// Authority is the one that clients of the local Azure have to trust: it signs
// the origin's certificate and those that key vaults issue.
type Authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	file        string
}

// OpenAuthority reads the authority of a directory and makes it at first start.
// Its certificate is DIR/ca.pem.
func OpenAuthority(dir string) (*Authority, error) {
	a := &Authority{file: filepath.Join(dir, "ca.pem")}
	keyFile := filepath.Join(dir, "ca.key")
	// The certificate is written last, so the pair is complete once it is there.
	if _, err := os.Stat(a.file); errors.Is(err, fs.ErrNotExist) {
		if err := makeAuthority(keyFile, a.file); err != nil {
			return nil, fmt.Errorf("certificate authority: %w", err)
		}
	}
	certificate, err := readPEM(a.file)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if a.certificate, err = x509.ParseCertificate(certificate); err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w", a.file, err)
	}
	key, err := readPEM(keyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if a.key, err = x509.ParseECPrivateKey(key); err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w", keyFile, err)
	}
	return a, nil
}

func makeAuthority(keyFile, certificateFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	serial, err := newSerial()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Local Azure", Organization: []string{"aro-local"}},
		NotBefore:             time.Now().Add(-clockSkew),
		NotAfter:              time.Now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if err := writePEM(keyFile, "EC PRIVATE KEY", encoded, 0o600); err != nil {
		return err
	}
	return writePEM(certificateFile, "CERTIFICATE", der, 0o644)
}

// File is the PEM file with the authority's certificate.
func (a *Authority) File() string { return a.file }

// Pool trusts the authority and nothing else.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Sign makes a certificate. It returns it and those above it, in DER.
func (a *Authority) Sign(template *x509.Certificate, public crypto.PublicKey) ([][]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return [][]byte{der, a.certificate.Raw}, nil
}

// serving is a certificate for the origin, and for the names by which clients that
// know only the public Azure reach it.
func (a *Authority) serving(origin string) (tls.Certificate, error) {
	var certificate tls.Certificate
	u, err := url.Parse(origin)
	if err != nil {
		return certificate, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate, err
	}
	serial, err := newSerial()
	if err != nil {
		return certificate, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    time.Now().Add(-clockSkew),
		NotAfter:     time.Now().Add(serverLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost", "management.azure.com", "login.microsoftonline.com", "graph.microsoft.com", "*.azurecr.io"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	host := u.Hostname()
	if net.ParseIP(host) == nil {
		if host != "localhost" {
			template.DNSNames = append(template.DNSNames, host)
		}
		template.DNSNames = append(template.DNSNames, "*.vaults."+host, "*.blob."+host)
	}
	chain, err := a.Sign(template, key.Public())
	return tls.Certificate{Certificate: chain, PrivateKey: key}, err
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// writePEM replaces a file as a whole.
func writePEM(path, block string, der []byte, mode fs.FileMode) error {
	content := pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})
	if err := os.WriteFile(path+".new", content, mode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readPEM(path string) ([]byte, error) {
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
