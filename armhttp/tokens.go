package armhttp

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
)

// tokenPurpose separates the keys of tokens from keys for other purposes.
const tokenPurpose = "continuation tokens"

// Tokens encrypts the store's continuations, so that clients cannot read them or
// use them for another list.
type Tokens struct{ Keys *store.Keyring }

// PageScope identifies the list of a token (G07).
type PageScope struct {
	Tenant, Subscription, Group string
}

func (p PageScope) bytes() []byte {
	return []byte(p.Tenant + "\x00" + p.Subscription + "\x00" + p.Group)
}

// ciphers returns the ciphers of all keys; the first encrypts.
func (t Tokens) ciphers() ([]cipher.AEAD, error) {
	keys, err := t.Keys.Derive(tokenPurpose)
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

// Seal encrypts a continuation of the list to a token.
func (t Tokens) Seal(continuation string, scope PageScope) (string, error) {
	all, err := t.ciphers()
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(all[0].Seal(nil, nil, []byte(continuation), scope.bytes())), nil
}

// Open decrypts a token. A token that no key decrypts may have been encrypted with
// a newer key by another process.
func (t Tokens) Open(ctx context.Context, token string, scope PageScope) (string, error) {
	box, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", badToken()
	}
	if plain, ok := t.try(box, scope); ok {
		return plain, nil
	}
	if t.Keys.Renew(ctx) == nil {
		if plain, ok := t.try(box, scope); ok {
			return plain, nil
		}
	}
	return "", badToken()
}

func (t Tokens) try(box []byte, scope PageScope) (string, bool) {
	all, err := t.ciphers()
	if err != nil {
		return "", false
	}
	for _, key := range all {
		if len(box) < key.Overhead() {
			continue
		}
		if plain, err := key.Open(nil, nil, box, scope.bytes()); err == nil {
			return string(plain), true
		}
	}
	return "", false
}

func badToken() *arm.Error {
	return arm.InvalidParameter.At("$skipToken", "The $skipToken is not one that this service gave for this list. Use nextLink as it is, or start at the first page.")
}
