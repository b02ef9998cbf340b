// Package rp is the process of the resource provider: it serves ARM's API and the admin
// API, and works on clusters. Work defines what is done to clusters.
package rp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/admin"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/initialdata"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/service/peers"
)

// Config is the configuration of the process beside service.Config.
type Config struct {
	service.Config `embed:""`
	service.MDM    `embed:""`

	Listen      string        `env:"ARO_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on. In development it must be a loopback address. With --server=false it serves health and metrics alone, in plain HTTP."`
	Server      bool          `env:"ARO_SERVER" default:"true" negatable:"" help:"Serve the API."`
	Backend     bool          `env:"ARO_BACKEND" default:"true" negatable:"" help:"Work on clusters."`
	Hosts       []string      `env:"ARO_HOSTS" placeholder:"HOST,..." help:"Host names, with or without a port, that the service accepts in development, beside loopback names."`
	Connections int           `env:"ARO_CONNECTIONS" default:"4096" help:"Maximum number of open connections. Beyond that, the connection that has waited longest for a request is closed."`
	Workers     int           `env:"ARO_WORKERS" default:"100" help:"Maximum number of clusters that are worked on at the same time."`
	Lease       time.Duration `env:"ARO_LEASE" default:"60s" help:"Time after which another worker takes over the work of one that died."`
	Poll        time.Duration `env:"ARO_POLL" default:"1s" help:"Interval at which to look for work of other processes."`
	Peers       []string      `env:"ARO_PEERS" placeholder:"HOST:PORT,..." help:"The processes of the service, with their ports of --listen, to tell of new work by UDP. A name stands for all its addresses."`
	PollIdle    time.Duration `env:"ARO_POLL_IDLE" default:"20s" help:"With --peers, the time between looks for work while no process has any."`
	Look        time.Duration `env:"ARO_LOOK_INTERVAL" default:"15m" help:"Age at which the observed state of a running cluster, its version and workers, is read again, at a limited rate."`
	Drain       time.Duration `env:"ARO_DRAIN" default:"25s" help:"Time for requests and steps to finish at shutdown."`

	TLSCert      string `env:"ARO_TLS_CERT" placeholder:"FILE" help:"Server certificate chain, PEM; or keyvault:NAME in the service vault, with its key."`
	TLSKey       string `env:"ARO_TLS_KEY" type:"path" placeholder:"FILE" help:"Server key, PEM."`
	ARMClients   string `env:"ARO_ARM_CLIENTS" type:"path" placeholder:"FILE" help:"Client certificates of Azure Resource Manager, PEM."`
	AdminClients string `env:"ARO_ADMIN_CLIENTS" type:"path" placeholder:"FILE" help:"Client certificates that may use the whole admin API, PEM."`
	AdminReaders string `env:"ARO_ADMIN_READERS" type:"path" placeholder:"FILE" help:"Client certificates that may read in the admin API and change nothing, PEM. Default: none."`

	Portal service.Portal `embed:""`

	// Build is the version of the program.
	Build string `kong:"-"`
}

const (
	maxConnections = 1 << 20
	maxWorkers     = 10000
	// noticeTime is how long the load balancer takes to see that a machine is not ready:
	// the two probes of deploy/armtemplates.
	noticeTime = 10 * time.Second
)

// Check adds everything that is wrong with the configuration.
func (c *Config) Check(f *service.Faults) {
	c.Config.Check(f)
	c.MDM.Check(f)
	if !c.Server && !c.Backend {
		f.Add("--server=false and --backend=false", "leave nothing to do")
	}
	f.Listen("--listen", c.Listen)
	for _, host := range c.Hosts {
		f.Host("--hosts", host)
	}
	f.Within("--connections", c.Connections, 1, maxConnections)
	f.Within("--workers", c.Workers, 1, maxWorkers)
	f.Positive("--lease", c.Lease)
	f.Positive("--poll", c.Poll)
	for _, peer := range c.Peers {
		f.Listen("--peers", peer)
	}
	f.Positive("--poll-idle", c.PollIdle)
	f.Positive("--look", c.Look)
	f.Positive("--drain", c.Drain)
	c.Portal.Check(f)
	if !c.Server || !c.Production {
		return
	}
	const why = "in production"
	f.Need("--tls-cert", c.TLSCert, why)
	f.Need("--arm-clients", c.ARMClients, why)
	f.Need("--admin-clients", c.AdminClients, why)
	if _, vault := service.InVault(c.TLSCert); !vault {
		f.Need("--tls-key", c.TLSKey, why)
	} else if c.TLSKey != "" {
		f.Add("--tls-key", "must be left out: a certificate of the vault brings its key")
	}
}

// Needs returns which parts of Azure the process uses.
func (c *Config) Needs() service.Needs {
	needs := service.Needs{Clusters: c.Backend}
	if name, ok := service.InVault(c.TLSCert); ok {
		needs.Certificates = []string{name}
	}
	if c.Server {
		needs.Certificates = append(needs.Certificates, c.Portal.Certificates()...)
	}
	return needs
}

// Work is what is done to clusters. The product uses Azure and OpenShift, tests
// with simulated plans do not.
type Work struct {
	// Plan completes the worker's configuration. It is called if the process works
	// on clusters.
	Plan func(ctx context.Context, cfg *backend.Config) error
	// Installable reports which versions of OpenShift can be installed; nil accepts
	// all.
	Installable model.Installable
	// Preflight checks a create while its client waits; may be nil.
	Preflight server.Preflight
	// IdentityHosts are the hosts from which credentials of clusters' identities
	// may be fetched.
	IdentityHosts model.IdentityHosts
}

// Run serves and works until ctx ends or a part fails.
func Run(ctx context.Context, cfg *Config, s *service.Service, work Work) error {
	if err := s.Store.CheckFormat(ctx, cfg.Build); err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	if !cfg.Production {
		if err := initialdata.Empty(ctx, s.Store, work.Installable); err != nil {
			return fmt.Errorf("initial data: %w", err)
		}
	}
	if err := cfg.MDM.Open(s, &cfg.Config, "rp", cfg.Build); err != nil {
		return err
	}
	if err := s.Trace(ctx, &cfg.Config, "rp", cfg.Build); err != nil {
		return err
	}
	known := catalogue.New(s.Store, work.Installable, nil)
	if err := warnOfVersions(ctx, known, work.Installable, s.Log); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	var worker *backend.Worker
	if cfg.Backend {
		var err error
		worker, err = newWorker(ctx, cfg, s, work)
		if err != nil {
			return fmt.Errorf("backend: %w", err)
		}
		s.Log.Info("working on clusters", "workers", cfg.Workers)
		group.Go(func() error { return worker.Run(ctx) })
	}
	others, err := meetPeers(ctx, cfg, s.Log, worker, group)
	if err != nil {
		return fmt.Errorf("--peers: %w", err)
	}
	edge, err := newEdge(cfg, s, work, known, tidings{worker, others})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return edge.Serve(ctx, listener) })
	group.Go(func() error { return heartbeat(ctx, s.Own, cfg.Build, s.Store) })
	return group.Wait()
}

func newWorker(ctx context.Context, cfg *Config, s *service.Service, work Work) (*backend.Worker, error) {
	b := backend.Config{Store: s.Store, Metrics: s.Metrics, Emit: s.Own, Log: s.Log, LookInterval: cfg.Look,
		Concurrency: cfg.Workers, LeaseTTL: cfg.Lease, PollInterval: cfg.Poll, DrainGrace: cfg.Drain}
	if len(cfg.Peers) > 0 {
		b.IdleInterval = cfg.PollIdle
	}
	if err := work.Plan(ctx, &b); err != nil {
		return nil, err
	}
	return backend.New(b)
}

// meetPeers begins to tell the other processes of work, and to hear of theirs. There
// are none without --peers. A process that is busy says so several times in the time
// of a lease, so that the others look for what it leaves if it dies.
func meetPeers(ctx context.Context, cfg *Config, log *slog.Logger, worker *backend.Worker, group *errgroup.Group) (*peers.Peers, error) {
	if len(cfg.Peers) == 0 {
		return nil, nil
	}
	others := peers.New(cfg.Peers, log)
	group.Go(func() error { return others.Run(ctx) })
	if worker == nil {
		return others, nil
	}
	socket, err := net.ListenPacket("udp", cfg.Listen)
	if err != nil {
		return nil, err
	}
	group.Go(func() error { return peers.Hear(ctx, socket, worker.Wake) })
	group.Go(func() error {
		beat := time.NewTicker(cfg.Lease / 4)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-beat.C:
				if worker.Busy() {
					others.Notify()
				}
			}
		}
	})
	return others, nil
}

// tidings are who hears of new work: the worker of this process and other processes,
// if there are any.
type tidings struct {
	worker *backend.Worker
	peers  *peers.Peers
}

func (t tidings) wake() {
	if t.worker != nil {
		t.worker.Wake()
	}
	if t.peers != nil {
		t.peers.Notify()
	}
}

// newEdge returns the HTTP server, with the APIs unless the process only works. New
// work is signalled to news.
func newEdge(cfg *Config, s *service.Service, work Work, known *catalogue.Catalogue, news tidings) (*httpserver.Server, error) {
	h := httpserver.Config{Ready: armhttp.Ready(s.Store), Failure: armhttp.Failure, Connections: cfg.Connections,
		Grace: cfg.Drain, Logger: s.Log, Audit: s.Audit, Registry: s.Metrics, Answered: answered(s.Own)}
	if !cfg.Server {
		return httpserver.New(h)
	}
	a := server.Config{Store: s.Store, Catalogue: known, Keys: s.Keys, Location: cfg.Location, Domain: s.Domain, Build: cfg.Build,
		IdentityHosts: work.IdentityHosts, Preflight: work.Preflight, Logger: s.Log}
	e := admin.Config{Portal: s.Issuer(cfg.Portal), Store: s.Store, Catalogue: known, Keys: s.Keys, Installable: work.Installable, Logger: s.Log,
		Maintenance: service.Maintenance(s.Own)}
	a.Wake, e.Wake = news.wake, news.wake
	if s.Azure != nil {
		e.Azure = s.Azure
	}
	if news.worker != nil {
		a.Replaced = news.worker.Replaced
	}
	arm, err := server.New(a)
	if err != nil {
		return nil, err
	}
	engineers, err := admin.New(e)
	if err != nil {
		return nil, err
	}
	h.APIs, h.MetricsClients = []httpserver.API{arm.HTTP(), engineers.HTTP()}, []string{admin.Clients}
	h.Auth, h.Hosts = httpserver.Development{}, cfg.Hosts
	if cfg.Production {
		h.DrainDelay, h.NoticeDelay = cfg.Drain, min(noticeTime, cfg.Drain*2/3)
		if h.TLS, err = serverTLS(cfg, s); err != nil {
			return nil, err
		}
		if h.Auth, err = httpserver.NewAllowListFiles(s.Log, nil, cfg.allowLists()...); err != nil {
			return nil, fmt.Errorf("--arm-clients, --admin-clients, --admin-readers: %w", err)
		}
	}
	return httpserver.New(h)
}

// allowLists are those of the client certificates.
func (c *Config) allowLists() []httpserver.AllowListFile {
	lists := []httpserver.AllowListFile{{Name: server.Clients, Path: c.ARMClients}, {Name: admin.Clients, Path: c.AdminClients}}
	if c.AdminReaders != "" {
		lists = append(lists, httpserver.AllowListFile{Name: admin.Readers, Path: c.AdminReaders})
	}
	return lists
}

// serverTLS serves the certificate from files or from the vault. Both are read again
// while the process runs.
func serverTLS(cfg *Config, s *service.Service) (*tls.Config, error) {
	name, ok := service.InVault(cfg.TLSCert)
	if !ok {
		files, err := httpserver.CertificateFiles(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, err
		}
		return httpserver.TLSConfig(files), nil
	}
	if s.Vault == nil {
		return nil, errors.New("--tls-cert: this process has no service vault")
	}
	if _, err := s.Vault.Certificate(context.Background(), name); err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return httpserver.TLSConfig(func(ctx context.Context) (*tls.Certificate, error) { return s.Vault.Certificate(ctx, name) }), nil
}

// warnOfVersions logs which enabled versions are not offered, and why.
func warnOfVersions(ctx context.Context, known *catalogue.Catalogue, installable model.Installable, log *slog.Logger) error {
	all, err := known.Versions(ctx)
	if err != nil {
		return fmt.Errorf("versions: %w", err)
	}
	for version, p := range all {
		if why := installable.Why(&p); p.Enabled && why != "" {
			log.WarnContext(ctx, "a version is enabled but not offered", "version", version, "reason", why)
		}
	}
	return nil
}
