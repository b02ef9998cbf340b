package vault

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"slices"
	"time"

	"github.com/aro-rp/aro/local/cloud/state"
)

// certificate is a name with its policy and versions, the oldest first.
type certificate struct {
	Name      string               `json:"name"`
	Policy    policy               `json:"policy"`
	Versions  []certificateVersion `json:"versions"`
	Operation *operation           `json:"operation,omitempty"`
	Deletion  *deletion            `json:"deletion,omitempty"`
	// What new versions get.
	NextTags    map[string]string `json:"nextTags,omitempty"`
	NextEnabled *bool             `json:"nextEnabled,omitempty"`
}

type certificateVersion struct {
	Version    string            `json:"version"`
	DER        []byte            `json:"der"`
	Thumbprint []byte            `json:"thumbprint"`
	Tags       map[string]string `json:"tags,omitempty"`
	Attributes attributes        `json:"attributes"`
}

// operation is the last creation of a version.
type operation struct {
	RequestID string `json:"requestId"`
	CSR       []byte `json:"csr"`
	Status    string `json:"status"`
	Issuer    issuer `json:"issuer"`
}

func (c *certificate) version(id string) (*certificateVersion, error) {
	for i := len(c.Versions) - 1; i >= 0; i-- {
		if id == "" || c.Versions[i].Version == id {
			return &c.Versions[i], nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "CertificateNotFound", "A certificate with (name/id) " + c.Name + "/" + id + " was not found in this key vault.", ""}
}

// certificateBundle is a certificate on the wire.
type certificateBundle struct {
	ID         string            `json:"id"`
	KeyID      string            `json:"kid,omitempty"`
	SecretID   string            `json:"sid,omitempty"`
	Thumbprint string            `json:"x5t,omitempty"`
	DER        []byte            `json:"cer,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Attributes *attributes       `json:"attributes,omitempty"`
	Policy     *policy           `json:"policy,omitempty"`
	Pending    *pendingLink      `json:"pending,omitempty"`
	RecoveryID string            `json:"recoveryId,omitempty"`
	*deletion
}

type pendingLink struct {
	ID string `json:"id"`
}

func (s *Service) certificateBundle(vault string, c *certificate, v *certificateVersion, whole bool) certificateBundle {
	b := certificateBundle{
		ID: s.id(vault, "certificates", c.Name, v.Version), Thumbprint: base64.RawURLEncoding.EncodeToString(v.Thumbprint), Tags: v.Tags, Attributes: &v.Attributes,
	}
	if whole {
		b.KeyID, b.SecretID = s.id(vault, "keys", c.Name, v.Version), s.id(vault, "secrets", c.Name, v.Version)
		b.DER, b.Policy = v.DER, s.shownPolicy(vault, c)
		b.Pending = &pendingLink{s.id(vault, "certificates", c.Name, "pending")}
	}
	return b
}

func (s *Service) shownPolicy(vault string, c *certificate) *policy {
	p := c.Policy
	p.ID = s.id(vault, "certificates", c.Name, "policy")
	return &p
}

func (s *Service) certificates(c *call) error {
	if c.collection == "deletedcertificates" {
		return s.deletedCertificates(c)
	}
	if len(c.rest) == 0 {
		if c.Method == http.MethodGet {
			return s.listCertificates(c)
		}
		return c.unknown()
	}
	switch c.Method + " " + c.second() {
	case "POST create":
		return s.createCertificate(c)
	case "POST import":
		return s.importCertificate(c)
	case "GET pending":
		return s.pending(c)
	case "DELETE pending":
		return s.deletePending(c)
	case "GET policy":
		return s.getPolicy(c)
	case "PATCH policy":
		return s.updatePolicy(c)
	case "GET versions":
		return s.listCertificateVersions(c)
	case "DELETE ":
		return s.deleteCertificate(c)
	}
	switch c.Method {
	case http.MethodGet:
		return s.getCertificate(c)
	case http.MethodPatch:
		return s.updateCertificate(c)
	}
	return c.unknown()
}

// wanted is the body of create, import, and update.
type wanted struct {
	Policy     *policy           `json:"policy"`
	Attributes *attributes       `json:"attributes"`
	Tags       map[string]string `json:"tags"`
	Value      string            `json:"value"`
	Password   string            `json:"pwd"`
}

func (s *Service) createCertificate(c *call) error {
	if err := s.allow(c, "certificates/create/action"); err != nil {
		return err
	}
	var body wanted
	if err := c.read(&body); err != nil {
		return err
	}
	if err := s.create(c.Context(), c.vault, c.rest[0], body); err != nil {
		return err
	}
	stored, err := load[certificate](c.Context(), s.State, kindCertificate, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	shown := s.operation(c.vault, &stored)
	shown["status"], shown["target"] = "inProgress", nil // as the service: who creates has to poll
	shown["status_details"] = "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer provider. Please check again later."
	c.w.Header().Set("Location", s.Origin+"/vaults/"+c.vault+"/certificates/"+stored.Name+"/pending")
	return c.answer(http.StatusAccepted, shown)
}

// create issues the next version of a certificate.
func (s *Service) create(ctx context.Context, vault, name string, body wanted) error {
	if !validName.MatchString(name) {
		return badParameter("A certificate's name has 1 to 127 letters, digits and dashes.")
	}
	c := certificate{Name: name}
	if _, err := s.State.Get(ctx, kindCertificate, key(vault, name), &c); err != nil {
		return err
	}
	if body.Policy != nil {
		c.Policy = *body.Policy
	}
	if err := c.Policy.complete(); err != nil {
		return err
	}
	m, err := s.issue(&c.Policy, s.lastKey(ctx, vault, name)) // slow, so before the change
	if err != nil {
		return err
	}
	body.Policy = &c.Policy
	return s.keep(ctx, vault, name, body, m)
}

// keep adds a version to a certificate that may be new. The policy is complete.
func (s *Service) keep(ctx context.Context, vault, name string, body wanted, m material) error {
	return s.State.Update(ctx, func(tx *state.Tx) error {
		if err := s.free(ctx, tx, kindDeletedCertificate, vault, name); err != nil {
			return err
		}
		c := certificate{Name: name}
		found, err := tx.Get(ctx, kindCertificate, key(vault, name), &c)
		if err != nil {
			return err
		}
		if !found {
			if taken, err := tx.Get(ctx, kindSecret, key(vault, name), &secret{}); err != nil {
				return err
			} else if taken {
				return &refusal{http.StatusConflict, "Conflict", "A secret has the name of the certificate.", ""}
			}
		}
		c.Policy = *body.Policy
		if body.Tags != nil {
			c.NextTags = body.Tags
		}
		if body.Attributes != nil {
			c.NextEnabled = body.Attributes.Enabled
		}
		return s.addMaterial(ctx, tx, vault, &c, m)
	})
}

func (s *Service) importCertificate(c *call) error {
	if err := s.allow(c, "certificates/import/action"); err != nil {
		return err
	}
	var body wanted
	if err := c.read(&body); err != nil {
		return err
	}
	if !validName.MatchString(c.rest[0]) {
		return badParameter("A certificate's name has 1 to 127 letters, digits and dashes.")
	}
	m, contentType, err := decode(body.Value, body.Password)
	if err != nil {
		return err
	}
	p := policy{}
	if body.Policy != nil {
		p = *body.Policy
	}
	if p.Issuer == nil || p.Issuer.Name == "" || p.Issuer.Name == "Unknown" {
		p.Issuer = &issuer{Name: "Self"}
	}
	p.Secret = &secretProps{ContentType: contentType}
	leaf := m.chain[0]
	p.X509 = &x509Properties{Subject: leaf.Subject.String(), Names: &names{DNS: leaf.DNSNames}, Months: max(1, int(leaf.NotAfter.Sub(leaf.NotBefore)/(30*24*time.Hour)))}
	if p.X509.Subject == "" && len(leaf.DNSNames) == 0 {
		p.X509.Subject = "CN=" + c.rest[0]
	}
	p.Key = &keyProperties{Type: "RSA", Size: m.key.Size() * 8}
	if err := p.complete(); err != nil {
		return err
	}
	body.Policy = &p
	if err := s.keep(c.Context(), c.vault, c.rest[0], body, m); err != nil {
		return err
	}
	return s.show(c, "")
}

func (s *Service) getCertificate(c *call) error {
	if err := s.allow(c, "certificates/read"); err != nil {
		return err
	}
	if err := s.renewIfDue(c.Context(), c.vault, c.rest[0]); err != nil {
		return err
	}
	return s.show(c, c.second())
}

// show answers a version of a certificate.
func (s *Service) show(c *call, version string) error {
	stored, err := load[certificate](c.Context(), s.State, kindCertificate, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	v, err := stored.version(version)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, s.certificateBundle(c.vault, &stored, v, true))
}

// renewIfDue issues the next version of a certificate if its policy requires it. Azure's vaults
// renew by a clock; renewing at the next read cannot be distinguished from that.
func (s *Service) renewIfDue(ctx context.Context, vault, name string) error {
	var c certificate
	found, err := s.State.Get(ctx, kindCertificate, key(vault, name), &c)
	if err != nil || !found || len(c.Versions) == 0 {
		return err
	}
	leaf, err := x509.ParseCertificate(c.Versions[len(c.Versions)-1].DER)
	if err != nil {
		return err
	}
	if at := c.Policy.renewAt(leaf.NotBefore, leaf.NotAfter); at.IsZero() || s.Now().Before(at) {
		return nil
	}
	return s.create(ctx, vault, name, wanted{})
}

func (s *Service) updateCertificate(c *call) error {
	if err := s.allow(c, "certificates/update/action"); err != nil {
		return err
	}
	var body wanted
	if err := c.read(&body); err != nil {
		return err
	}
	err := s.change(c, func(stored *certificate) error {
		v, err := stored.version(c.second())
		if err != nil {
			return err
		}
		v.Attributes = v.Attributes.merge(body.Attributes, s.Now())
		if body.Tags != nil {
			v.Tags = body.Tags
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.show(c, c.second())
}

// change changes a stored certificate atomically.
func (s *Service) change(c *call, change func(*certificate) error) error {
	return s.State.Update(c.Context(), func(tx *state.Tx) error {
		stored, err := load[certificate](c.Context(), tx, kindCertificate, c.vault, c.rest[0])
		if err != nil {
			return err
		}
		if err := change(&stored); err != nil {
			return err
		}
		return tx.Put(c.Context(), kindCertificate, key(c.vault, stored.Name), stored)
	})
}

func (s *Service) operation(vault string, c *certificate) map[string]any {
	return map[string]any{
		"id": s.id(vault, "certificates", c.Name, "pending"), "issuer": c.Operation.Issuer, "csr": c.Operation.CSR,
		"cancellation_requested": false, "status": c.Operation.Status, "request_id": c.Operation.RequestID,
		"target": s.id(vault, "certificates", c.Name),
	}
}

func (s *Service) pending(c *call) error {
	if err := s.allow(c, "certificates/read"); err != nil {
		return err
	}
	stored, err := load[certificate](c.Context(), s.State, kindCertificate, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	if stored.Operation == nil {
		return &refusal{http.StatusNotFound, "PendingCertificateNotFound", "Pending certificate not found.", ""}
	}
	return c.answer(http.StatusOK, s.operation(c.vault, &stored))
}

func (s *Service) deletePending(c *call) error {
	if err := s.allow(c, "certificates/update/action"); err != nil {
		return err
	}
	var shown map[string]any
	err := s.change(c, func(stored *certificate) error {
		if stored.Operation == nil {
			return &refusal{http.StatusNotFound, "PendingCertificateNotFound", "Pending certificate not found.", ""}
		}
		shown, stored.Operation = s.operation(c.vault, stored), nil
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, shown)
}

func (s *Service) getPolicy(c *call) error {
	if err := s.allow(c, "certificates/read"); err != nil {
		return err
	}
	stored, err := load[certificate](c.Context(), s.State, kindCertificate, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, s.shownPolicy(c.vault, &stored))
}

func (s *Service) updatePolicy(c *call) error {
	if err := s.allow(c, "certificates/update/action"); err != nil {
		return err
	}
	var body policy
	if err := c.read(&body); err != nil {
		return err
	}
	var shown *policy
	err := s.change(c, func(stored *certificate) error {
		stored.Policy.merge(body)
		if err := stored.Policy.complete(); err != nil {
			return err
		}
		shown = s.shownPolicy(c.vault, stored)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, shown)
}

func (s *Service) listCertificates(c *call) error {
	if err := s.allow(c, "certificates/read"); err != nil {
		return err
	}
	stored, err := list[certificate](c.Context(), s.State, kindCertificate, c.vault)
	if err != nil {
		return err
	}
	items := []certificateBundle{}
	for i := range stored {
		if v, err := stored[i].version(""); err == nil {
			item := s.certificateBundle(c.vault, &stored[i], v, false)
			item.ID = s.id(c.vault, "certificates", stored[i].Name)
			items = append(items, item)
		}
	}
	return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
}

func (s *Service) listCertificateVersions(c *call) error {
	if err := s.allow(c, "certificates/read"); err != nil {
		return err
	}
	stored, err := load[certificate](c.Context(), s.State, kindCertificate, c.vault, c.rest[0])
	if err != nil {
		return err
	}
	items := []certificateBundle{}
	for i := range stored.Versions {
		items = append(items, s.certificateBundle(c.vault, &stored, &stored.Versions[i], false))
	}
	slices.Reverse(items)
	return c.answer(http.StatusOK, map[string]any{"value": items, "nextLink": nil})
}
