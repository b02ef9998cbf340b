package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"
)

// Caller is who a connection belongs to, proven by the connection itself.
type Caller struct {
	// ARM is Azure Resource Manager, whose headers say who the client is.
	ARM bool
	// Admin is an engineer or a tool of ours.
	Admin bool
}

// Authenticator tells who calls. It must not believe any header.
type Authenticator interface {
	Authenticate(r *http.Request) Caller
}

// Development takes everybody for ARM and for an engineer. A Server with it
// serves on loopback addresses only.
type Development struct{}

// Authenticate trusts.
func (Development) Authenticate(*http.Request) Caller { return Caller{ARM: true, Admin: true} }

func isDevelopment(a Authenticator) bool {
	_, ok := a.(Development)
	return ok
}

// AllowList names client certificates. A certificate is allowed if it is one of
// Certificates, or if one of Roots has issued it and its common name is one of
// CommonNames.
type AllowList struct {
	Certificates []*x509.Certificate
	Roots        *x509.CertPool
	CommonNames  []string
}

// ReadAllowList reads an allow-list of certificates from a PEM file.
func ReadAllowList(path string) (AllowList, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return AllowList{}, err
	}
	var list AllowList
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return AllowList{}, fmt.Errorf("certificate in %s: %w", path, err)
		}
		list.Certificates = append(list.Certificates, certificate)
	}
	if len(list.Certificates) == 0 {
		return AllowList{}, fmt.Errorf("no certificate in %s", path)
	}
	return list, nil
}

// MutualTLS knows callers by their client certificates.
type MutualTLS struct {
	arm, admin allowed
	now        func() time.Time
}

// certificateOf tells the common name of the caller's certificate and its SHA-256
// fingerprint, whether it is allowed or not; nothing without a certificate.
func certificateOf(r *http.Request) (name, fingerprint string) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", ""
	}
	leaf := r.TLS.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	return leaf.Subject.CommonName, hex.EncodeToString(sum[:])
}

type allowed struct {
	fingerprints map[[sha256.Size]byte]bool
	roots        *x509.CertPool
	commonNames  []string
}

// NewMutualTLS refuses empty allow-lists: they would lock everybody out, or hint
// at a missing file. now may be nil.
func NewMutualTLS(arm, admin AllowList, now func() time.Time) (*MutualTLS, error) {
	if now == nil {
		now = time.Now
	}
	m := &MutualTLS{now: now}
	var err error
	if m.arm, err = newAllowed(arm); err != nil {
		return nil, fmt.Errorf("allow-list of ARM's client certificates: %w", err)
	}
	if m.admin, err = newAllowed(admin); err != nil {
		return nil, fmt.Errorf("allow-list of the admin API's client certificates: %w", err)
	}
	return m, nil
}

func newAllowed(l AllowList) (allowed, error) {
	byName := l.Roots != nil && len(l.CommonNames) > 0
	if len(l.Certificates) == 0 && !byName {
		return allowed{}, errors.New("it is empty")
	}
	a := allowed{fingerprints: map[[sha256.Size]byte]bool{}, roots: l.Roots, commonNames: l.CommonNames}
	for _, c := range l.Certificates {
		a.fingerprints[sha256.Sum256(c.Raw)] = true
	}
	return a, nil
}

// Authenticate looks at the certificate that the TLS handshake has proven to be
// the caller's. One out of its time is nobody's.
func (m *MutualTLS) Authenticate(r *http.Request) Caller {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return Caller{}
	}
	chain, now := r.TLS.PeerCertificates, m.now()
	if now.Before(chain[0].NotBefore) || now.After(chain[0].NotAfter) {
		return Caller{}
	}
	return Caller{ARM: m.arm.has(chain, now), Admin: m.admin.has(chain, now)}
}

func (a allowed) has(chain []*x509.Certificate, now time.Time) bool {
	leaf := chain[0]
	if a.fingerprints[sha256.Sum256(leaf.Raw)] {
		return true
	}
	if a.roots == nil || !slices.Contains(a.commonNames, leaf.Subject.CommonName) {
		return false
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: a.roots, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// TLSConfig serves with the certificate that current gives for each connection, and
// asks clients for certificates, which MutualTLS judges.
func TLSConfig(current func(context.Context) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		ClientAuth:             tls.RequestClientCert,
		GetCertificate:         func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return current(hello.Context()) },
		NextProtos:             []string{"h2", "http/1.1"},
	}
}
