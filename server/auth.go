package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
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

// parseAllowList reads an allow-list of certificates, the content of a PEM file.
func parseAllowList(path string, text []byte) (AllowList, error) {
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
// at a missing file. It refuses lists that share a caller, who would be ARM and an
// engineer at once, and certificates that are not for clients. now may be nil.
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
	if err := m.disjoint(arm, admin); err != nil {
		return nil, err
	}
	return m, nil
}

// disjoint reports a caller that is on both lists.
func (m *MutualTLS) disjoint(arm, admin AllowList) error {
	for _, c := range arm.Certificates {
		if sum := sha256.Sum256(c.Raw); m.admin.fingerprints[sum] {
			return fmt.Errorf("the allow-lists of ARM's and of the admin API's client certificates share the certificate %x, of %q: remove it from one of them", sum, c.Subject.CommonName)
		}
	}
	for _, name := range arm.CommonNames {
		if arm.Roots != nil && admin.Roots != nil && slices.Contains(admin.CommonNames, name) {
			return fmt.Errorf("the allow-lists of ARM's and of the admin API's client certificates share the common name %q: remove it from one of them", name)
		}
	}
	return nil
}

func newAllowed(l AllowList) (allowed, error) {
	byName := l.Roots != nil && len(l.CommonNames) > 0
	if len(l.Certificates) == 0 && !byName {
		return allowed{}, errors.New("it is empty")
	}
	a := allowed{fingerprints: map[[sha256.Size]byte]bool{}, roots: l.Roots, commonNames: l.CommonNames}
	for _, c := range l.Certificates {
		if !forClients(c) {
			return allowed{}, fmt.Errorf("the certificate of %q has extended key usages, but not clientAuth", c.Subject.CommonName)
		}
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

// forClients reports whether a certificate may prove who a client is, by the rules of
// crypto/x509: one without the extension for extended key usages may be used for all.
func forClients(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
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

// allowListPeriod is how often the files of the allow-lists are looked at: a removed
// certificate is allowed for so long.
const allowListPeriod = time.Second

// AllowListFiles is MutualTLS by two PEM files that may change while the process runs.
// Each request is judged by the lists of the moment, whatever its connection's age.
type AllowListFiles struct {
	arm, admin string
	log        *slog.Logger
	now        func() time.Time

	mu       sync.Mutex
	looked   time.Time
	seen     [2][]byte // the files' content, accepted or not
	accepted *MutualTLS
}

// NewAllowListFiles reads the lists of ARM's and of engineers' certificates, and refuses
// what NewMutualTLS refuses. Later, lists that it would refuse are logged, and the ones
// before stay in force. now may be nil.
func NewAllowListFiles(arm, admin string, log *slog.Logger, now func() time.Time) (*AllowListFiles, error) {
	if now == nil {
		now = time.Now
	}
	f := &AllowListFiles{arm: arm, admin: admin, log: log, now: now}
	if err := f.read(); err != nil {
		return nil, err
	}
	f.looked = now()
	return f, nil
}

// Authenticate judges by the lists as they are in the files.
func (f *AllowListFiles) Authenticate(r *http.Request) Caller { return f.current().Authenticate(r) }

func (f *AllowListFiles) current() *MutualTLS {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.looked) >= allowListPeriod {
		f.looked = now
		if err := f.read(); err != nil {
			f.log.Error("the changed allow-lists of client certificates are not usable; the ones before stay in force", "error", err)
		}
	}
	return f.accepted
}

// read takes the files over if they have changed. What it has refused once it judges,
// and tells, again only after another change.
func (f *AllowListFiles) read() error {
	arm, err := os.ReadFile(f.arm)
	if err != nil {
		return fmt.Errorf("allow-list of ARM's client certificates: %w", err)
	}
	admin, err := os.ReadFile(f.admin)
	if err != nil {
		return fmt.Errorf("allow-list of the admin API's client certificates: %w", err)
	}
	if f.accepted != nil && bytes.Equal(arm, f.seen[0]) && bytes.Equal(admin, f.seen[1]) {
		return nil
	}
	f.seen = [2][]byte{arm, admin}
	armList, err := parseAllowList(f.arm, arm)
	if err != nil {
		return err
	}
	adminList, err := parseAllowList(f.admin, admin)
	if err != nil {
		return err
	}
	lists, err := NewMutualTLS(armList, adminList, f.now)
	if err != nil {
		return err
	}
	if f.accepted != nil {
		f.log.Info("the allow-lists of client certificates have changed", "arm", len(armList.Certificates), "admin", len(adminList.Certificates))
	}
	f.accepted = lists
	return nil
}

// guardHost keeps pages in browsers away from a server that believes every caller.
// A name that was made to resolve to this machine is not one of ours, and a page of
// another site names itself. Where callers prove who they are, any name will do.
func (s *Server) guardHost(next handler) handler {
	if !isDevelopment(s.Auth) {
		return next
	}
	return func(c *call) error {
		r := c.Request()
		if r.Host != "" && !s.ownHost(r.Host) {
			return arm.MisdirectedRequest.At("Host", "In development the service answers to loopback names and addresses, such as localhost, and to those of --hosts. The host of the request is neither.")
		}
		if origin := r.Header.Get("Origin"); origin != "" && !s.ownOrigin(origin) || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			return arm.Forbidden.At("Origin", "In development the service does not answer to pages of other sites. Only pages of loopback names, and of those of --hosts, may call it.")
		}
		return next(c)
	}
}

func (s *Server) ownOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && s.ownHost(u.Host)
}

// ownHost reports whether a host, with or without a port, is this machine's by a name
// that nobody else can give away, or by one that is configured.
func (s *Server) ownHost(host string) bool {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"), ".")
	if address, err := netip.ParseAddr(name); err == nil && address.IsLoopback() {
		return true
	}
	name = arm.ToLower(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		slices.ContainsFunc(s.Hosts, func(h string) bool { return arm.EqualFold(h, name) || arm.EqualFold(h, host) })
}
