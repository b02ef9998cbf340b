package vault

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RSA-OAEP of JSON Web Algorithms uses it
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/base64"
	"hash"
	"math/big"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// useKey does a cryptographic operation with a key.
func (s *Service) useKey(c *call) error {
	operation := arm.ToLower(c.rest[2])
	name, known := map[string]string{"sign": "sign", "verify": "verify", "encrypt": "encrypt", "decrypt": "decrypt", "wrapkey": "wrapKey", "unwrapkey": "unwrapKey"}[operation]
	if !known {
		return c.unknown()
	}
	if err := s.allow(c, "keys/"+strings.TrimSuffix(operation, "key")+"/action"); err != nil {
		return err
	}
	stored, err := load[storedKey](c.Context(), s.State, kindKey, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	v, err := stored.version(c.rest[1])
	if err != nil {
		return err
	}
	if !v.Attributes.enabled() || !slices.ContainsFunc(v.Operations, func(o string) bool { return arm.EqualFold(o, name) }) {
		return &refusal{http.StatusForbidden, "Forbidden", "Operation " + name + " is not permitted on this key.", "KeyOperationForbidden"}
	}
	var body struct{ Alg, Value, Digest string }
	if err := c.read(&body); err != nil {
		return err
	}
	value, err1 := base64.RawURLEncoding.DecodeString(strings.TrimRight(body.Value, "="))
	digest, err2 := base64.RawURLEncoding.DecodeString(strings.TrimRight(body.Digest, "="))
	if err1 != nil || err2 != nil {
		return badParameter("The value is not encoded in base64url.")
	}
	private, err := v.private()
	if err != nil {
		return err
	}
	id := s.id(c.vault, "keys", stored.Name, v.Version)
	switch operation {
	case "sign":
		signature, err := signDigest(private, body.Alg, value)
		if err != nil {
			return err
		}
		return c.answer(http.StatusOK, map[string]any{"kid": id, "value": encoded(signature)})
	case "verify":
		good, err := verifyDigest(private.Public(), body.Alg, digest, value)
		if err != nil {
			return err
		}
		return c.answer(http.StatusOK, map[string]any{"value": good})
	}
	result, err := cipherRSA(private, body.Alg, value, operation == "encrypt" || operation == "wrapkey")
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, map[string]any{"kid": id, "value": encoded(result)})
}

// digestOf is the hash of a signature algorithm such as RS256.
func digestOf(algorithm string, digest []byte) (crypto.Hash, error) {
	for suffix, h := range map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512} {
		if strings.HasSuffix(algorithm, suffix) && len(algorithm) == len("RS256") {
			if len(digest) != h.Size() {
				return 0, badParameter("The digest for %s has to have %d bytes.", algorithm, h.Size())
			}
			return h, nil
		}
	}
	return 0, unknownAlgorithm(algorithm)
}

func unknownAlgorithm(algorithm string) error {
	return badParameter("The algorithm '%s' is not one of this key's.", algorithm)
}

func signDigest(private crypto.Signer, algorithm string, digest []byte) ([]byte, error) {
	h, err := digestOf(algorithm, digest)
	if err != nil {
		return nil, err
	}
	switch k := private.(type) {
	case *rsa.PrivateKey:
		switch algorithm[:2] {
		case "RS":
			return rsa.SignPKCS1v15(rand.Reader, k, h, digest)
		case "PS":
			return rsa.SignPSS(rand.Reader, k, h, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
	case *ecdsa.PrivateKey:
		if algorithm[:2] == "ES" {
			r, v, err := ecdsa.Sign(rand.Reader, k, digest)
			if err != nil {
				return nil, err
			}
			size := (k.Curve.Params().BitSize + 7) / 8
			return append(r.FillBytes(make([]byte, size)), v.FillBytes(make([]byte, size))...), nil
		}
	}
	return nil, unknownAlgorithm(algorithm)
}

func verifyDigest(public crypto.PublicKey, algorithm string, digest, signature []byte) (bool, error) {
	h, err := digestOf(algorithm, digest)
	if err != nil {
		return false, err
	}
	switch k := public.(type) {
	case *rsa.PublicKey:
		switch algorithm[:2] {
		case "RS":
			return rsa.VerifyPKCS1v15(k, h, digest, signature) == nil, nil
		case "PS":
			return rsa.VerifyPSS(k, h, digest, signature, nil) == nil, nil
		}
	case *ecdsa.PublicKey:
		half := len(signature) / 2
		if algorithm[:2] == "ES" {
			return ecdsa.Verify(k, digest, new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])), nil
		}
	}
	return false, unknownAlgorithm(algorithm)
}

// cipherRSA encrypts or decrypts by an algorithm of JSON Web Encryption.
func cipherRSA(private crypto.Signer, algorithm string, value []byte, encrypt bool) ([]byte, error) {
	k, ok := private.(*rsa.PrivateKey)
	hashes := map[string]func() hash.Hash{"RSA-OAEP": sha1.New, "RSA-OAEP-256": sha256.New}
	newHash := hashes[algorithm]
	var result []byte
	var err error
	switch {
	case !ok, newHash == nil && algorithm != "RSA1_5":
		return nil, unknownAlgorithm(algorithm)
	case newHash == nil && encrypt:
		result, err = rsa.EncryptPKCS1v15(rand.Reader, &k.PublicKey, value) //nolint:staticcheck // the algorithm that was asked for
	case newHash == nil:
		result, err = rsa.DecryptPKCS1v15(rand.Reader, k, value) //nolint:staticcheck // the algorithm that was asked for
	case encrypt:
		result, err = rsa.EncryptOAEP(newHash(), rand.Reader, &k.PublicKey, value, nil)
	default:
		result, err = rsa.DecryptOAEP(newHash(), rand.Reader, k, value, nil)
	}
	if err != nil {
		return nil, badParameter("The value cannot be used with this key and %s.", algorithm)
	}
	return result, nil
}
