// Package service starts every process of the service: it validates the configuration as
// a whole and opens Store, Keys, Vault, Azure, Metrics and Log. The caller decides how
// they are used.
//
// It reads no environment: flags and variables are passed as values.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/audit"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/tracing"
)

// Service has the parts that a process works with.
type Service struct {
	// Domain is the domain in which clusters get names.
	Domain string
	// Log and Audit write JSON lines. The records of Audit are also in the store, for searches.
	Log, Audit *slog.Logger
	Metrics    *prometheus.Registry
	// Azure and Environment are nil in a process that does not access Azure, Vault in
	// one that reads nothing from the service vault.
	Azure       *azure.Azure
	Environment *environment.Environment
	Vault       Vault
	// HTTP trusts the process's certificate authorities; nil in a process that does not
	// access Azure.
	HTTP  *http.Client
	Store *store.Store
	Keys  *store.Keyring
	// Own and Clusters send metrics of the process and of clusters to Geneva's agent, from
	// MDM.Open on; what is emitted before is discarded.
	Own, Clusters *metrics.Late

	audited     *audit.Log
	fresh       []func(context.Context) error
	stopTracing func(context.Context) error
}

// Needs are the parts of Azure that a process uses.
type Needs struct {
	// Clusters is true if the process works on clusters.
	Clusters bool
	// Certificates of the service vault that are cached.
	Certificates []string
}

// Open opens the parts in their order. The configuration must have been checked.
// cloud is nil in a process that does not access Azure.
func Open(ctx context.Context, cfg *Config, cloud *Cloud, needs Needs) (s *Service, err error) {
	s = &Service{Domain: cfg.domain(), Log: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))}
	slog.SetDefault(s.Log)
	if s.Audit, err = openAudit(cfg.Audit); err != nil {
		return nil, err
	}
	s.Metrics = prometheus.NewRegistry()
	s.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.Own, s.Clusters = &metrics.Late{}, &metrics.Late{}
	if err := measureKubernetes(s.Own, s.Metrics); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	var by Caller
	if cloud != nil && cloud.CAFile != "" {
		if by.Transport, err = cloud.Client(); err != nil {
			return nil, err
		}
	}
	if cloud != nil && cloud.reached(cfg, needs) {
		if err := s.reachAzure(ctx, cfg, cloud, needs); err != nil {
			return nil, err
		}
		if cfg.Production {
			by.Credential = s.Azure.Service()
		}
	}
	if by.Transport, err = newCosmosClient(by.Transport, s.Own, s.Metrics); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if s.Store, s.Keys, err = openStore(ctx, cfg, s.Vault, by); err != nil {
		return nil, err
	}
	every := renewEvery
	if cloud != nil && cloud.RefreshInterval > 0 {
		every = cloud.RefreshInterval
	}
	s.fresh = append(s.fresh, func(ctx context.Context) error { return renewKeys(ctx, s.Keys, every, s.Log) })
	if s.audited, err = audit.New(s.Audit.Handler(), s.Store.Audit, s.Metrics, s.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("metrics: %w", err), s.Store.Close())
	}
	s.Audit = slog.New(s.audited)
	if err := reportUnreadable(s.Store, s.Metrics, s.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("metrics: %w", err), s.Close())
	}
	return s, nil
}

// reachAzure opens Azure, its environment, and the vault if a flag names something in it.
func (s *Service) reachAzure(ctx context.Context, cfg *Config, cloud *Cloud, needs Needs) error {
	run, err := cloud.open(ctx, cfg, s)
	if err != nil {
		return err
	}
	s.fresh = append(s.fresh, run)
	if !cloud.usesVault(cfg, needs) {
		return nil
	}
	kept, err := s.Azure.Keep(cloud.ServiceVault, needs.Certificates...)
	if err == nil {
		err = kept.Load(ctx)
	}
	if err != nil {
		return fmt.Errorf("--service-vault: %w", err)
	}
	s.Vault = kept
	s.fresh = append(s.fresh, kept.Run)
	return nil
}

// openAudit opens the audit file: who read secrets and what engineers did. The file
// stays open until the process ends.
func openAudit(path string) (*slog.Logger, error) {
	record := os.Stderr
	if path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("--audit: %w", err)
		}
		record = file
	}
	return slog.New(slog.NewJSONHandler(record, nil)), nil
}

// Run refreshes keys, certificates and Azure until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range s.fresh {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}

// Trace begins to send traces, if the configuration names a collector. name is the
// process's, and build its version.
func (s *Service) Trace(ctx context.Context, cfg *Config, name, build string) (err error) {
	if cfg.OTLPEndpoint == "" {
		return nil
	}
	if s.stopTracing, err = tracing.Start(ctx, tracing.Options{Endpoint: cfg.OTLPEndpoint, Process: name, Build: build, Log: s.Log}); err != nil {
		return fmt.Errorf("--otlp-endpoint: %w", err)
	}
	return nil
}

// flushTime bounds how long the end of a process waits for the collector and the database.
const flushTime = 5 * time.Second

// Close sends the traces and writes the audit records that are left, and closes the store.
func (s *Service) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if s.stopTracing != nil {
		_ = s.stopTracing(ctx) // which logs what it cannot send
	}
	s.audited.Close(ctx)
	return s.Store.Close()
}

// renewEvery is how long a process may encrypt with a key that is not the newest. A
// key that it does not know is read at once.
const renewEvery = 5 * time.Minute

// renewKeys reads the keys periodically until ctx ends.
func renewKeys(ctx context.Context, keys *store.Keyring, every time.Duration, log *slog.Logger) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
		if err := keys.Renew(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "cannot renew the encryption keys; the current ones stay in use", "error", err)
		}
	}
}
