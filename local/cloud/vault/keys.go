package vault

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"slices"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

// storedKey is a name with its versions, the oldest first.
type storedKey struct {
	Name     string       `json:"name"`
	Versions []keyVersion `json:"versions"`
	Deletion *deletion    `json:"deletion,omitempty"`
}

type keyVersion struct {
	Version string `json:"version"`
	// Private is the key in PKCS #8.
	Private    []byte            `json:"private"`
	Type       string            `json:"type"`
	Operations []string          `json:"operations"`
	Tags       map[string]string `json:"tags,omitempty"`
	Attributes attributes        `json:"attributes"`
}

func (k *storedKey) version(id string) (*keyVersion, error) {
	for i := len(k.Versions) - 1; i >= 0; i-- {
		if id == "" || k.Versions[i].Version == id {
			return &k.Versions[i], nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "KeyNotFound", "A key with (name/id) " + k.Name + "/" + id + " was not found in this key vault.", ""}
}

// keyRequest is the body that creates or changes a key.
type keyRequest struct {
	Type       string            `json:"kty"`
	Size       int               `json:"key_size"`
	Curve      string            `json:"crv"`
	Operations []string          `json:"key_ops"`
	Attributes *attributes       `json:"attributes"`
	Tags       map[string]string `json:"tags"`
}

// keys answers for the keys of a vault; those of certificates can only be read.
func (s *Service) keys(c *call) error {
	switch {
	case c.collection == "deletedkeys":
		return s.deletedKeys(c)
	case len(c.rest) == 0 && c.Method == http.MethodGet:
		return s.listKeys(c)
	case len(c.rest) == 0 || len(c.rest) > 3:
		return c.unknown()
	case len(c.rest) == 2 && c.rest[1] == "create" && c.Method == http.MethodPost:
		return s.createKey(c)
	case len(c.rest) == 2 && c.rest[1] == "versions" && c.Method == http.MethodGet:
		return s.listKeyVersions(c)
	case len(c.rest) == 3 && c.Method == http.MethodPost:
		return s.useKey(c)
	}
	switch c.Method {
	case http.MethodGet:
		return s.getKey(c)
	case http.MethodPatch:
		return s.updateKey(c)
	case http.MethodDelete:
		return s.deleteKey(c)
	}
	return c.unknown()
}

// generate makes the requested private key.
func (r keyRequest) generate() (crypto.Signer, error) {
	switch {
	case arm.EqualFold(r.Type, "RSA") || arm.EqualFold(r.Type, "RSA-HSM"):
		size := r.Size
		if size == 0 {
			size = 2048
		}
		if size != 2048 && size != 3072 && size != 4096 {
			return nil, badParameter("Property key_size has to be 2048, 3072 or 4096.")
		}
		return rsa.GenerateKey(rand.Reader, size)
	case arm.EqualFold(r.Type, "EC") || arm.EqualFold(r.Type, "EC-HSM"):
		curve, ok := map[string]elliptic.Curve{"": elliptic.P256(), "P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[r.Curve]
		if !ok {
			return nil, badParameter("Property crv has to be P-256, P-384 or P-521.")
		}
		return ecdsa.GenerateKey(curve, rand.Reader)
	}
	return nil, badParameter("Property kty has to be RSA or EC.")
}

func (s *Service) createKey(c *call) error {
	if err := s.allow(c, "keys/create/action"); err != nil {
		return err
	}
	name := c.rest[0]
	if !validName.MatchString(name) {
		return badParameter("A key's name has 1 to 127 letters, digits and dashes.")
	}
	var body keyRequest
	if err := c.read(&body); err != nil {
		return err
	}
	private, err := body.generate()
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	v := keyVersion{Version: newVersion(), Private: der, Type: body.Type, Operations: body.Operations, Tags: body.Tags}
	if len(v.Operations) == 0 {
		v.Operations = []string{"sign", "verify"}
		if _, isRSA := private.(*rsa.PrivateKey); isRSA {
			v.Operations = []string{"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"}
		}
	}
	if body.Attributes != nil {
		v.Attributes = *body.Attributes
	}
	v.Attributes = v.Attributes.stamp(s.Now(), s.Now())
	ctx := c.Context()
	err = s.State.Update(ctx, func(tx *state.Tx) error {
		if err := s.free(ctx, tx, kindDeletedKey, c.vault, name); err != nil {
			return err
		}
		if found, err := tx.Get(ctx, kindCertificate, key(c.vault, name), &certificate{}); err != nil {
			return err
		} else if found {
			return &refusal{http.StatusConflict, "Conflict", "The key belongs to a certificate of the same name.", "KeyManagedByKeyVault"}
		}
		stored := storedKey{Name: name}
		if _, err := tx.Get(ctx, kindKey, key(c.vault, name), &stored); err != nil {
			return err
		}
		stored.Versions = append(stored.Versions, v)
		return tx.Put(ctx, kindKey, key(c.vault, name), stored)
	})
	if err != nil {
		return err
	}
	return s.answerKey(c, name, &v)
}

func (v *keyVersion) private() (crypto.Signer, error) {
	private, err := x509.ParsePKCS8PrivateKey(v.Private)
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, badParameter("The key cannot be used.")
	}
	return signer, nil
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// publicKey is the public part of a key on the wire.
func publicKey(id, kind string, operations []string, public crypto.PublicKey) map[string]any {
	shown := map[string]any{"kid": id, "kty": kind, "key_ops": operations}
	switch public := public.(type) {
	case *rsa.PublicKey:
		shown["n"], shown["e"] = encoded(public.N.Bytes()), encoded(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		point, err := public.Bytes() // 4, then both coordinates
		if err == nil && len(point) == 1+2*size {
			shown["crv"], shown["x"], shown["y"] = public.Curve.Params().Name, encoded(point[1:1+size]), encoded(point[1+size:])
		}
	}
	return shown
}

func (s *Service) keyBundle(vault, name string, v *keyVersion) (map[string]any, error) {
	private, err := v.private()
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"key": publicKey(s.id(vault, "keys", name, v.Version), v.Type, v.Operations, private.Public()), "attributes": v.Attributes, "tags": v.Tags,
	}, nil
}

func (s *Service) answerKey(c *call, name string, v *keyVersion) error {
	bundle, err := s.keyBundle(c.vault, name, v)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, bundle)
}

func (s *Service) getKey(c *call) error {
	if err := s.allow(c, "keys/read"); err != nil {
		return err
	}
	var stored storedKey
	found, err := s.State.Get(c.Context(), kindKey, key(c.vault, c.rest[0]), &stored)
	if err != nil {
		return err
	}
	if !found {
		return s.keyOfCertificate(c)
	}
	v, err := stored.version(c.second())
	if err != nil {
		return err
	}
	return s.answerKey(c, stored.Name, v)
}

// keyOfCertificate answers the public key of a certificate.
func (s *Service) keyOfCertificate(c *call) error {
	var stored certificate
	found, err := s.State.Get(c.Context(), kindCertificate, key(c.vault, c.rest[0]), &stored)
	if err != nil {
		return err
	}
	if !found {
		_, err := load[storedKey](c.Context(), s.State, kindKey, c.vault, c.rest[0])
		return err
	}
	v, err := stored.version(c.second())
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(v.DER)
	if err != nil {
		return err
	}
	operations := []string{"sign", "verify", "wrapKey", "unwrapKey", "encrypt", "decrypt"}
	return c.answer(http.StatusOK, map[string]any{
		"key":        publicKey(s.id(c.vault, "keys", stored.Name, v.Version), "RSA", operations, leaf.PublicKey),
		"attributes": v.Attributes, "tags": v.Tags, "managed": true,
	})
}

func (s *Service) listKeys(c *call) error {
	if err := s.allow(c, "keys/read"); err != nil {
		return err
	}
	stored, err := list[storedKey](c.Context(), s.State, kindKey, c.vault)
	if err != nil {
		return err
	}
	certificates, err := list[certificate](c.Context(), s.State, kindCertificate, c.vault)
	if err != nil {
		return err
	}
	items := []any{}
	for i := range stored {
		if v, err := stored[i].version(""); err == nil {
			items = append(items, map[string]any{"kid": s.id(c.vault, "keys", stored[i].Name), "attributes": v.Attributes, "tags": v.Tags})
		}
	}
	for i := range certificates {
		if v, err := certificates[i].version(""); err == nil {
			items = append(items, map[string]any{"kid": s.id(c.vault, "keys", certificates[i].Name), "attributes": v.Attributes, "tags": v.Tags, "managed": true})
		}
	}
	return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
}

func (s *Service) listKeyVersions(c *call) error {
	if err := s.allow(c, "keys/read"); err != nil {
		return err
	}
	stored, err := load[storedKey](c.Context(), s.State, kindKey, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	items := []any{}
	for _, v := range slices.Backward(stored.Versions) {
		items = append(items, map[string]any{"kid": s.id(c.vault, "keys", stored.Name, v.Version), "attributes": v.Attributes, "tags": v.Tags})
	}
	return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
}

func (s *Service) updateKey(c *call) error {
	if err := s.allow(c, "keys/update/action"); err != nil {
		return err
	}
	var body keyRequest
	if err := c.read(&body); err != nil {
		return err
	}
	var name string
	var updated keyVersion
	err := s.State.Update(c.Context(), func(tx *state.Tx) error {
		stored, err := load[storedKey](c.Context(), tx, kindKey, c.vault, c.rest[0])
		if err != nil {
			return err
		}
		v, err := stored.version(c.second())
		if err != nil {
			return err
		}
		v.Attributes = v.Attributes.merge(body.Attributes, s.Now())
		if body.Tags != nil {
			v.Tags = body.Tags
		}
		if len(body.Operations) > 0 {
			v.Operations = body.Operations
		}
		name, updated = stored.Name, *v
		return tx.Put(c.Context(), kindKey, key(c.vault, stored.Name), stored)
	})
	if err != nil {
		return err
	}
	return s.answerKey(c, name, &updated)
}

func (s *Service) deleteKey(c *call) error {
	if err := s.allow(c, "keys/delete"); err != nil {
		return err
	}
	var stored storedKey
	err := s.State.Update(c.Context(), func(tx *state.Tx) (err error) {
		if stored, err = load[storedKey](c.Context(), tx, kindKey, c.vault, c.rest[0]); err != nil {
			return err
		}
		stored.Deletion = newDeletion(s.Now())
		return moveKey(c.Context(), tx, kindDeletedKey, c.vault, stored)
	})
	if err != nil {
		return err
	}
	return s.answerDeletedKey(c, stored)
}

// moveKey puts a key among the deleted ones, or back.
func moveKey(ctx context.Context, tx *state.Tx, to, vault string, stored storedKey) error {
	from := kindKey
	if to == kindKey {
		from = kindDeletedKey
	}
	if _, err := tx.Delete(ctx, from, key(vault, stored.Name)); err != nil {
		return err
	}
	return tx.Put(ctx, to, key(vault, stored.Name), stored)
}

func (s *Service) deletedKeyBundle(vault string, stored storedKey) (map[string]any, error) {
	v, err := stored.version("")
	if err != nil {
		return nil, err
	}
	bundle, err := s.keyBundle(vault, stored.Name, v)
	if err != nil {
		return nil, err
	}
	bundle["recoveryId"] = s.id(vault, "deletedkeys", stored.Name)
	if d := stored.Deletion; d != nil {
		bundle["deletedDate"], bundle["scheduledPurgeDate"] = d.Deleted, d.Purge
	}
	return bundle, nil
}

func (s *Service) answerDeletedKey(c *call, stored storedKey) error {
	bundle, err := s.deletedKeyBundle(c.vault, stored)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, bundle)
}

func (s *Service) deletedKeys(c *call) error {
	ctx := c.Context()
	if len(c.rest) == 0 {
		if c.Method != http.MethodGet {
			return c.unknown()
		}
		if err := s.allow(c, "keys/read"); err != nil {
			return err
		}
		stored, err := list[storedKey](ctx, s.State, kindDeletedKey, c.vault)
		if err != nil {
			return err
		}
		items := []any{}
		for _, one := range stored {
			items = append(items, map[string]any{
				"kid": s.id(c.vault, "keys", one.Name), "recoveryId": s.id(c.vault, "deletedkeys", one.Name), "deletedDate": one.Deletion.Deleted, "scheduledPurgeDate": one.Deletion.Purge,
			})
		}
		return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
	}
	action := map[string]string{http.MethodGet: "read", http.MethodDelete: "purge/action", http.MethodPost: "recover/action"}[c.Method]
	if action == "" || c.Method == http.MethodPost && c.second() != "recover" {
		return c.unknown()
	}
	if err := s.allow(c, "keys/"+action); err != nil {
		return err
	}
	stored, err := load[storedKey](ctx, s.State, kindDeletedKey, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	switch c.Method {
	case http.MethodGet:
		return s.answerDeletedKey(c, stored)
	case http.MethodDelete:
		_, err := s.State.Delete(ctx, kindDeletedKey, key(c.vault, stored.Name))
		if err == nil {
			c.w.WriteHeader(http.StatusNoContent)
		}
		return err
	}
	stored.Deletion = nil
	if err := s.State.Update(ctx, func(tx *state.Tx) error {
		return moveKey(ctx, tx, kindKey, c.vault, stored)
	}); err != nil {
		return err
	}
	v, err := stored.version("")
	if err != nil {
		return err
	}
	return s.answerKey(c, stored.Name, v)
}
