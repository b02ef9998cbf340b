package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/store"
)

// metricsOperation is the one of the admin plane that nobody audits.
const metricsOperation = "Metrics"

// metrics are what the server counts. Labels come from closed sets, so that
// neither customers nor attackers can make series.
type metrics struct {
	running  prometheus.Gauge
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	serve    handler
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aro_http_requests_running", Help: "Requests being answered.",
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aro_http_requests_total", Help: "Requests answered, by operation, api-version and status.",
		}, []string{"operation", "api_version", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aro_http_request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"operation"}),
	}
	r.MustRegister(m.running, m.requests, m.seconds)
	exposition := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	m.serve = func(c *call) error {
		exposition.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	return m
}

func (m *metrics) observe(c *call, took time.Duration) {
	version := ""
	if c.version != nil {
		version = c.version.name
	}
	m.requests.WithLabelValues(c.operation, version, strconv.Itoa(c.Response().Status)).Inc()
	m.seconds.WithLabelValues(c.operation).Observe(took.Seconds())
}

// pingTimeout is how long the store may take to say that it is there.
const pingTimeout = 2 * time.Second

// ready tells load balancers whether to send requests here.
func (s *Server) ready(c *call) error {
	if s.draining.Load() {
		return arm.ServiceUnavailable.Errorf("The service is stopping.")
	}
	ctx, cancel := context.WithTimeout(c.ctx(), pingTimeout)
	defer cancel()
	err := s.Store.Ping(ctx)
	if errors.Is(err, store.ErrWrongKeys) {
		return arm.ServiceUnavailable.Errorf("The encryption keys of this process are not those of the database.").Because(err)
	}
	if err != nil {
		return arm.ServiceUnavailable.Errorf("The database does not answer.").Because(err).After(databaseWait(err))
	}
	return c.json(http.StatusOK, []byte(`{}`))
}

// live tells that the process answers.
func (s *Server) live(c *call) error { return c.json(http.StatusOK, []byte(`{}`)) }
