package httpserver

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// Caller is the identity of a client, proven by its connection.
type Caller struct {
	lists []string
	all   bool
}

// CallerOn is a caller on the allow-lists with these names, for an Authenticator that proves callers
// by other means than certificates.
func CallerOn(lists ...string) Caller { return Caller{lists: lists} }

// On reports whether the caller is on the allow-list with that name.
func (c Caller) On(list string) bool { return c.all || slices.Contains(c.lists, list) }

// Authenticator returns the identity of the caller. It must not trust any header.
type Authenticator interface {
	Authenticate(r *http.Request) Caller
}

// Development treats every caller as on every list. A Server with it accepts
// loopback addresses only, and only requests for its own host names.
type Development struct{}

// Authenticate accepts every caller.
func (Development) Authenticate(*http.Request) Caller { return Caller{all: true} }

func isDevelopment(a Authenticator) bool {
	_, ok := a.(Development)
	return ok
}

// AllowList lists client certificates. A certificate is allowed if it is one of
// Certificates, or if one of Roots has issued it and its common name is one of
// CommonNames.
type AllowList struct {
	// Name is how APIs refer to the list.
	Name         string
	Certificates []*x509.Certificate
	Roots        *x509.CertPool
	CommonNames  []string
}

// parseAllowList parses an allow-list of certificates, the content of a PEM file.
func parseAllowList(file AllowListFile, text []byte) (AllowList, error) {
	list := AllowList{Name: file.Name}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return AllowList{}, fmt.Errorf("certificate in %s: %w", file.Path, err)
		}
		list.Certificates = append(list.Certificates, certificate)
	}
	if len(list.Certificates) == 0 {
		return AllowList{}, fmt.Errorf("no certificate in %s", file.Path)
	}
	return list, nil
}

// MutualTLS identifies callers by their client certificates.
type MutualTLS struct {
	lists []allowed
	now   func() time.Time
}

// certificateOf returns the common name of the caller's certificate and its SHA-256
// fingerprint, whether it is allowed or not; empty texts without a certificate.
func certificateOf(r *http.Request) (name, fingerprint string) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", ""
	}
	leaf := r.TLS.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	return leaf.Subject.CommonName, hex.EncodeToString(sum[:])
}

type allowed struct {
	AllowList
	fingerprints map[[sha256.Size]byte]bool
}

// NewMutualTLS rejects empty allow-lists, because no caller could use the API; lists
// with a common caller, whose identity would be ambiguous; and certificates that are
// not for clients. now may be nil.
func NewMutualTLS(now func() time.Time, lists ...AllowList) (*MutualTLS, error) {
	if now == nil {
		now = time.Now
	}
	m := &MutualTLS{now: now}
	for _, list := range lists {
		next, err := newAllowed(list)
		if err != nil {
			return nil, fmt.Errorf("allow-list %s of client certificates: %w", list.Name, err)
		}
		for _, before := range m.lists {
			if err := disjoint(before, next); err != nil {
				return nil, fmt.Errorf("the allow-lists %s and %s of client certificates %w: remove it from one of them", before.Name, list.Name, err)
			}
		}
		m.lists = append(m.lists, next)
	}
	return m, nil
}

// disjoint returns an error if a caller is on both lists.
func disjoint(a, b allowed) error {
	for _, c := range b.Certificates {
		if sum := sha256.Sum256(c.Raw); a.fingerprints[sum] {
			return fmt.Errorf("share the certificate %x, of %q", sum, c.Subject.CommonName)
		}
	}
	for _, name := range b.CommonNames {
		if a.Roots != nil && b.Roots != nil && slices.Contains(a.CommonNames, name) {
			return fmt.Errorf("share the common name %q", name)
		}
	}
	return nil
}

func newAllowed(l AllowList) (allowed, error) {
	byName := l.Roots != nil && len(l.CommonNames) > 0
	if len(l.Certificates) == 0 && !byName {
		return allowed{}, errors.New("it is empty")
	}
	a := allowed{AllowList: l, fingerprints: map[[sha256.Size]byte]bool{}}
	for _, c := range l.Certificates {
		if !forClients(c) {
			return allowed{}, fmt.Errorf("the certificate of %q has extended key usages, but not clientAuth", c.Subject.CommonName)
		}
		a.fingerprints[sha256.Sum256(c.Raw)] = true
	}
	return a, nil
}

// Authenticate identifies the caller by the certificate that the TLS handshake has
// verified. A certificate outside its validity period identifies no caller.
func (m *MutualTLS) Authenticate(r *http.Request) (c Caller) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return c
	}
	chain, now := r.TLS.PeerCertificates, m.now()
	if now.Before(chain[0].NotBefore) || now.After(chain[0].NotAfter) {
		return c
	}
	for _, list := range m.lists {
		if list.has(chain, now) {
			c.lists = append(c.lists, list.Name)
		}
	}
	return c
}

// forClients reports whether a certificate is valid for client authentication by the
// rules of crypto/x509: one without the extension for extended key usages is valid
// for all.
func forClients(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

func (a allowed) has(chain []*x509.Certificate, now time.Time) bool {
	leaf := chain[0]
	if a.fingerprints[sha256.Sum256(leaf.Raw)] {
		return true
	}
	if a.Roots == nil || !slices.Contains(a.CommonNames, leaf.Subject.CommonName) {
		return false
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: a.Roots, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}

// allowListPeriod is how often the files of the allow-lists are checked. A removed
// certificate can be used for so long.
const allowListPeriod = time.Second

// AllowListFile is an allow-list of the certificates in a PEM file.
type AllowListFile struct{ Name, Path string }

// AllowListFiles is MutualTLS with PEM files that may change while the process runs.
// Each request is checked against the current lists, whatever the age of its
// connection.
type AllowListFiles struct {
	files []AllowListFile
	log   *slog.Logger
	now   func() time.Time

	mu       sync.Mutex
	looked   time.Time
	seen     [][]byte // content of the files, accepted or not
	accepted *MutualTLS
}

// NewAllowListFiles reads the lists, and rejects what NewMutualTLS rejects. Later,
// rejected lists are logged, and the lists before stay in force. now may be nil.
func NewAllowListFiles(log *slog.Logger, now func() time.Time, files ...AllowListFile) (*AllowListFiles, error) {
	if now == nil {
		now = time.Now
	}
	f := &AllowListFiles{files: files, log: log, now: now}
	if err := f.read(); err != nil {
		return nil, err
	}
	f.looked = now()
	return f, nil
}

// Authenticate checks the certificate against the lists in the files.
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

// read reads the files if they have changed. Content that was rejected is checked,
// and logged, again only after another change.
func (f *AllowListFiles) read() error {
	texts := make([][]byte, len(f.files))
	for i, file := range f.files {
		var err error
		if texts[i], err = os.ReadFile(file.Path); err != nil {
			return fmt.Errorf("allow-list %s of client certificates: %w", file.Name, err)
		}
	}
	if f.accepted != nil && slices.EqualFunc(texts, f.seen, bytes.Equal) {
		return nil
	}
	f.seen = texts
	lists, counts := make([]AllowList, len(texts)), make([]any, 0, 2*len(texts))
	for i, file := range f.files {
		var err error
		if lists[i], err = parseAllowList(file, texts[i]); err != nil {
			return err
		}
		counts = append(counts, file.Name, len(lists[i].Certificates))
	}
	accepted, err := NewMutualTLS(f.now, lists...)
	if err != nil {
		return err
	}
	if f.accepted != nil {
		f.log.Info("the allow-lists of client certificates have changed", counts...)
	}
	f.accepted = accepted
	return nil
}
