package armhttp

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"

	"github.com/aro-rp/aro/store"
)

// Sealer seals what clients carry and must neither read nor change, such as cookies, with
// keys of its own purpose.
type Sealer struct {
	Keys *store.Keyring
	// Purpose separates its keys from those for other purposes.
	Purpose string
}

// ciphers are of all keys; the first seals.
func (s Sealer) ciphers() ([]cipher.AEAD, error) {
	keys, err := s.Keys.Derive(s.Purpose)
	if err != nil {
		return nil, err
	}
	all := make([]cipher.AEAD, len(keys))
	for i, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if all[i], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Seal seals a text, which opens only with what it is bound to.
func (s Sealer) Seal(text string, bound []byte) (string, error) {
	all, err := s.ciphers()
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(all[0].Seal(nil, nil, []byte(text), bound)), nil
}

// Open reverses Seal. What no key opens may have been sealed with a newer one, by
// another process.
func (s Sealer) Open(ctx context.Context, sealed string, bound []byte) (string, bool) {
	box, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", false
	}
	if text, ok := s.try(box, bound); ok {
		return text, true
	}
	if s.Keys.Renew(ctx) != nil {
		return "", false
	}
	return s.try(box, bound)
}

func (s Sealer) try(box, bound []byte) (string, bool) {
	all, err := s.ciphers()
	if err != nil {
		return "", false
	}
	for _, key := range all {
		if len(box) < key.Overhead() {
			continue
		}
		if text, err := key.Open(nil, nil, box, bound); err == nil {
			return string(text), true
		}
	}
	return "", false
}
