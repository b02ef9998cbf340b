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
	sealVersion = "v1"
	keyBytes    = 32
)

var errNotSealed = errors.New("secret is not sealed text")

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
	// header is "v1.<id>."; it is authenticated with each secret.
	header string
	aead   cipher.AEAD
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
	key := &sealKey{header: sealVersion + "." + id + ".", aead: aead}
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
	return hex.EncodeToString(sum[:4])
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

// seal returns "v1.<key id>.<base64 of nonce and ciphertext>"; empty stays empty.
func (r *Keyring) seal(plain string) string {
	if plain == "" {
		return ""
	}
	k := r.current.Load().newest
	n := k.aead.NonceSize()
	box := make([]byte, n, n+len(plain)+k.aead.Overhead())
	_, _ = rand.Read(box)
	box = k.aead.Seal(box, box, []byte(plain), []byte(k.header))
	out := make([]byte, 0, len(k.header)+base64.RawURLEncoding.EncodedLen(len(box)))
	out = append(out, k.header...)
	return string(base64.RawURLEncoding.AppendEncode(out, box))
}

// open reverses seal. Its errors may name the key, never what was sealed.
func (r *Keyring) open(sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	version, rest, _ := strings.Cut(sealed, ".")
	id, text, found := strings.Cut(rest, ".")
	if !found || version != sealVersion {
		return "", errNotSealed
	}
	k := r.key(id)
	if k == nil {
		return "", fmt.Errorf("secret is sealed with key %.16q, which the keyring does not have", id)
	}
	box, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(box) < k.aead.NonceSize() {
		return "", errNotSealed
	}
	n := k.aead.NonceSize()
	plain, err := k.aead.Open(box[n:n], box[:n], box[n:], []byte(k.header))
	if err != nil {
		return "", fmt.Errorf("secret cannot be opened with key %s: it was damaged", id)
	}
	return string(plain), nil
}

// cut returns a JSON text with empty strings in the place of sealed ones. They are
// known by the headers of the keys, which nobody outside has ever seen.
func (r *Keyring) cut(text []byte) []byte {
	for _, k := range r.current.Load().keys {
		text = cutStrings(text, []byte(`"`+k.header))
	}
	return text
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
