package cluster

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// graphPurpose makes the keys of sealed blobs unrelated to those of the database.
const graphPurpose = "installer graph"

// seal encrypts with the newest key, for one cluster alone: about says which.
func seal(keys Keys, about string, plain []byte) ([]byte, error) {
	all, err := aeads(keys)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, all[0].NonceSize(), all[0].NonceSize()+len(plain)+all[0].Overhead())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return all[0].Seal(nonce, nonce, plain, []byte(about)), nil
}

// unseal reverses seal with whichever key it was.
func unseal(keys Keys, about string, sealed []byte) ([]byte, error) {
	all, err := aeads(keys)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if len(sealed) < a.NonceSize() {
			break
		}
		plain, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(about))
		if err == nil {
			return plain, nil
		}
	}
	return nil, errors.New("the sealed document is damaged, of another cluster, or sealed with a key that is gone")
}

func aeads(keys Keys) ([]cipher.AEAD, error) {
	raw, err := keys.Derive(graphPurpose)
	if err != nil {
		return nil, err
	}
	var all []cipher.AEAD
	for _, key := range raw {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		a, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no key to seal with")
	}
	return all, nil
}
