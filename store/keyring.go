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
	// boundVersion marks sealed text in the document that is bound to its place. Text
	// of unboundVersion, from earlier releases, is bound to its key only. Both can
	// still be decrypted; the next write moves the secret to the box.
	boundVersion   = "v2"
	unboundVersion = "v1"
	keyBytes       = 32
	keyIDBytes     = 4
)

var (
	errNotSealed = errors.New("the secret is not sealed text")
	// errKeyMissing is about the process, not the document: another process may
	// have the key.
	errKeyMissing = errors.New("the keyring does not have the key")
)

// Keyring encrypts and decrypts secrets. The newest key encrypts; all of them
// decrypt. It is safe for concurrent use.
type Keyring struct {
	current atomic.Pointer[keySet]
	renewal renewal
}

// keySet is the content of a keyring at one time. It is immutable.
type keySet struct {
	newest *sealKey
	keys   map[string]*sealKey
	// raw are the keys, newest first; only Derive reads them.
	raw [][]byte
}

type sealKey struct {
	id string
	// boxed is "v3.<id>.", bound "v2.<id>." and unbound "v1.<id>."; they are
	// authenticated with the ciphertext.
	boxed, bound, unbound string
	aead                  cipher.AEAD
}

// place is where secrets are stored. Ciphertext can be decrypted at its place only,
// so that write access to the database is not enough to disclose a secret by
// copying it.
type place struct {
	container, partition, id string
	// path is that of the secret in the document, such as cluster.tags.a or list[2];
	// empty for a box, which contains the paths.
	path string
}

// binding returns the additional authenticated data of secrets at p.
func (p place) binding(header string) []byte {
	return fmt.Appendf(nil, "%s%q%q%q%q", header, p.container, p.partition, p.id, p.path)
}

// NewKey returns a line for a key file: 32 random bytes in base64.
func NewKey() string {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(key)
}

// ParseKeyring parses a key file: one base64 key of 32 bytes per line, the newest
// first; empty lines and lines that begin with # are skipped. Errors contain the
// number of the line and never its text.
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
		return fmt.Errorf("key %s is listed twice", id)
	}
	key := &sealKey{id: id, boxed: boxVersion + "." + id + ".", bound: boundVersion + "." + id + ".", unbound: unboundVersion + "." + id + ".", aead: aead}
	s.keys[id] = key
	s.raw = append(s.raw, raw)
	if s.newest == nil {
		s.newest = key
	}
	return nil
}

// keyID returns the id by which ciphertext refers to a key.
func keyID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:keyIDBytes])
}

// Derive derives keys of 32 bytes for another purpose, newest first, so that one key
// file serves the whole service. Keys of different purposes are unrelated.
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

// open decrypts sealed text in a document of an earlier release. Errors may contain
// the id of the key, never the plaintext.
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

// isKeyID reports whether text is a key's id. Other text may be a secret and must
// not appear in errors.
func isKeyID(id string) bool {
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == keyIDBytes
}

// cut returns a JSON text with empty strings instead of sealed text, which earlier releases wrote.
// Sealed text is recognised by the headers of the keys, which are not known outside the service.
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

// sealed reports whether anything of a record is encrypted with one of the keys.
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
// it. They contain no escapes.
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
			break // invalid JSON; the codec returns the error
		}
		kept = append(kept, text[:from])
		text = text[from+length:]
	}
	if len(kept) == 0 {
		return text
	}
	return slices.Concat(append(kept, text)...)
}
