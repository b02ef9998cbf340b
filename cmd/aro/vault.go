package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
)

// inVault marks the value of a flag as the name of something in the service vault.
const inVault = "keyvault:"

// keeper holds things of a key vault and keeps them fresh.
type keeper interface {
	Load(ctx context.Context) error
	Run(ctx context.Context) error
	Text(ctx context.Context, name string) (model.Secret, error)
	Certificate(ctx context.Context, name string) (*tls.Certificate, error)
}

// usesVault tells whether a flag names something in the service vault.
func (c *rpCommand) usesVault() bool {
	return strings.HasPrefix(c.EncryptionKeys, inVault) || strings.HasPrefix(c.TLSCert, inVault)
}

// openVault reads what flags name in the service vault; nil if none does.
func (c *rpCommand) openVault(ctx context.Context) (keeper, error) {
	if !c.usesVault() {
		return nil, nil
	}
	var secrets, certificates []string
	if name, ok := strings.CutPrefix(c.EncryptionKeys, inVault); ok {
		secrets = append(secrets, name)
	}
	if name, ok := strings.CutPrefix(c.TLSCert, inVault); ok {
		certificates = append(certificates, name)
	}
	vault, err := c.keep(secrets, certificates)
	if err != nil {
		return nil, err
	}
	return vault, vault.Load(ctx)
}

// serverTLS serves the certificate that flags name: of files, or of the vault,
// both read anew while the process runs.
func (c *rpCommand) serverTLS() (*tls.Config, error) {
	name, ok := strings.CutPrefix(c.TLSCert, inVault)
	if !ok {
		return server.TLSConfig(c.TLSCert, c.TLSKey)
	}
	if c.TLSKey != "" && c.TLSKey != c.TLSCert {
		return nil, errors.New("--tls-key: a certificate of the vault brings its key; leave it out")
	}
	if _, err := c.vault.Certificate(context.Background(), name); err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		ClientAuth:             tls.RequestClientCert,
		NextProtos:             []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.vault.Certificate(hello.Context(), name)
		},
	}, nil
}
