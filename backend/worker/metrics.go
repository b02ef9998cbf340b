package worker

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/backend/pipeline"
)

// Metrics are those of all pools of a process. Their labels are words of the program,
// never of a customer.
type Metrics struct {
	operations *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	steps      *prometheus.HistogramVec
	attempts   *prometheus.CounterVec
	pickup     prometheus.Histogram
	running    prometheus.Gauge
	waiting    prometheus.Gauge
	claims     prometheus.Counter
	lost       prometheus.Counter
	handedBack prometheus.Counter
}

// Bounds in seconds: operations and steps from a blink to hours, pickups around
// what is promised.
var (
	workBuckets   = []float64{.01, .05, .1, .5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200}
	pickupBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 15, 60, 300}
)

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	const space, system = "aro", "backend"
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: space, Subsystem: system, Name: name, Help: help}
	}
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: space, Subsystem: system, Name: name, Help: help, Buckets: buckets}
	}
	m := &Metrics{
		operations: prometheus.NewCounterVec(counter("operations_total", "Operations that ended, and how."), []string{"kind", "result"}),
		duration: prometheus.NewHistogramVec(histogram("operation_duration_seconds",
			"Time from the request of an operation to its end.", workBuckets), []string{"kind", "result"}),
		steps: prometheus.NewHistogramVec(histogram("step_duration_seconds",
			"Time from a step's first attempt to its end.", workBuckets), []string{"kind", "step", "result"}),
		attempts: prometheus.NewCounterVec(counter("step_attempts_total", "Attempts of steps, and how they ended."), []string{"kind", "step", "result"}),
		pickup: prometheus.NewHistogram(histogram("pickup_delay_seconds",
			"Time from when an operation was due to its first step in this process.", pickupBuckets)),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Subsystem: system, Name: "running_operations",
			Help: "Operations that a worker of this process runs."}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Subsystem: system, Name: "waiting_operations",
			Help: "Operations of this process that wait for their next attempt."}),
		claims:     prometheus.NewCounter(counter("claims_total", "Leases that were claimed.")),
		lost:       prometheus.NewCounter(counter("lost_leases_total", "Leases that were lost while an operation ran.")),
		handedBack: prometheus.NewCounter(counter("handed_back_total", "Operations that another process may continue because no worker was free for their next attempt.")),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.operations, m.duration, m.steps, m.attempts, m.pickup, m.running, m.waiting, m.claims, m.lost, m.handedBack} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// observe counts an attempt of a step.
func (m *Metrics) observe(kind string, a pipeline.Attempt) {
	m.attempts.WithLabelValues(kind, a.Step, string(a.Result)).Inc()
	if a.Result == pipeline.Done || a.Result == pipeline.Failed {
		m.steps.WithLabelValues(kind, a.Step, string(a.Result)).Observe(a.Since.Seconds())
	}
}

// Ended counts an operation that ended, with the seconds since its request.
func (m *Metrics) Ended(kind, result string, seconds float64) {
	m.operations.WithLabelValues(kind, result).Inc()
	m.duration.WithLabelValues(kind, result).Observe(seconds)
}
