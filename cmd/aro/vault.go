package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aro-rp/aro/env"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
)

// keeper reads a key vault, and keeps certificates of it fresh.
type keeper interface {
	Load(ctx context.Context) error
	Run(ctx context.Context) error
	Text(ctx context.Context, name string) (model.Secret, error)
	Certificate(ctx context.Context, name string) (*tls.Certificate, error)
}

// usesVault reports whether a flag names something in the service vault.
func (c *rpCommand) usesVault() bool {
	return slices.ContainsFunc(append(c.secrets(), c.EncryptionKeys, c.TLSCert), func(value string) bool {
		return strings.HasPrefix(value, env.InVault)
	})
}

// openVault reads the certificate that a flag names in the service vault; nil if
// no flag names anything there.
func (c *rpCommand) openVault(ctx context.Context) (keeper, error) {
	if !c.usesVault() {
		return nil, nil
	}
	var certificates []string
	if name, ok := strings.CutPrefix(c.TLSCert, env.InVault); ok {
		certificates = append(certificates, name)
	}
	vault, err := c.keep(certificates)
	if err != nil {
		return nil, err
	}
	return vault, vault.Load(ctx)
}

// serverTLS serves the certificate that flags name: of files, or of the vault,
// both read anew while the process runs.
func (c *rpCommand) serverTLS() (*tls.Config, error) {
	name, ok := strings.CutPrefix(c.TLSCert, env.InVault)
	if !ok {
		files, err := server.CertificateFiles(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, err
		}
		return server.TLSConfig(files), nil
	}
	if c.TLSKey != "" && c.TLSKey != c.TLSCert {
		return nil, errors.New("--tls-key: a certificate of the vault brings its key; leave it out")
	}
	if _, err := c.vault.Certificate(context.Background(), name); err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return server.TLSConfig(func(ctx context.Context) (*tls.Certificate, error) { return c.vault.Certificate(ctx, name) }), nil
}
