package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/env"
	"github.com/aro-rp/aro/seed"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
)

// secret is a flag's value that no help text or error prints.
type secret string

func (secret) String() string { return "[secret]" }

type rpCommand struct {
	storeFlags `embed:""`

	Listen      string        `env:"ARO_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on. In development it must be a loopback address. With --server=false it serves health and metrics alone, in plain HTTP."`
	Server      bool          `env:"ARO_SERVER" default:"true" negatable:"" help:"Serve the API."`
	Backend     bool          `env:"ARO_BACKEND" default:"true" negatable:"" help:"Work on clusters."`
	Hosts       []string      `env:"ARO_HOSTS" placeholder:"HOST,..." help:"Names, with or without a port, that the service answers to in development, beside those of the loopback."`
	Connections int           `env:"ARO_CONNECTIONS" default:"4096" help:"Connections open at the same time, at most. Beyond that the one is closed that has waited longest for a request."`
	Location    string        `env:"ARO_LOCATION" default:"eastus" help:"Azure region that this service serves."`
	Domain      string        `env:"ARO_DOMAIN" placeholder:"DOMAIN" help:"Domain below which clusters get names. Default: LOCATION.aroapp.io."`
	LogLevel    slog.Level    `env:"ARO_LOG_LEVEL" default:"INFO" help:"DEBUG, INFO, WARN or ERROR."`
	Audit       string        `env:"ARO_AUDIT" placeholder:"FILE" help:"File to which the audit's records are appended, as JSON lines. Default: standard error, where they have msg audit. They do not depend on --log-level."`
	Workers     int           `env:"ARO_WORKERS" default:"100" help:"Clusters worked on at the same time, at most."`
	Lease       time.Duration `env:"ARO_LEASE" default:"60s" help:"Time after which another worker takes over from one that died."`
	Poll        time.Duration `env:"ARO_POLL" default:"1s" help:"Time between looks for work that other processes left."`
	Look        time.Duration `env:"ARO_LOOK_INTERVAL" default:"15m" help:"Age at which what a running cluster says of itself, its version and workers, is asked for again, at a bounded rate."`
	Drain       time.Duration `env:"ARO_DRAIN" default:"25s" help:"Time that requests and steps get to finish at shutdown."`

	EncryptionKeys string `env:"ARO_ENCRYPTION_KEYS" placeholder:"FILE" help:"Keys that seal secrets, one base64 key of 32 bytes a line, newest first; or keyvault:NAME in the service vault. All processes on one database need the same. In development an absent file is made; the default is then SQLite's path with .keys."`

	cloudFlags `embed:""`

	Production   bool   `env:"ARO_PRODUCTION" help:"Refuse to start without TLS, client certificate allow-lists and keys."`
	TLSCert      string `env:"ARO_TLS_CERT" placeholder:"FILE" help:"Server certificate chain, PEM; or keyvault:NAME in the service vault, with its key."`
	TLSKey       string `env:"ARO_TLS_KEY" type:"path" placeholder:"FILE" help:"Server key, PEM."`
	ARMClients   string `env:"ARO_ARM_CLIENTS" type:"path" placeholder:"FILE" help:"Client certificates that are Azure Resource Manager, PEM."`
	AdminClients string `env:"ARO_ADMIN_CLIENTS" type:"path" placeholder:"FILE" help:"Client certificates that may use the admin API, PEM."`

	vault      keeper
	installers *install.Installers // nil where there are none to be found
}

// Run is the whole service: store, server and backend, until ctx ends or one of
// them fails.
func (c *rpCommand) Run(ctx context.Context) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	slog.SetDefault(log)
	if !c.Server && !c.Backend {
		return errors.New("nothing to do: --server=false and --backend=false")
	}
	if c.Domain == "" {
		c.Domain = c.Location + ".aroapp.io"
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	refresh, err := c.openAzure(ctx, metrics, log)
	if err != nil {
		return err
	}
	if c.installers, err = c.find(ctx, log); err != nil {
		return err
	}
	documents, keys, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = documents.Close() }()
	if err := reportUnreadable(documents, metrics, log); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	installable := installableBy(c.installers)
	if !c.Production {
		if err := seed.Empty(ctx, documents, installable); err != nil {
			return fmt.Errorf("seed the store: %w", err)
		}
	}
	if err := warnOfVersions(ctx, documents, installable, log); err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	for _, run := range refresh {
		group.Go(func() error { return run(ctx) })
	}
	group.Go(func() error { return renewKeys(ctx, keys, log) })
	configured := server.Config{Store: documents, Registry: metrics, Logger: log}
	if c.Backend {
		worker, err := c.newWorker(ctx, backend.Config{Store: documents, Metrics: metrics, Log: log}, keys)
		if err != nil {
			return fmt.Errorf("backend: %w", err)
		}
		configured.Wake, configured.Replaced = worker.Wake, worker.Replaced
		log.Info("working on clusters", "workers", c.Workers)
		group.Go(func() error { return worker.Run(ctx) })
	}
	serve := func(l net.Listener) error { return serveHealth(ctx, l, documents, metrics, log) }
	if c.Server {
		audit, err := c.openAudit()
		if err != nil {
			return err
		}
		configured.Audit = audit
		api, err := c.newServer(configured, keys)
		if err != nil {
			return fmt.Errorf("server: %w", err)
		}
		serve = func(l net.Listener) error { return api.Serve(ctx, l) }
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	group.Go(func() error { return serve(listener) })
	return group.Wait()
}

// openAzure opens what flags need of Azure, and returns what keeps it fresh.
func (c *rpCommand) openAzure(ctx context.Context, metrics prometheus.Registerer, log *slog.Logger) ([]func(context.Context) error, error) {
	if !c.Backend && !c.usesVault() && !c.actsOnCustomers() {
		return nil, nil
	}
	run, err := c.openCloud(ctx, metrics, log)
	if err != nil {
		return nil, err
	}
	refresh := []func(context.Context) error{run}
	if c.vault, err = c.openVault(ctx); err != nil {
		return nil, fmt.Errorf("--service-vault: %w", err)
	}
	if c.vault != nil {
		refresh = append(refresh, c.vault.Run)
	}
	return refresh, nil
}

// newWorker completes what flags say about work on clusters.
func (c *rpCommand) newWorker(ctx context.Context, cfg backend.Config, keys *store.Keyring) (*backend.Worker, error) {
	cfg.LookInterval = c.Look
	cfg.Concurrency, cfg.LeaseTTL, cfg.PollInterval, cfg.DrainGrace = c.Workers, c.Lease, c.Poll, c.Drain
	if err := c.plan(ctx, &cfg, keys); err != nil {
		return nil, err
	}
	return backend.New(cfg)
}

// openAudit opens the record of who read secrets and what engineers did. The file stays
// open until the process ends.
func (c *rpCommand) openAudit() (*slog.Logger, error) {
	record := os.Stderr
	if c.Audit != "" {
		file, err := os.OpenFile(c.Audit, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("--audit: %w", err)
		}
		record = file
	}
	return slog.New(slog.NewJSONHandler(record, nil)), nil
}

// newServer completes what flags say about the API.
func (c *rpCommand) newServer(cfg server.Config, keys *store.Keyring) (*server.Server, error) {
	cfg.Keys, cfg.Location, cfg.Domain, cfg.Build, cfg.Grace = keys, c.Location, c.Domain, version, c.Drain
	cfg.Preflight, cfg.Installable = c.preflight(cfg.Store, cfg.Logger), installableBy(c.installers)
	cfg.Auth, cfg.Hosts, cfg.IdentityHosts, cfg.Connections = server.Development{}, c.Hosts, c.identityHosts(), c.Connections
	if c.Production {
		cfg.DrainDelay = c.Drain
		var err error
		if cfg.TLS, cfg.Auth, err = c.mutualTLS(cfg.Logger); err != nil {
			return nil, err
		}
	}
	return server.New(cfg)
}

// mutualTLS reads the certificates that production cannot do without.
func (c *rpCommand) mutualTLS(log *slog.Logger) (*tls.Config, server.Authenticator, error) {
	tlsKey := c.TLSKey
	if strings.HasPrefix(c.TLSCert, env.InVault) {
		tlsKey = c.TLSCert
	}
	for flag, value := range map[string]string{"--tls-cert": c.TLSCert, "--tls-key": tlsKey,
		"--arm-clients": c.ARMClients, "--admin-clients": c.AdminClients} {
		if value == "" {
			return nil, nil, fmt.Errorf("%s is missing; production needs it", flag)
		}
	}
	config, err := c.serverTLS()
	if err != nil {
		return nil, nil, err
	}
	auth, err := server.NewAllowListFiles(c.ARMClients, c.AdminClients, log, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("--arm-clients, --admin-clients: %w", err)
	}
	return config, auth, nil
}
