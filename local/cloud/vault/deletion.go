package vault

import (
	"context"
	"net/http"

	"github.com/aro-rp/aro/local/cloud/state"
)

// deleteCertificate makes a certificate and its secret unreachable; it can be
// recovered until it is purged.
func (s *Service) deleteCertificate(c *call) error {
	if err := s.allow(c, "certificates/delete"); err != nil {
		return err
	}
	var stored certificate
	err := s.State.Update(c.Context(), func(tx *state.Tx) (err error) {
		if stored, err = load[certificate](c.Context(), tx, kindCertificate, c.vault, c.rest[0]); err != nil {
			return err
		}
		stored.Deletion = newDeletion(s.Now())
		return s.move(c.Context(), tx, c.vault, stored, true)
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, s.deletedCertificate(c.vault, &stored))
}

// move puts a certificate and its secret among the deleted ones, or back.
func (s *Service) move(ctx context.Context, tx *state.Tx, vault string, c certificate, away bool) error {
	from, to, secretFrom, secretTo := kindCertificate, kindDeletedCertificate, kindSecret, kindDeletedSecret
	if !away {
		from, to, secretFrom, secretTo = to, from, secretTo, secretFrom
	}
	id := key(vault, c.Name)
	if _, err := tx.Delete(ctx, from, id); err != nil {
		return err
	}
	if err := tx.Put(ctx, to, id, c); err != nil {
		return err
	}
	var value secret
	found, err := tx.Get(ctx, secretFrom, id, &value)
	if err != nil || !found {
		return err
	}
	value.Deletion = c.Deletion
	if _, err := tx.Delete(ctx, secretFrom, id); err != nil {
		return err
	}
	return tx.Put(ctx, secretTo, id, value)
}

func (s *Service) deletedCertificate(vault string, c *certificate) certificateBundle {
	bundle := certificateBundle{}
	if v, err := c.version(""); err == nil {
		bundle = s.certificateBundle(vault, c, v, true)
	}
	bundle.deletion, bundle.RecoveryID = c.Deletion, s.id(vault, "deletedcertificates", c.Name)
	return bundle
}

func (s *Service) deletedCertificates(c *call) error {
	ctx := c.Context()
	if len(c.rest) == 0 {
		if c.Method != http.MethodGet {
			return c.unknown()
		}
		if err := s.allow(c, "certificates/read"); err != nil {
			return err
		}
		stored, err := list[certificate](ctx, s.State, kindDeletedCertificate, c.vault)
		if err != nil {
			return err
		}
		items := []certificateBundle{}
		for i := range stored {
			items = append(items, s.deletedCertificate(c.vault, &stored[i]))
		}
		return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
	}
	action := map[string]string{http.MethodGet: "read", http.MethodDelete: "purge/action", http.MethodPost: "recover/action"}[c.Method]
	if action == "" || c.Method == http.MethodPost && c.second() != "recover" {
		return c.unknown()
	}
	if err := s.allow(c, "certificates/"+action); err != nil {
		return err
	}
	stored, err := load[certificate](ctx, s.State, kindDeletedCertificate, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	switch c.Method {
	case http.MethodGet:
		return c.answer(http.StatusOK, s.deletedCertificate(c.vault, &stored))
	case http.MethodDelete:
		return s.purge(c, stored.Name)
	}
	stored.Deletion = nil
	if err := s.State.Update(ctx, func(tx *state.Tx) error { return s.move(ctx, tx, c.vault, stored, false) }); err != nil {
		return err
	}
	return s.show(c, "")
}

func (s *Service) purge(c *call, name string) error {
	ctx := c.Context()
	err := s.State.Update(ctx, func(tx *state.Tx) error {
		for _, kind := range []string{kindDeletedCertificate, kindDeletedSecret} {
			if _, err := tx.Delete(ctx, kind, key(c.vault, name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		c.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// EnsureCertificate issues a certificate in PEM unless there is one: by the authority,
// for a common name and DNS names, good for servers and clients, renewed a month
// before its end.
func (s *Service) EnsureCertificate(ctx context.Context, vault, name, commonName string, dns ...string) error {
	if found, err := s.State.Get(ctx, kindCertificate, key(vault, name), &certificate{}); err != nil || found {
		return err
	}
	return s.create(ctx, vault, name, wanted{Policy: &policy{
		Issuer:  &issuer{Name: "OneCertV2-PublicCA"},
		Secret:  &secretProps{ContentType: contentPEM},
		X509:    &x509Properties{Subject: "CN=" + commonName, Names: &names{DNS: dns}},
		Actions: []lifetimeAction{{Trigger: &trigger{Days: 30}, Action: &action{Type: "AutoRenew"}}},
	}})
}
