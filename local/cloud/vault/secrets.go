package vault

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/local/cloud/state"
)

// secret is a name with its versions, the oldest first.
type secret struct {
	Name     string          `json:"name"`
	Versions []secretVersion `json:"versions"`
	Deletion *deletion       `json:"deletion,omitempty"`
}

type secretVersion struct {
	Version     string            `json:"version"`
	Value       string            `json:"value"`
	ContentType string            `json:"contentType,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Attributes  attributes        `json:"attributes"`
	Managed     bool              `json:"managed,omitempty"` // of a certificate
}

// version finds a version, or the latest for "".
func (s *secret) version(id string) (*secretVersion, error) {
	for i := len(s.Versions) - 1; i >= 0; i-- {
		if id == "" || s.Versions[i].Version == id {
			return &s.Versions[i], nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "SecretNotFound", "A secret with (name/id) " + s.Name + "/" + id + " was not found in this key vault.", ""}
}

// secretBundle is a secret on the wire.
type secretBundle struct {
	Value       *string           `json:"value,omitempty"`
	ID          string            `json:"id,omitempty"`
	KeyID       string            `json:"kid,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Attributes  *attributes       `json:"attributes,omitempty"`
	Managed     bool              `json:"managed,omitempty"`
	RecoveryID  string            `json:"recoveryId,omitempty"`
	*deletion
}

// secretID is the address of a secret; "" leaves the version out.
func (s *Service) secretID(vault, name, version string) string {
	return strings.TrimSuffix(s.id(vault, "secrets", name, version), "/")
}

func (s *Service) secretBundle(vault, name string, v *secretVersion, withValue bool) secretBundle {
	b := secretBundle{ID: s.secretID(vault, name, v.Version), ContentType: v.ContentType, Tags: v.Tags, Attributes: &v.Attributes, Managed: v.Managed}
	if v.Managed {
		b.KeyID = s.id(vault, "keys", name, v.Version)
	}
	if withValue {
		b.Value = &v.Value
	}
	return b
}

func (s *Service) secrets(c *call) error {
	if c.collection == "deletedsecrets" {
		return s.deletedSecrets(c)
	}
	switch {
	case len(c.rest) == 0 && c.Method == http.MethodGet:
		return s.listSecrets(c)
	case len(c.rest) == 2 && c.rest[1] == "versions" && c.Method == http.MethodGet:
		return s.listSecretVersions(c)
	case len(c.rest) == 0 || len(c.rest) > 2:
		return c.unknown()
	}
	switch c.Method {
	case http.MethodGet:
		return s.getSecret(c)
	case http.MethodPut:
		return s.setSecret(c)
	case http.MethodPatch:
		return s.updateSecret(c)
	case http.MethodDelete:
		return s.deleteSecret(c)
	}
	return c.unknown()
}

// second is the second part of the path, if any: a version.
func (c *call) second() string {
	if len(c.rest) > 1 {
		return c.rest[1]
	}
	return ""
}

func (s *Service) getSecret(c *call) error {
	if err := s.allow(c, "secrets/getSecret/action"); err != nil {
		return err
	}
	name := c.rest[0]
	if err := s.renewIfDue(c.Context(), c.vault, name); err != nil {
		return err
	}
	stored, err := load[secret](c.Context(), s.State, kindSecret, c.vault, name)
	if err != nil {
		return err
	}
	v, err := stored.version(c.second())
	if err != nil {
		return err
	}
	if !v.Attributes.enabled() {
		return &refusal{http.StatusForbidden, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled"}
	}
	return c.answer(http.StatusOK, s.secretBundle(c.vault, stored.Name, v, true))
}

func (s *Service) setSecret(c *call) error {
	if err := s.allow(c, "secrets/setSecret/action"); err != nil {
		return err
	}
	name := c.rest[0]
	if len(c.rest) != 1 || !validName.MatchString(name) {
		return badParameter("A secret's name has 1 to 127 letters, digits and dashes.")
	}
	var body secretBundle
	if err := c.read(&body); err != nil {
		return err
	}
	if body.Value == nil {
		return badParameter("Property value is required.")
	}
	if len(*body.Value) > 25<<10 {
		return badParameter("The secret value is longer than 25 KB.")
	}
	v := secretVersion{Version: newVersion(), Value: *body.Value, ContentType: body.ContentType, Tags: body.Tags}
	if body.Attributes != nil {
		v.Attributes = *body.Attributes
	}
	if err := s.addSecret(c.Context(), c.vault, name, v); err != nil {
		return err
	}
	v.Attributes = v.Attributes.stamp(s.Now(), s.Now())
	return c.answer(http.StatusOK, s.secretBundle(c.vault, name, &v, true))
}

func (s *Service) addSecret(ctx context.Context, vault, name string, v secretVersion) error {
	return s.State.Update(ctx, func(tx *state.Tx) error {
		if err := s.free(ctx, tx, kindDeletedSecret, vault, name); err != nil {
			return err
		}
		if found, err := tx.Get(ctx, kindCertificate, key(vault, name), &certificate{}); err != nil {
			return err
		} else if found {
			return &refusal{http.StatusConflict, "Conflict", "The secret belongs to a certificate of the same name.", "SecretManagedByKeyVault"}
		}
		return s.putVersion(ctx, tx, vault, name, v)
	})
}

func (s *Service) putVersion(ctx context.Context, tx *state.Tx, vault, name string, v secretVersion) error {
	stored := secret{Name: name}
	if _, err := tx.Get(ctx, kindSecret, key(vault, name), &stored); err != nil {
		return err
	}
	v.Attributes = v.Attributes.stamp(s.Now(), s.Now())
	stored.Versions = append(stored.Versions, v)
	return tx.Put(ctx, kindSecret, key(vault, name), stored)
}

func (s *Service) updateSecret(c *call) error {
	if err := s.allow(c, "secrets/update/action"); err != nil {
		return err
	}
	var body secretBundle
	if err := c.read(&body); err != nil {
		return err
	}
	var updated secretBundle
	err := s.State.Update(c.Context(), func(tx *state.Tx) error {
		stored, err := load[secret](c.Context(), tx, kindSecret, c.vault, c.rest[0])
		if err != nil {
			return err
		}
		v, err := stored.version(c.second())
		if err != nil {
			return err
		}
		v.Attributes = v.Attributes.merge(body.Attributes, s.Now())
		if body.Tags != nil {
			v.Tags = maps.Clone(body.Tags)
		}
		if body.ContentType != "" {
			v.ContentType = body.ContentType
		}
		updated = s.secretBundle(c.vault, stored.Name, v, false)
		return tx.Put(c.Context(), kindSecret, key(c.vault, stored.Name), stored)
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, updated)
}

func (s *Service) listSecrets(c *call) error {
	if err := s.allow(c, "secrets/readMetadata/action"); err != nil {
		return err
	}
	stored, err := list[secret](c.Context(), s.State, kindSecret, c.vault)
	if err != nil {
		return err
	}
	items := []secretBundle{}
	for _, one := range stored {
		if v, err := one.version(""); err == nil {
			item := s.secretBundle(c.vault, one.Name, v, false)
			item.ID, item.KeyID = s.secretID(c.vault, one.Name, ""), ""
			items = append(items, item)
		}
	}
	return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
}

func (s *Service) listSecretVersions(c *call) error {
	if err := s.allow(c, "secrets/readMetadata/action"); err != nil {
		return err
	}
	stored, err := load[secret](c.Context(), s.State, kindSecret, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	items := []secretBundle{}
	for i := range stored.Versions {
		items = append(items, s.secretBundle(c.vault, stored.Name, &stored.Versions[i], false))
	}
	slices.Reverse(items)
	return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
}

func (s *Service) deleteSecret(c *call) error {
	if err := s.allow(c, "secrets/delete"); err != nil {
		return err
	}
	var stored secret
	err := s.State.Update(c.Context(), func(tx *state.Tx) (err error) {
		if stored, err = load[secret](c.Context(), tx, kindSecret, c.vault, c.rest[0]); err != nil {
			return err
		}
		if v, err := stored.version(""); err == nil && v.Managed {
			return &refusal{http.StatusForbidden, "Forbidden", "The secret belongs to a certificate; delete the certificate.", "SecretManagedByKeyVault"}
		}
		stored.Deletion = newDeletion(s.Now())
		if err := tx.Put(c.Context(), kindDeletedSecret, key(c.vault, stored.Name), stored); err != nil {
			return err
		}
		_, err = tx.Delete(c.Context(), kindSecret, key(c.vault, stored.Name))
		return err
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, s.deletedSecret(c.vault, stored))
}

func (s *Service) deletedSecret(vault string, stored secret) secretBundle {
	bundle := secretBundle{deletion: stored.Deletion}
	if v, err := stored.version(""); err == nil {
		bundle = s.secretBundle(vault, stored.Name, v, false)
		bundle.deletion = stored.Deletion
	}
	bundle.RecoveryID = s.id(vault, "deletedsecrets", stored.Name)
	return bundle
}

func (s *Service) deletedSecrets(c *call) error {
	ctx := c.Context()
	if len(c.rest) == 0 {
		if c.Method != http.MethodGet {
			return c.unknown()
		}
		if err := s.allow(c, "secrets/readMetadata/action"); err != nil {
			return err
		}
		stored, err := list[secret](ctx, s.State, kindDeletedSecret, c.vault)
		if err != nil {
			return err
		}
		items := []secretBundle{}
		for _, one := range stored {
			items = append(items, s.deletedSecret(c.vault, one))
		}
		return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
	}
	action := map[string]string{http.MethodGet: "readMetadata/action", http.MethodDelete: "purge/action", http.MethodPost: "recover/action"}[c.Method]
	if action == "" || c.Method == http.MethodPost && c.second() != "recover" {
		return c.unknown()
	}
	if err := s.allow(c, "secrets/"+action); err != nil {
		return err
	}
	stored, err := load[secret](ctx, s.State, kindDeletedSecret, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	switch c.Method {
	case http.MethodGet:
		return c.answer(http.StatusOK, s.deletedSecret(c.vault, stored))
	case http.MethodDelete:
		_, err := s.State.Delete(ctx, kindDeletedSecret, key(c.vault, stored.Name))
		if err == nil {
			c.w.WriteHeader(http.StatusNoContent)
		}
		return err
	}
	stored.Deletion = nil
	err = s.State.Update(ctx, func(tx *state.Tx) error {
		if _, err := tx.Delete(ctx, kindDeletedSecret, key(c.vault, stored.Name)); err != nil {
			return err
		}
		return tx.Put(ctx, kindSecret, key(c.vault, stored.Name), stored)
	})
	if err != nil {
		return err
	}
	v, err := stored.version("")
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, s.secretBundle(c.vault, stored.Name, v, false))
}

// EnsureSecret sets a secret unless there is one.
func (s *Service) EnsureSecret(ctx context.Context, vault, name, value string) error {
	if _, found, err := s.SecretValue(ctx, vault, name); err != nil || found {
		return err
	}
	return s.addSecret(ctx, vault, name, secretVersion{Version: newVersion(), Value: value})
}

// SecretValue reads the latest version of a secret.
func (s *Service) SecretValue(ctx context.Context, vault, name string) (value string, found bool, err error) {
	var stored secret
	if found, err = s.State.Get(ctx, kindSecret, key(vault, name), &stored); err != nil || !found {
		return "", false, err
	}
	if len(stored.Versions) == 0 {
		return "", false, nil
	}
	return stored.Versions[len(stored.Versions)-1].Value, true, nil
}

// Secret returns the value of a secret, or of one of its versions, for the resource manager, which
// has authorized the caller.
func (s *Service) Secret(ctx context.Context, vault, name, version string) (string, error) {
	stored, err := load[secret](ctx, s.State, kindSecret, vault, name)
	if err != nil {
		return "", err
	}
	if stored.Deletion != nil {
		return "", &refusal{http.StatusNotFound, "SecretNotFound", "A secret with (name/id) " + name + " was not found in this key vault.", ""}
	}
	v, err := stored.version(version)
	if err != nil {
		return "", err
	}
	if !v.Attributes.enabled() {
		return "", &refusal{http.StatusForbidden, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled"}
	}
	return v.Value, nil
}
