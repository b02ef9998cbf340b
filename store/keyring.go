package store

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	// boundVersion marks sealed text that stands in the document and is bound to its
	// place. Text of unboundVersion, of releases before it, is bound to nothing but its
	// key. Both are opened still; at the next write the secret goes into the box.
	boundVersion   = "v2"
	unboundVersion = "v1"
	keyBytes       = 32
	keyIDBytes     = 4
)

var (
	errNotSealed = errors.New("the secret is not sealed text")
	// errKeyMissing is about the reader, not about the document: another process may
	// have the key.
	errKeyMissing = errors.New("the keyring does not have the key")
)

// Keyring seals and opens secrets. The newest key seals; all of them open. It is
// safe for concurrent use.
type Keyring struct {
	current atomic.Pointer[keySet]
	renewal renewal
}

// keySet is what a keyring holds at a time. It is not changed once it is in use.
type keySet struct {
	newest *sealKey
	keys   map[string]*sealKey
	// raw are the keys themselves, newest first; Derive alone reads them.
	raw [][]byte
}

type sealKey struct {
	id string
	// boxed is "v3.<id>.", bound "v2.<id>." and unbound "v1.<id>."; they are
	// authenticated with what is sealed.
	boxed, bound, unbound string
	aead                  cipher.AEAD
}

// place is where secrets stand. What is sealed opens at its place only, so that
// nobody who can write the database gets at a secret by copying it elsewhere.
type place struct {
	container, partition, id string
	// path is the secret's in the document, such as cluster.tags.a or list[2]; empty for
	// a box, which has the paths in it.
	path string
}

// binding is the additional data that secrets at p are authenticated with.
func (p place) binding(header string) []byte {
	return fmt.Appendf(nil, "%s%q%q%q%q", header, p.container, p.partition, p.id, p.path)
}

// NewKey makes a line for a key file: 32 random bytes in base64.
func NewKey() string {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(key)
}

// ParseKeyring reads a key file: one base64 key of 32 bytes a line, the newest
// first; empty lines and lines that begin with # are skipped. Errors name the
// line and never what stands in it.
func ParseKeyring(text []byte) (*Keyring, error) {
	set, err := parseKeys(text)
	if err != nil {
		return nil, err
	}
	ring := &Keyring{}
	ring.current.Store(set)
	return ring, nil
}

func parseKeys(text []byte) (*keySet, error) {
	set := &keySet{keys: map[string]*sealKey{}}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := set.add(line); err != nil {
			return nil, fmt.Errorf("keyring line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if set.newest == nil {
		return nil, errors.New("keyring: no key in it")
	}
	return set, nil
}

func (s *keySet) add(line string) error {
	raw, err := base64.StdEncoding.DecodeString(line)
	if err != nil {
		return errors.New("not base64")
	}
	if len(raw) != keyBytes {
		return fmt.Errorf("key has %d bytes, not %d", len(raw), keyBytes)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	id := keyID(raw)
	if s.keys[id] != nil {
		return fmt.Errorf("key %s stands there twice", id)
	}
	key := &sealKey{id: id, boxed: boxVersion + "." + id + ".", bound: boundVersion + "." + id + ".", unbound: unboundVersion + "." + id + ".", aead: aead}
	s.keys[id] = key
	s.raw = append(s.raw, raw)
	if s.newest == nil {
		s.newest = key
	}
	return nil
}

// keyID is what sealed text names a key by.
func keyID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:keyIDBytes])
}

// Derive makes keys of 32 bytes for another purpose from these, newest first, so
// that one key file serves the whole service. Different purposes get unrelated keys.
func (r *Keyring) Derive(purpose string) ([][]byte, error) {
	keys := r.current.Load().raw
	derived := make([][]byte, len(keys))
	for i, raw := range keys {
		key, err := hkdf.Key(sha256.New, raw, nil, purpose, keyBytes)
		if err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
		derived[i] = key
	}
	return derived, nil
}

// open opens sealed text that stands in a document, as earlier releases wrote it. Its
// errors may name the key, never what was sealed.
func (r *Keyring) open(sealed string, at place) (string, error) {
	version, rest, _ := strings.Cut(sealed, ".")
	id, text, found := strings.Cut(rest, ".")
	if !found || version != boundVersion && version != unboundVersion || !isKeyID(id) {
		return "", errNotSealed
	}
	k := r.key(id)
	if k == nil {
		return "", missingKey(id)
	}
	box, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(box) < k.aead.NonceSize() {
		return "", errNotSealed
	}
	bound := at.binding(k.bound)
	if version == unboundVersion {
		bound = []byte(k.unbound)
	}
	n := k.aead.NonceSize()
	plain, err := k.aead.Open(box[n:n], box[:n], box[n:], bound)
	if err != nil {
		return "", fmt.Errorf("the secret cannot be opened with key %s: it was damaged, or sealed for another place", id)
	}
	return string(plain), nil
}

func missingKey(id string) error {
	return fmt.Errorf("the secret is sealed with key %s: %w", id, errKeyMissing)
}

// isKeyID keeps text that is no key's id, but might be a secret, out of errors.
func isKeyID(id string) bool {
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == keyIDBytes
}

// cut returns a JSON text with empty strings in the place of sealed ones, which
// earlier releases wrote. They are known by the headers of the keys, which nobody outside has ever seen.
func (r *Keyring) cut(text []byte) []byte {
	if bytes.Contains(text, []byte(apart)) {
		return text // they are elsewhere
	}
	for _, k := range r.current.Load().keys {
		text = cutStrings(text, []byte(`"`+k.bound))
		text = cutStrings(text, []byte(`"`+k.unbound))
	}
	return text
}

// sealed reports whether anything of a record is sealed with one of the keys.
func (r *Keyring) sealed(record Record) bool {
	text := record.Body
	if len(record.Secrets) > 0 {
		return r.current.Load().keys[boxKey(record.Secrets)] != nil
	}
	for _, k := range r.current.Load().keys {
		if bytes.Contains(text, []byte(`"`+k.bound)) || bytes.Contains(text, []byte(`"`+k.unbound)) {
			return true
		}
	}
	return false
}

// cutStrings empties the strings that begin with start, a quote and what follows
// it. There are no escapes in them.
func cutStrings(text, start []byte) []byte {
	var few [8][]byte
	kept := few[:0]
	for {
		from := bytes.Index(text, start) + 1
		if from == 0 {
			break
		}
		length := bytes.IndexByte(text[from:], '"')
		if length < 0 {
			break // no JSON; the codec will say so
		}
		kept = append(kept, text[:from])
		text = text[from+length:]
	}
	if len(kept) == 0 {
		return text
	}
	return slices.Concat(append(kept, text)...)
}
