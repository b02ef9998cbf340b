package controlplane

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
)

// slots is how many named certificates the API server can be given while it
// runs; their number is fixed when it starts.
const slots = 8

// named are the certificates that the API server presents for certain server names, before its own.
type named struct {
	mu    sync.Mutex
	slots [slots]slot
	// spare fills unused slots: none may be empty.
	spare slot
	file  string // keeps the certificates over restarts
	heard []dynamiccertificates.Listener
}

// slot is one certificate.
type slot struct {
	Names     []string
	Cert, Key []byte
	Secret    string // where it is from
}

// newNamed presents what an earlier process did: the objects that name the
// certificates are read only after the API server is up.
func newNamed(disk bootstrap.Dir) (*named, error) {
	n := &named{file: filepath.Join(string(disk), "tls", "named.json")}
	var err error
	if n.spare.Cert, err = os.ReadFile(disk.CertificateFile(bootstrap.LocalhostServer)); err != nil {
		return nil, fmt.Errorf("serving certificate: %w", err)
	}
	if n.spare.Key, err = os.ReadFile(disk.KeyFile(bootstrap.LocalhostServer)); err != nil {
		return nil, fmt.Errorf("serving certificate: %w", err)
	}
	// A name that is never requested, whatever the certificate contains.
	n.spare.Names = []string{"unused.invalid"}
	var kept []slot
	content, err := os.ReadFile(n.file)
	if errors.Is(err, fs.ErrNotExist) {
		return n, n.fill(nil)
	}
	if err != nil || json.Unmarshal(content, &kept) != nil {
		return nil, fmt.Errorf("named certificates: %s cannot be read", n.file)
	}
	return n, n.fill(kept)
}

// fill puts certificates into the first slots, and the spare one into the others.
func (n *named) fill(certificates []slot) error {
	if len(certificates) > slots {
		return fmt.Errorf("%d named certificates are more than %d", len(certificates), slots)
	}
	for i := range n.slots {
		n.slots[i] = n.spare
	}
	copy(n.slots[:], certificates)
	return nil
}

// set replaces all named certificates; the API server presents them at once.
func (n *named) set(certificates []slot) error {
	content, err := json.Marshal(certificates)
	if err != nil {
		return err
	}
	if err := bootstrap.Write(n.file, content); err != nil {
		return fmt.Errorf("named certificates: %w", err)
	}
	n.mu.Lock()
	err = n.fill(certificates)
	listeners := slices.Clone(n.heard)
	n.mu.Unlock()
	for _, listener := range listeners {
		listener.Enqueue()
	}
	return err
}

// equal reports whether these are the certificates presented.
func (n *named) equal(certificates []slot) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.slots {
		want := n.spare
		if i < len(certificates) {
			want = certificates[i]
		}
		if !bytes.Equal(n.slots[i].Cert, want.Cert) || !bytes.Equal(n.slots[i].Key, want.Key) || !slices.Equal(n.slots[i].Names, want.Names) {
			return false
		}
	}
	return true
}

func (n *named) providers() []dynamiccertificates.SNICertKeyContentProvider {
	list := make([]dynamiccertificates.SNICertKeyContentProvider, slots)
	for i := range list {
		list[i] = provider{named: n, index: i}
	}
	return list
}

// provider is how the API server sees one slot.
type provider struct {
	named *named
	index int
}

func (p provider) slot() slot {
	p.named.mu.Lock()
	defer p.named.mu.Unlock()
	return p.named.slots[p.index]
}

// Name implements dynamiccertificates.SNICertKeyContentProvider.
func (p provider) Name() string { return fmt.Sprintf("named-certificate-%d", p.index) }

// CurrentCertKeyContent implements dynamiccertificates.SNICertKeyContentProvider.
func (p provider) CurrentCertKeyContent() (cert, key []byte) {
	s := p.slot()
	return s.Cert, s.Key
}

// SNINames implements dynamiccertificates.SNICertKeyContentProvider.
func (p provider) SNINames() []string { return p.slot().Names }

// AddListener implements dynamiccertificates.Notifier.
func (p provider) AddListener(listener dynamiccertificates.Listener) {
	p.named.mu.Lock()
	defer p.named.mu.Unlock()
	p.named.heard = append(p.named.heard, listener)
}
