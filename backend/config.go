// Package backend runs the operations that the server records. A Worker runs the operations of
// clusters, and deletes the clusters of deleted subscriptions: two kinds of documents of the one
// engine in backend/worker and backend/pipeline. It also queries the state of running clusters.
//
// It owns how operations begin and end. The plans of clusters are passed in: this package never
// calls a cluster or Azure, and knows no api-version.
package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/backend/worker"
	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Config configures a Worker. Store and Plans are required; the zero value of every other member
// means its default.
type Config struct {
	Store *store.Store
	// Plans has one plan for each kind of operation.
	Plans map[model.OperationKind][]ClusterStep

	// Diagnose collects what explains why a step failed, until ctx ends; nil disables it. Its
	// findings must contain no secrets.
	Diagnose func(ctx context.Context, c *model.Cluster, step string, cause error) *model.Diagnostics
	// Look queries a cluster's state once, and returns a function that records it in a document and
	// reports whether customers see a change; nil disables it. It returns the function and an error
	// when the cluster does not answer.
	Look func(ctx context.Context, c *model.Cluster) (record func(*model.Cluster) (changed bool), err error)
	// LookInterval is the age at which an observation of a cluster is renewed; 15 min. LookPause is
	// the pause between two queries, and bounds their rate; 200 ms.
	LookInterval, LookPause time.Duration
	// Trace adds an operation's correlation id to the context of calls to other services; nil
	// disables it.
	Trace func(ctx context.Context, correlationID string) context.Context

	// Concurrency is how many operations run at once in this process; 100.
	Concurrency int
	// Waiting is the number of operations that may wait in this process, under their leases, for
	// their next attempt. Further ones are released for any process to continue. 100 for each that
	// may run.
	Waiting int
	// LeaseTTL is how long a worker without a heartbeat keeps a cluster; 60 s. A quarter of it
	// is the heartbeat.
	LeaseTTL time.Duration
	// PollInterval bounds how long work of other processes goes unnoticed; 1 s. IdleInterval
	// replaces it while there is no work, in a process that is notified of new work through Wake; 0
	// means PollInterval.
	PollInterval, IdleInterval time.Duration
	// DrainGrace is how long running steps may take to stop; 25 s.
	DrainGrace time.Duration
	// SubscriptionRetry is the interval at which the clusters of a deleted subscription are checked
	// until none is left; 10 min.
	SubscriptionRetry time.Duration

	// Now is the clock; NewID makes UUIDs.
	Now   func() time.Time
	NewID func() string
	// Log receives events; the default is slog.Default.
	Log *slog.Logger
	// Metrics is where the worker's metrics are registered; nil disables them.
	Metrics prometheus.Registerer
	// Emit receives the measurements of each operation; nil disables them.
	Emit metrics.Emitter
}

// withDefaults sets the defaults of zero members.
func (c Config) withDefaults() Config {
	c.Concurrency = orElse(c.Concurrency, 100)
	c.Waiting = orElse(c.Waiting, 100*c.Concurrency)
	c.LeaseTTL = orElse(c.LeaseTTL, time.Minute)
	c.PollInterval = orElse(c.PollInterval, time.Second)
	c.DrainGrace = orElse(c.DrainGrace, 25*time.Second)
	c.LookInterval = orElse(c.LookInterval, 15*time.Minute)
	c.LookPause = orElse(c.LookPause, 200*time.Millisecond)
	c.SubscriptionRetry = orElse(c.SubscriptionRetry, 10*time.Minute)
	c.Log = orElse(c.Log, slog.Default())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = uuid.NewString
	}
	if c.Diagnose == nil {
		c.Diagnose = func(context.Context, *model.Cluster, string, error) *model.Diagnostics { return nil }
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.Emit == nil {
		c.Emit = metrics.Discard{}
	}
	return c
}

func orElse[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}

func (c Config) validate() error {
	var faults []error
	if c.Store == nil {
		faults = append(faults, errors.New("no store"))
	}
	if c.Concurrency < 1 {
		faults = append(faults, errors.New("concurrency must be at least 1"))
	}
	for name, d := range map[string]time.Duration{"lease time": c.LeaseTTL, "poll interval": c.PollInterval, "idle interval": c.IdleInterval,
		"drain grace": c.DrainGrace, "subscription retry": c.SubscriptionRetry} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("%s must not be negative", name))
		}
	}
	for _, kind := range []model.OperationKind{model.Create, model.Update, model.AdminUpdate, model.Delete} {
		if err := pipeline.Validate(c.Plans[kind]); err != nil {
			faults = append(faults, fmt.Errorf("plan %s: %w", kind, err))
		}
	}
	return errors.Join(faults...)
}

// New returns a worker, or an error that lists all problems of cfg.
func New(cfg Config) (*Worker, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	m, err := worker.NewMetrics(cfg.Metrics)
	looks := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_backend_looks_total",
		Help: "Reads of the state that running clusters report, by how they ended."}, []string{"result"})
	if err = errors.Join(err, cfg.Metrics.Register(looks)); err != nil {
		return nil, fmt.Errorf("worker: metrics: %w", err)
	}
	w := &Worker{Config: cfg, metrics: m, looks: looks}
	pools := worker.Config{Owner: cfg.NewID(), LeaseTTL: cfg.LeaseTTL, PollInterval: cfg.PollInterval, IdleInterval: cfg.IdleInterval, DrainGrace: cfg.DrainGrace,
		Now: cfg.Now, Log: cfg.Log, Metrics: m}
	w.clusters = worker.New(pools, w.clusterKind(), cfg.Concurrency, cfg.Waiting)
	w.subscriptions = worker.New(pools, w.subscriptionKind(), subscriptionsAtOnce, cfg.Waiting)
	return w, nil
}
