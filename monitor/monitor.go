// Package monitor checks every running cluster periodically, and reports deviations from the
// expected state as metrics.
//
// Several processes share the clusters by buckets (Pool). Each follows the changes of documents
// (feeds), keeps the data that a check needs of each cluster (fleet), and checks those in its own
// buckets when they are due (Monitor). The checks of a cluster are in package collectors, those of
// its Azure resources in package nsg.
package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/monitor/nsg"
	"github.com/aro-rp/aro/store"
)

// Config is what a Monitor needs. Store is required, and zero durations have defaults.
type Config struct {
	Store *store.Store
	// Own receives the monitor's own metrics, Clusters those of clusters.
	Own, Clusters metrics.Emitter
	// About is what is the same for all clusters.
	About collectors.Service
	// NSG checks network security groups of customers; nil where Azure is not available.
	NSG *nsg.Monitor
	// Interval is the time between two looks at a cluster, and NSGInterval that between two
	// looks at its network security groups.
	Interval, NSGInterval time.Duration
	// Budget is how long one look may take; after Grace more its connections are closed.
	Budget, Grace time.Duration
	// Lease is the time without a heartbeat after which a process is considered dead.
	Lease time.Duration
	// Feed is the time between two looks at the changes of documents.
	Feed time.Duration
	// Concurrency is how many clusters are looked at at the same time, at most.
	Concurrency int
	// ID is this process's in the pool; a fresh one by default.
	ID      string
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// The defaults.
const (
	DefaultInterval    = time.Minute
	DefaultNSGInterval = 10 * time.Minute
	DefaultBudget      = 50 * time.Second
	DefaultLease       = 40 * time.Second
	DefaultFeed        = 10 * time.Second
	DefaultConcurrency = 500

	defaultGrace = 10 * time.Second
	// settled is the age from which a process reports that it is ready.
	settled = 2 * time.Minute
	// fresh is how old what it knows may be then.
	fresh = time.Minute
)

// Monitor looks at clusters.
type Monitor struct {
	Config

	fleet   *fleet
	feeds   *feeds
	pool    *Pool
	counted *counted
	started time.Time
}

// New completes the configuration.
func New(cfg Config) (*Monitor, error) {
	if cfg.Store == nil {
		return nil, errors.New("the monitor needs a store")
	}
	cfg.complete()
	m := &Monitor{Config: cfg, started: cfg.Now()}
	m.fleet = newFleet(m.Interval, m.Now)
	m.feeds = &feeds{store: m.Store, fleet: m.fleet, log: m.Log, every: m.Feed, domain: m.About.Domain}
	m.pool = &Pool{Workers: m.Store.PoolWorkers, Name: store.MonitorPool, ID: m.ID, TTL: m.Lease, Log: m.Log, Assign: m.fleet.assign}
	var err error
	if m.counted, err = newCounted(m.Metrics, m.fleet); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return m, nil
}

func (c *Config) complete() {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&c.Interval, DefaultInterval}, {&c.NSGInterval, DefaultNSGInterval}, {&c.Budget, DefaultBudget},
		{&c.Grace, defaultGrace}, {&c.Lease, DefaultLease}, {&c.Feed, DefaultFeed},
	} {
		*d.value = cmp.Or(*d.value, d.standard)
	}
	c.Concurrency, c.ID = cmp.Or(c.Concurrency, DefaultConcurrency), cmp.Or(c.ID, uuid.NewString())
	if c.Own == nil {
		c.Own = metrics.Discard{}
	}
	if c.Clusters == nil {
		c.Clusters = metrics.Discard{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

// Run looks at clusters until ctx ends, and returns when the last look has ended.
func (m *Monitor) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.feeds.run(ctx) })
	group.Go(func() error { return m.pool.Run(ctx) })
	group.Go(func() error { return m.schedule(ctx) })
	group.Go(func() error { return m.beat(ctx) })
	return group.Wait()
}

// schedule starts checks as they become due, up to the limit of concurrent ones. A slow check does
// not delay others.
func (m *Monitor) schedule(ctx context.Context) error {
	looks := errgroup.Group{}
	looks.SetLimit(m.Concurrency)
	for ctx.Err() == nil {
		due, wait := m.fleet.next()
		if due != nil {
			looks.Go(func() error {
				m.look(ctx, due)
				return nil
			})
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-m.fleet.changed:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return looks.Wait()
}

// beat emits a heartbeat, and the number of clusters.
func (m *Monitor) beat(ctx context.Context) error {
	return metrics.Beat(ctx, func(ctx context.Context) {
		if m.Ready(ctx) == nil {
			m.Own.EmitGauge("monitor.heartbeat", 1, nil)
		}
		all, _, running := m.fleet.size()
		m.Own.EmitGauge("monitor.cache.size", int64(all), map[string]string{"cache": "openshiftclusters"})
		m.fleet.mu.Lock()
		subscriptions := len(m.fleet.subscriptions)
		m.fleet.mu.Unlock()
		m.Own.EmitGauge("monitor.cache.size", int64(subscriptions), map[string]string{"cache": "subscriptions"})
		m.Own.EmitGauge("monitor.workers.active.count", int64(running), nil)
	})
}

// Ready reports why the process does not look at clusters as it should; nil if it does.
func (m *Monitor) Ready(context.Context) error {
	now := m.Now()
	m.fleet.mu.Lock()
	until := m.fleet.until
	m.fleet.mu.Unlock()
	switch {
	case now.Sub(m.started) < min(settled, 2*m.Interval):
		return errors.New("the monitor has just started")
	case now.Sub(time.Unix(0, m.feeds.read.Load())) > fresh:
		return errors.New("changes of clusters have not been read for a minute")
	case now.After(until):
		return errors.New("the shares of the monitors have not been read for a while")
	}
	return nil
}
