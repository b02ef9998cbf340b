package openshift

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"sync"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"

	"github.com/aro-rp/aro/local/openshift/bootstrap"
)

// slots is how many named certificates the API server can be given while it
// runs; their number is fixed when it starts.
const slots = 8

// named are the certificates that the API server presents to clients that ask
// for certain names, before its own.
type named struct {
	mu    sync.Mutex
	slots [slots]slot
	// spare fills the slots that nobody uses: none may be empty.
	spare slot
	heard []dynamiccertificates.Listener
}

// slot is one certificate.
type slot struct {
	names     []string
	cert, key []byte
}

func newNamed(disk bootstrap.Dir) (*named, error) {
	n := &named{}
	var err error
	if n.spare.cert, err = os.ReadFile(disk.CertificateFile(bootstrap.LocalhostServer)); err != nil {
		return nil, fmt.Errorf("serving certificate: %w", err)
	}
	if n.spare.key, err = os.ReadFile(disk.KeyFile(bootstrap.LocalhostServer)); err != nil {
		return nil, fmt.Errorf("serving certificate: %w", err)
	}
	// A name that nobody asks for, whatever the certificate says.
	n.spare.names = []string{"unused.invalid"}
	for i := range n.slots {
		n.slots[i] = n.spare
	}
	return n, nil
}

// set replaces all named certificates; the API server presents them at once.
func (n *named) set(certificates []slot) error {
	if len(certificates) > slots {
		return fmt.Errorf("%d named certificates are more than %d", len(certificates), slots)
	}
	n.mu.Lock()
	for i := range n.slots {
		n.slots[i] = n.spare
	}
	copy(n.slots[:], certificates)
	listeners := slices.Clone(n.heard)
	n.mu.Unlock()
	for _, listener := range listeners {
		listener.Enqueue()
	}
	return nil
}

// equal tells whether these are the certificates presented.
func (n *named) equal(certificates []slot) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.slots {
		want := n.spare
		if i < len(certificates) {
			want = certificates[i]
		}
		if !bytes.Equal(n.slots[i].cert, want.cert) || !bytes.Equal(n.slots[i].key, want.key) || !slices.Equal(n.slots[i].names, want.names) {
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
	return s.cert, s.key
}

// SNINames implements dynamiccertificates.SNICertKeyContentProvider.
func (p provider) SNINames() []string { return p.slot().names }

// AddListener implements dynamiccertificates.Notifier.
func (p provider) AddListener(listener dynamiccertificates.Listener) {
	p.named.mu.Lock()
	defer p.named.mu.Unlock()
	p.named.heard = append(p.named.heard, listener)
}
