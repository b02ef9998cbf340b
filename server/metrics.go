package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

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
