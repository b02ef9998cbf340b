package service

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/aro-rp/aro/access"
)

// Portal says how to reach the portal, to a process that gives out ways through it.
type Portal struct {
	Origin     string `name:"portal-origin" env:"ARO_ADMIN_PORTAL_ORIGIN" placeholder:"URL" help:"The address of the portal, for kubeconfigs that the admin API gives out. Default: none."`
	ServerCert string `name:"portal-server-cert" env:"ARO_PORTAL_SERVER_CERT" default:"portal-server" placeholder:"NAME" help:"Certificate of the portal's server, in the service vault."`
	SSHAddress string `name:"portal-ssh-address" env:"ARO_ADMIN_PORTAL_SSH_ADDRESS" placeholder:"HOST:PORT" help:"The address of the portal's SSH server, for passwords that the admin API gives out. Default: none."`
	SSHKey     string `name:"portal-ssh-key" env:"ARO_PORTAL_SSH_KEY" default:"portal-ssh" placeholder:"NAME" help:"Certificate in the service vault whose key is the one of the portal's SSH server."`
}

// Check adds everything that is wrong with the configuration.
func (p *Portal) Check(f *Faults) {
	if p.Origin == "" {
		return
	}
	f.Address("--portal-origin", p.Origin, "")
	f.Need("--portal-server-cert", p.ServerCert, "with --portal-origin")
	if p.SSHAddress != "" {
		f.Listen("--portal-ssh-address", p.SSHAddress)
		f.Need("--portal-ssh-key", p.SSHKey, "with --portal-ssh-address")
	}
}

// Certificates are those of the service vault that are needed.
func (p *Portal) Certificates() (names []string) {
	if p.Origin == "" {
		return nil
	}
	if names = []string{p.ServerCert}; p.SSHAddress != "" {
		names = append(names, p.SSHKey)
	}
	return names
}

// Issuer gives out ways through the portal; nil if that is not known.
func (s *Service) Issuer(p Portal) *access.Issuer {
	if p.Origin == "" {
		return nil
	}
	certificate := func(name string) func(context.Context) (*tls.Certificate, error) {
		return func(ctx context.Context) (*tls.Certificate, error) { return s.Vault.Certificate(ctx, name) }
	}
	return &access.Issuer{Accesses: access.Accesses{Documents: s.Store.Portal, Now: time.Now}, Origin: p.Origin, Certificate: certificate(p.ServerCert),
		SSHAddress: p.SSHAddress, SSHKey: certificate(p.SSHKey)}
}
