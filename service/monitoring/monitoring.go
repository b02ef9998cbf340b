// Package monitoring is the process of the monitor: its settings, and what it serves
// about itself.
package monitoring

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/monitor"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/monitor/nsg"
	"github.com/aro-rp/aro/service"
)

// Config is the configuration of the process beside service.Config.
type Config struct {
	service.Config `embed:""`
	service.Cloud  `embed:""`
	service.MDM    `embed:""`

	Listen      string        `env:"ARO_MONITOR_LISTEN" default:"127.0.0.1:8081" help:"Address at which health and metrics are served, in plain HTTP."`
	Interval    time.Duration `env:"ARO_MONITOR_INTERVAL" default:"1m" help:"Time between two looks at a cluster."`
	NSGInterval time.Duration `name:"nsg-interval" env:"ARO_MONITOR_NSG_INTERVAL" default:"10m" help:"Time between two looks at a cluster's network security groups."`
	Budget      time.Duration `env:"ARO_MONITOR_BUDGET" default:"50s" help:"Time that one look may take."`
	Lease       time.Duration `env:"ARO_MONITOR_LEASE" default:"40s" help:"Time without a sign of life after which another process has a process's clusters."`
	Feed        time.Duration `env:"ARO_MONITOR_FEED_INTERVAL" default:"10s" help:"Time between two looks at what changed in the database."`
	Concurrency int           `env:"ARO_MONITOR_CONCURRENCY" default:"500" help:"Clusters looked at at the same time, at most."`

	// Build is the version of the program.
	Build string `kong:"-"`
}

// garbage is how much of what is in use may be garbage, in percent: half of what Go takes by default, as a
// process keeps something of each of its clusters. GOGC wins.
const (
	garbage      = 50
	usualGarbage = 100
)

const maxConcurrency = 10_000

// Check notes everything that is wrong with the configuration.
func (c *Config) Check(f *service.Faults) {
	c.Config.Check(f)
	c.Cloud.Check(f, &c.Config, service.Needs{})
	c.MDM.Check(f)
	f.Listen("--listen", c.Listen)
	f.Positive("--interval", c.Interval)
	f.Positive("--nsg-interval", c.NSGInterval)
	f.Positive("--budget", c.Budget)
	f.Positive("--lease", c.Lease)
	f.Positive("--feed", c.Feed)
	f.Within("--concurrency", c.Concurrency, 1, maxConcurrency)
}

// Run looks at clusters until ctx ends or a part fails.
func Run(ctx context.Context, cfg *Config) error {
	if before := debug.SetGCPercent(garbage); before != usualGarbage {
		debug.SetGCPercent(before)
	}
	s, err := service.Open(ctx, &cfg.Config, &cfg.Cloud, service.Needs{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := cfg.MDM.Open(s, &cfg.Config, "monitor", cfg.Build); err != nil {
		return err
	}
	if err := s.Trace(ctx, &cfg.Config, "monitor", cfg.Build); err != nil {
		return err
	}
	about := collectors.Service{Build: cfg.Build, Domain: s.Domain}
	var groups *nsg.Monitor
	if cfg.ActsOnCustomers() {
		groups = nsg.New(s.Azure)
		about.Network = groups
	}
	m, err := monitor.New(monitor.Config{Store: s.Store, Own: s.Own, Clusters: s.Clusters, About: about, NSG: groups,
		Interval: cfg.Interval, NSGInterval: cfg.NSGInterval, Budget: cfg.Budget, Lease: cfg.Lease, Feed: cfg.Feed,
		Concurrency: cfg.Concurrency, Log: s.Log, Metrics: s.Metrics})
	if err != nil {
		return err
	}
	server, err := httpserver.New(httpserver.Config{Ready: m.Ready, Logger: s.Log, Audit: s.Audit, Registry: s.Metrics})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	s.Log.InfoContext(ctx, "looking at clusters", "address", listener.Addr().String(), "interval", cfg.Interval.String())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return server.Serve(ctx, listener) })
	group.Go(func() error { return m.Run(ctx) })
	return group.Wait()
}
