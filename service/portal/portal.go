// Package portal is the process of the portal: it serves the pages of those who run the
// service.
package portal

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/admin"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/portal"
	"github.com/aro-rp/aro/portal/actions"
	"github.com/aro-rp/aro/portal/sshproxy"
	"github.com/aro-rp/aro/service"
)

// Config is the configuration of the process beside service.Config.
type Config struct {
	service.Config `embed:""`
	service.Cloud  `embed:""`
	service.MDM    `embed:""`

	Listen         string   `env:"ARO_PORTAL_LISTEN" default:"127.0.0.1:8444" help:"Address to listen on."`
	Origin         string   `env:"ARO_PORTAL_ORIGIN" default:"https://localhost:8444" placeholder:"URL" help:"The one address at which browsers and kubectl reach the portal."`
	PortalClientID string   `env:"ARO_PORTAL_CLIENT_ID" placeholder:"ID" help:"Application as which people log in. Its reply URL is ORIGIN/callback."`
	ServerCert     string   `env:"ARO_PORTAL_SERVER_CERT" default:"portal-server" placeholder:"NAME" help:"Certificate of the server, in the service vault."`
	ClientCert     string   `env:"ARO_PORTAL_CLIENT_CERT" default:"portal-client" placeholder:"NAME" help:"Certificate that proves the application, in the service vault."`
	SSHListen      string   `name:"ssh-listen" env:"ARO_PORTAL_SSH_LISTEN" placeholder:"HOST:PORT" help:"Address on which the SSH server listens, such as 127.0.0.1:2222. Default: none, and no SSH to machines."`
	SSHAddress     string   `name:"ssh-address" env:"ARO_PORTAL_SSH_ADDRESS" placeholder:"HOST:PORT" help:"The address at which ssh reaches it. Default: the host of --origin and the port of --ssh-listen."`
	SSHKey         string   `name:"ssh-key" env:"ARO_PORTAL_SSH_KEY" default:"portal-ssh" placeholder:"NAME" help:"Certificate in the service vault whose key is the one of the SSH server."`
	AccessGroups   []string `env:"ARO_PORTAL_ACCESS_GROUPS" placeholder:"ID,..." help:"Groups whose members may log in."`
	ElevatedGroups []string `env:"ARO_PORTAL_ELEVATED_GROUPS" placeholder:"ID,..." help:"Groups whose members may also act as administrators of clusters."`

	// Build is the version of the program.
	Build string `kong:"-"`
}

// Check notes everything that is wrong with the configuration, and returns what the process
// asks of Azure.
func (c *Config) Check(f *service.Faults) service.Needs {
	needs := service.Needs{Certificates: []string{c.ServerCert, c.ClientCert}}
	const why = "for logins"
	if c.SSHListen != "" {
		f.Listen("--ssh-listen", c.SSHListen)
		f.Need("--ssh-key", c.SSHKey, "in the service vault")
		needs.Certificates = append(needs.Certificates, c.SSHKey)
	}
	if c.SSHAddress != "" {
		f.Listen("--ssh-address", c.SSHAddress)
	}
	c.Config.Check(f)
	c.Cloud.Check(f, &c.Config, needs)
	c.MDM.Check(f)
	f.Listen("--listen", c.Listen)
	f.Address("--origin", c.Origin, why)
	f.Need("--portal-client-id", c.PortalClientID, why)
	f.Need("--server-cert", c.ServerCert, "in the service vault")
	f.Need("--client-cert", c.ClientCert, "in the service vault")
	f.Need("--access-groups or --elevated-groups", strings.Join(append(c.AccessGroups, c.ElevatedGroups...), ""), why)
	return needs
}

// Run serves the portal until ctx ends or a part fails.
func Run(ctx context.Context, c *Config, s *service.Service) error {
	if err := c.MDM.Open(s, &c.Config, "portal", c.Build); err != nil {
		return err
	}
	if err := s.Trace(ctx, &c.Config, "portal", c.Build); err != nil {
		return err
	}
	certificate := func(name string) func(context.Context) (*tls.Certificate, error) {
		return func(ctx context.Context) (*tls.Certificate, error) { return s.Vault.Certificate(ctx, name) }
	}
	issuer, err := url.JoinPath(s.Azure.Cloud().ActiveDirectoryAuthorityHost, c.Tenant, "v2.0")
	if err != nil {
		return fmt.Errorf("--tenant: %w", err)
	}
	server, err := c.server(ctx, s, certificate, issuer)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	if c.SSHListen != "" {
		if err := c.serveSSH(ctx, group, s, certificate(c.SSHKey)); err != nil {
			_ = listener.Close()
			return err
		}
	}
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return server.Serve(ctx, listener) })
	group.Go(func() error {
		return metrics.Beat(ctx, func(ctx context.Context) {
			if armhttp.Ready(s.Store)(ctx) == nil {
				s.Own.EmitGauge("portal.heartbeat", 1, map[string]string{"version": c.Build})
			}
		})
	})
	return group.Wait()
}

// serveSSH serves SSH to machines.
func (c *Config) serveSSH(ctx context.Context, group *errgroup.Group, s *service.Service, key func(context.Context) (*tls.Certificate, error)) error {
	server, err := sshproxy.New(sshproxy.Config{Store: s.Store, Key: key, Logger: s.Log, Audit: s.Audit, Metrics: s.Metrics})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.SSHListen)
	if err != nil {
		return fmt.Errorf("--ssh-listen: %w", err)
	}
	group.Go(func() error { return server.Serve(ctx, listener) })
	return nil
}

// sshAddress is where ssh reaches the SSH server; empty if there is none.
func (c *Config) sshAddress() string {
	switch {
	case c.SSHListen == "":
		return ""
	case c.SSHAddress != "":
		return c.SSHAddress
	}
	_, port, _ := net.SplitHostPort(c.SSHListen) // Check has checked it, and the origin
	host := ""
	if origin, err := url.Parse(c.Origin); err == nil {
		host = origin.Hostname()
	}
	return net.JoinHostPort(host, port)
}

// server serves the portal, and the admin API to the portal alone: for the actions of its pages.
func (c *Config) server(ctx context.Context, s *service.Service, certificate func(name string) func(context.Context) (*tls.Certificate, error), issuer string) (*httpserver.Server, error) {
	a := admin.Config{Store: s.Store, Catalogue: catalogue.New(s.Store, nil, nil), Keys: s.Keys, Logger: s.Log, Maintenance: service.Maintenance(s.Own)}
	if s.Azure != nil && c.ActsOnCustomers() {
		a.Azure = s.Azure
	}
	engineers, err := admin.New(a)
	if err != nil {
		return nil, err
	}
	var server *httpserver.Server
	p, err := portal.New(portal.Config{Store: s.Store, Keys: s.Keys, Origin: c.Origin, Certificate: certificate(c.ServerCert), Location: c.Location, Build: c.Build, Logger: s.Log,
		SSHAddress: c.sshAddress(), SSHKey: certificate(c.SSHKey), Stopping: ctx.Done(),
		Admin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.ServeHTTP(w, r) }),
		Login: portal.Login{Issuer: issuer, ClientID: c.PortalClientID, Certificate: certificate(c.ClientCert), Access: c.AccessGroups, Elevated: c.ElevatedGroups, Client: s.HTTP}})
	if err != nil {
		return nil, err
	}
	server, err = httpserver.New(httpserver.Config{APIs: []httpserver.API{p.HTTP(), engineers.HTTP()}, TLS: portal.TLS(certificate(c.ServerCert)),
		Auth:  actions.Delegation{Elevated: admin.Clients, Readers: admin.Readers},
		Ready: armhttp.Ready(s.Store), Failure: armhttp.Failure, Logger: s.Log, Audit: s.Audit, Registry: s.Metrics})
	return server, err
}
