package store

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// apart is the placeholder in a document for each of its secrets. Releases that
// stored secrets in the document reject it because it is not sealed text, and so
// lose none.
const apart = "v3.apart"

const (
	// boxVersion marks secrets that are encrypted together, in the headers of keys
	// and as the first byte of a box.
	boxVersion     = "v3"
	boxMark        = 3
	boxHeaderBytes = 1 + keyIDBytes
)

// ErrSealed is returned for a change of secrets in a document that were not
// decrypted. See Collection.UpdateSealed.
var ErrSealed = errors.New("the document's secrets are not opened")

var (
	errNoBox   = errors.New("the secret is not among the document's sealed secrets")
	errDamaged = errors.New("the document's sealed secrets were damaged, or sealed for another place")
)

// sealing is the encryption state of the secrets of a document.
type sealing struct {
	// box is the stored ciphertext; nil if there is none or the driver omitted it.
	box []byte
	// opened is its plaintext, nil if it has not been decrypted.
	opened *opened
	// closed is true if the document has apart for every secret.
	closed bool
}

// opened are the secrets in a box. They are immutable.
type opened struct {
	keyID string
	// texts by path in the document; others are those for which this release has no
	// member: they were written by a newer release and are kept.
	texts, others map[string]string
}

// holds reports whether the secrets are texts and those in others, encrypted with that
// key.
func (o *opened) holds(texts map[string]string, k *sealKey) bool {
	if o == nil || o.keyID != k.id || len(o.texts)-len(o.others) != len(texts) {
		return false
	}
	for path, text := range texts {
		if stored, found := o.texts[path]; !found || stored != text {
			return false
		}
	}
	return true
}

// with separates the secrets for which there is a member.
func (o *opened) with(places []string) *opened {
	if o == nil || len(places) == len(o.texts) && o.others == nil {
		return o
	}
	others := maps.Clone(o.texts)
	for _, path := range places {
		delete(others, path)
	}
	return &opened{keyID: o.keyID, texts: o.texts, others: others}
}

// sealBox encrypts secrets together. A box is version, key, nonce, and the
// ciphertext of pack.
func (r *Keyring) sealBox(texts map[string]string, at place) (box []byte, keyID string, err error) {
	packed, err := pack(texts)
	if err != nil {
		return nil, "", err
	}
	k := r.current.Load().newest
	id, err := hex.DecodeString(k.id)
	if err != nil {
		return nil, "", err
	}
	head := boxHeaderBytes + k.aead.NonceSize()
	box = make([]byte, head, head+len(packed)+k.aead.Overhead())
	box[0] = boxMark
	copy(box[1:], id)
	nonce := box[boxHeaderBytes:]
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return k.aead.Seal(box, nonce, packed, at.binding(k.boxed)), k.id, nil
}

// boxKey returns the id of the key that a box is encrypted with, empty if it is not
// a box.
func boxKey(box []byte) string {
	if len(box) < boxHeaderBytes || box[0] != boxMark {
		return ""
	}
	return hex.EncodeToString(box[1:boxHeaderBytes])
}

// openBox reverses sealBox. Errors may contain the id of the key, never the
// plaintext.
func (r *Keyring) openBox(box []byte, at place) (*opened, error) {
	id := boxKey(box)
	if id == "" {
		return nil, errDamaged
	}
	k := r.key(id)
	if k == nil {
		return nil, missingKey(id)
	}
	head := boxHeaderBytes + k.aead.NonceSize()
	if len(box) < head {
		return nil, errDamaged
	}
	packed, err := k.aead.Open(nil, box[boxHeaderBytes:head], box[head:], at.binding(k.boxed))
	if err != nil {
		return nil, errDamaged
	}
	texts, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	return &opened{keyID: id, texts: texts}, nil
}

// Deflaters are large. Setting up the best compression takes longer than compressing
// a few small secrets.
var (
	bestDeflaters = newDeflaters(flate.BestCompression)
	fastDeflaters = newDeflaters(flate.BestSpeed)
	inflaters     = sync.Pool{New: func() any { return flate.NewReader(nil) }}
)

// fewSecrets is the maximum number of bytes for fast compression.
const fewSecrets = 4 << 10

func newDeflaters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		w, _ := flate.NewWriter(nil, level) // fails for invalid levels only
		return w
	}}
}

// pack encodes texts by path, in the order of the paths, with unarmor and
// compression.
func pack(texts map[string]string) ([]byte, error) {
	var plain []byte
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		plain = framed(plain, []byte(path))
		plain = framed(plain, unarmor([]byte(texts[path]), deepestArmor))
	}
	deflaters := bestDeflaters
	if len(plain) < fewSecrets {
		deflaters = fastDeflaters
	}
	var packed bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&packed)
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("compress secrets: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress secrets: %w", err)
	}
	return packed.Bytes(), nil
}

func framed(out, content []byte) []byte {
	return append(binary.AppendUvarint(out, uint64(len(content))), content...)
}

func unpack(packed []byte) (map[string]string, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil {
		return nil, errArmor
	}
	var plain bytes.Buffer
	plain.Grow(3 * len(packed))
	if _, err := plain.ReadFrom(r); err != nil {
		return nil, errArmor
	}
	texts := map[string]string{}
	for rest := plain.Bytes(); len(rest) > 0; {
		path, after, ok := unframed(rest)
		if !ok {
			return nil, errArmor
		}
		segments, after, ok := unframed(after)
		if !ok {
			return nil, errArmor
		}
		text, err := armor(make([]byte, 0, 2*len(segments)), segments, deepestArmor)
		if err != nil {
			return nil, err
		}
		texts[string(path)] = string(text)
		rest = after
	}
	return texts, nil
}

func unframed(text []byte) (content, rest []byte, ok bool) {
	length, n := binary.Uvarint(text)
	if n <= 0 || length > uint64(len(text)-n) {
		return nil, nil, false
	}
	end := n + int(length)
	return text[n:end], text[end:], true
}
