package server

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"

	"github.com/aro-rp/aro/arm"
)

const tokenKeyBytes = 32

// tokens seals the store's continuations, so that clients can neither read them
// nor carry one to another list.
type tokens struct {
	keys []cipher.AEAD // the first seals, all open
}

// pageScope is the list that a token belongs to (G07).
type pageScope struct {
	Tenant, Subscription, Group string
}

func (p pageScope) bytes() []byte {
	return []byte(p.Tenant + "\x00" + p.Subscription + "\x00" + p.Group)
}

func newTokens(keys [][]byte) (*tokens, error) {
	t := &tokens{}
	for i, key := range keys {
		if len(key) != tokenKeyBytes {
			return nil, fmt.Errorf("token key %d has %d bytes, not %d", i+1, len(key), tokenKeyBytes)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("token key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("token key %d: %w", i+1, err)
		}
		t.keys = append(t.keys, aead)
	}
	return t, nil
}

func (t *tokens) seal(continuation string, scope pageScope) string {
	return base64.RawURLEncoding.EncodeToString(t.keys[0].Seal(nil, nil, []byte(continuation), scope.bytes()))
}

func (t *tokens) open(token string, scope pageScope) (string, error) {
	box, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", badToken()
	}
	for _, key := range t.keys {
		if len(box) < key.Overhead() {
			continue
		}
		if plain, err := key.Open(nil, nil, box, scope.bytes()); err == nil {
			return string(plain), nil
		}
	}
	return "", badToken()
}

func badToken() *arm.Error {
	return arm.InvalidParameter.At("$skipToken", "The $skipToken is not one that this service gave for this list. Use nextLink as it is, or start at the first page.")
}
