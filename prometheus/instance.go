package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/notifications"
	api "github.com/prometheus/prometheus/web/api/v1"
	"golang.org/x/sync/errgroup"
)

// The limits of queries, and of what is kept.
const (
	maxSamples   = 5_000_000
	queryTimeout = 30 * time.Second
	retention    = 24 * time.Hour
	subqueryStep = time.Minute
	stripes      = 1 << 10 // of the database's locks: there is one writer
)

// instance is a Prometheus that runs.
type instance struct {
	api    http.Handler
	db     *tsdb.DB
	engine *promql.Engine
	scrape *scrape.Manager
	rules  *rules.Manager
	config *config.Config
	end    context.CancelFunc
	group  *errgroup.Group
}

// start starts a Prometheus with its samples in the server's directory.
func (s *server) start() (*instance, error) {
	text, err := os.ReadFile(s.config)
	if err != nil {
		return nil, err
	}
	i, log := &instance{group: &errgroup.Group{}}, s.log
	if i.config, err = config.Load(os.Expand(string(text), func(name string) string { return s.variables[name] }), log); err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	i.config.SetDirectory(filepath.Dir(s.config))
	own := prometheus.NewRegistry()
	options := tsdb.DefaultOptions()
	options.RetentionDuration, options.StripeSize = retention.Milliseconds(), stripes
	options.NoLockfile = true // the directory is the pod's
	if i.db, err = tsdb.Open(s.dir, log, own, options, nil); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	i.engine = promql.NewEngine(promql.EngineOpts{Logger: log, Reg: own, MaxSamples: maxSamples, Timeout: queryTimeout, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return subqueryStep.Milliseconds() }})
	if err := i.follow(own, log); err != nil {
		return nil, errors.Join(err, i.db.Close())
	}
	if err := i.evaluate(own, log); err != nil {
		return nil, errors.Join(err, i.stop())
	}
	i.api = i.handler(own, log)
	return i, nil
}

// follow scrapes what the configuration names.
func (i *instance) follow(own *prometheus.Registry, log *slog.Logger) (err error) {
	if i.scrape, err = scrape.NewManager(&scrape.Options{}, log, nil, i.db, own); err != nil {
		return err
	}
	if err := i.scrape.ApplyConfig(i.config); err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	i.end = end
	found, err := discovery.CreateAndRegisterSDMetrics(own)
	if err != nil {
		return err
	}
	targets := discovery.NewManager(ctx, log, own, found)
	if targets == nil {
		return errors.New("discovery of targets does not start")
	}
	jobs, err := i.config.GetScrapeConfigs()
	if err != nil {
		return err
	}
	named := map[string]discovery.Configs{}
	for _, job := range jobs {
		named[job.JobName] = job.ServiceDiscoveryConfigs
	}
	if err := targets.ApplyConfig(named); err != nil {
		return err
	}
	i.group.Go(func() error {
		if err := targets.Run(); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	i.group.Go(func() error { return i.scrape.Run(targets.SyncCh()) })
	return nil
}

// evaluate evaluates the rules that the configuration names. Alerts are read from the API: they are
// sent nowhere.
func (i *instance) evaluate(own *prometheus.Registry, log *slog.Logger) error {
	i.rules = rules.NewManager(&rules.ManagerOptions{Appendable: i.db, Queryable: i.db, QueryFunc: rules.EngineQueryFunc(i.engine, i.db),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Context: context.Background(), ExternalURL: &url.URL{}, Registerer: own, Logger: log})
	i.group.Go(func() error {
		i.rules.Run()
		return nil
	})
	if err := i.rules.Update(time.Duration(i.config.GlobalConfig.EvaluationInterval), i.config.RuleFiles, i.config.GlobalConfig.ExternalLabels, "", nil); err != nil {
		return fmt.Errorf("--config: rule_files: %w", err)
	}
	return nil
}

// stop ends the instance, and keeps its samples.
func (i *instance) stop() error {
	i.end()
	i.rules.Stop()
	i.scrape.Stop()
	return errors.Join(i.group.Wait(), i.db.Close())
}

// scraped waits until each target was scraped once, or ctx ends.
func (i *instance) scraped(ctx context.Context) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !i.all() {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// all reports whether each target was scraped.
func (i *instance) all() bool {
	pools := i.scrape.TargetsActive()
	for _, pool := range pools {
		if len(pool) == 0 {
			return false
		}
		for _, target := range pool {
			if target.LastScrape().IsZero() {
				return false
			}
		}
	}
	return len(pools) == len(i.config.ScrapeConfigs)
}

// none has no receivers of alerts.
type none struct{}

func (none) Alertmanagers() []*url.URL                   { return nil }
func (none) DroppedAlertmanagers() []*url.URL            { return nil }
func (none) notifications() []notifications.Notification { return nil }

// statistics are those of a database. The API that would change it is off.
type statistics struct{ *tsdb.DB }

func (s statistics) BlockMetas() ([]tsdb.BlockMeta, error) { return s.DB.BlockMetas(), nil }
func (s statistics) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return tsdb.WALReplayStatus{}, nil
}
func (s statistics) Stats(label string, limit int) (*tsdb.Stats, error) {
	return s.Head().Stats(label, limit), nil
}

// handler is Prometheus' API.
func (i *instance) handler(own *prometheus.Registry, log *slog.Logger) http.Handler {
	open := func(f http.HandlerFunc) http.HandlerFunc { return f }
	served := api.NewAPI(i.engine, i.db, nil, i.db,
		func(context.Context) api.ScrapePoolsRetriever { return i.scrape },
		func(context.Context) api.TargetRetriever { return i.scrape },
		func(context.Context) api.AlertmanagerRetriever { return none{} },
		func() config.Config { return *i.config }, map[string]string{}, api.GlobalURLOptions{}, open, statistics{i.db}, "", false, log,
		func(context.Context) api.RulesRetriever { return i.rules },
		0, 0, 0, false, regexp.MustCompile("^$"),
		func() (api.RuntimeInfo, error) { return api.RuntimeInfo{}, nil }, &api.PrometheusVersion{}, none{}.notifications, nil, own, own, nil,
		false, nil, false, false, false, false, 0, false, false, nil)
	router := route.New()
	served.Register(router.WithPrefix("/api/v1"))
	router.Get("/-/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return router
}
