package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // x5t is a SHA-1 thumbprint by definition
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

// material is a private key with its certificate and those above it.
type material struct {
	key   *rsa.PrivateKey
	chain []*x509.Certificate
	csr   []byte
}

// issue makes the next certificate of a policy. A policy may keep the key of the last one.
func (s *Service) issue(p *policy, last *rsa.PrivateKey) (m material, err error) {
	template, err := p.template(s.Now())
	if err != nil {
		return m, err
	}
	m.key = last
	if m.key == nil || !*p.Key.Reuse || m.key.Size()*8 != p.Key.Size {
		if m.key, err = rsa.GenerateKey(rand.Reader, p.Key.Size); err != nil {
			return m, err
		}
	}
	request := &x509.CertificateRequest{Subject: template.Subject, DNSNames: template.DNSNames}
	if m.csr, err = x509.CreateCertificateRequest(rand.Reader, request, m.key); err != nil {
		return m, err
	}
	var chain [][]byte
	if arm.EqualFold(p.Issuer.Name, "Self") {
		if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
			return m, err
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &m.key.PublicKey, m.key)
		if err != nil {
			return m, err
		}
		chain = [][]byte{der}
	} else if chain, err = s.Authority.Sign(template, &m.key.PublicKey); err != nil {
		return m, fmt.Errorf("authority: %w", err)
	}
	for _, der := range chain {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return m, err
		}
		m.chain = append(m.chain, parsed)
	}
	return m, nil
}

// encode is the value of the certificate's secret. Without a key, which a policy may
// keep in the vault, it is the certificates alone.
func (m material) encode(contentType string, withKey bool) (string, error) {
	if !withKey {
		return encodePEM(m.blocks(nil))
	}
	if contentType == contentPKCS12 {
		der, err := pkcs12.LegacyDES.Encode(m.key, m.chain[0], m.chain[1:], "")
		return base64.StdEncoding.EncodeToString(der), err
	}
	key, err := x509.MarshalPKCS8PrivateKey(m.key)
	if err != nil {
		return "", err
	}
	return encodePEM(m.blocks(key))
}

func encodePEM(blocks []*pem.Block) (string, error) {
	var out bytes.Buffer
	for _, block := range blocks {
		if err := pem.Encode(&out, block); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func (m material) blocks(key []byte) []*pem.Block {
	var blocks []*pem.Block
	if key != nil {
		blocks = append(blocks, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	}
	for _, c := range m.chain {
		blocks = append(blocks, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return blocks
}

// decode reads a key and certificates of either content type.
func decode(value, password string) (m material, contentType string, err error) {
	contentType = contentPEM
	if strings.Contains(value, "-----BEGIN") {
		m, err = decodePEM([]byte(value))
	} else {
		contentType = contentPKCS12
		m, err = decodePKCS12(value, password)
	}
	if err == nil && (m.key == nil || len(m.chain) == 0) {
		err = badParameter("The certificate has to come with its RSA private key.")
	}
	if err == nil && !m.key.PublicKey.Equal(m.chain[0].PublicKey) {
		err = badParameter("The private key is not that of the first certificate.")
	}
	return m, contentType, err
}

func decodePEM(rest []byte) (m material, err error) {
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return m, badParameter("A certificate of the PEM cannot be read.")
			}
			m.chain = append(m.chain, c)
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return m, badParameter("The private key of the PEM cannot be read.")
			}
			m.key, _ = key.(*rsa.PrivateKey)
		case "RSA PRIVATE KEY":
			if m.key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
				return m, badParameter("The private key of the PEM cannot be read.")
			}
		}
	}
	return m, nil
}

func decodePKCS12(value, password string) (m material, err error) {
	der, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return m, badParameter("The certificate is neither PEM nor base64.")
	}
	key, leaf, above, err := pkcs12.DecodeChain(der, password)
	if err != nil {
		return m, badParameter("The PKCS #12 cannot be read; is the password right?")
	}
	m.key, _ = key.(*rsa.PrivateKey)
	m.chain = append([]*x509.Certificate{leaf}, above...)
	return m, nil
}

// addMaterial keeps a new version of a certificate, with its secret.
func (s *Service) addMaterial(ctx context.Context, tx *state.Tx, vault string, c *certificate, m material) error {
	value, err := m.encode(c.Policy.Secret.ContentType, *c.Policy.Key.Exportable)
	if err != nil {
		return err
	}
	leaf := m.chain[0]
	from, until := leaf.NotBefore.Unix(), leaf.NotAfter.Unix()
	thumbprint := sha1.Sum(leaf.Raw)
	v := certificateVersion{
		Version: newVersion(), DER: leaf.Raw, Thumbprint: thumbprint[:], Tags: c.NextTags,
		Attributes: attributes{Enabled: c.NextEnabled, NotBefore: &from, Expires: &until}.stamp(s.Now(), s.Now()),
	}
	c.Versions = append(c.Versions, v)
	c.Operation = &operation{RequestID: newVersion(), CSR: m.csr, Status: "completed", Issuer: *c.Policy.Issuer}
	if err := s.putVersion(ctx, tx, vault, c.Name, secretVersion{
		Version: v.Version, Value: value, ContentType: c.Policy.Secret.ContentType, Tags: v.Tags, Attributes: v.Attributes, Managed: true,
	}); err != nil {
		return err
	}
	return tx.Put(ctx, kindCertificate, key(vault, c.Name), c)
}

// lastKey is the private key of the latest version, if it can be read.
func (s *Service) lastKey(ctx context.Context, vault, name string) *rsa.PrivateKey {
	value, found, err := s.SecretValue(ctx, vault, name)
	if err != nil || !found {
		return nil
	}
	m, _, err := decode(value, "")
	if err != nil {
		return nil
	}
	return m.key
}
