package worker

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/backend/pipeline"
)

// Metrics are those of all pools of a process. Their labels are constants of the program, never
// customers' data.
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

// Buckets in seconds: operations and steps from milliseconds to hours, pickups around their
// objective.
var (
	workBuckets   = []float64{.01, .05, .1, .5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200}
	pickupBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 15, 60, 300}
)

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_backend_operations_total",
			Help: "Operations that ended, and how."}, []string{"kind", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aro_backend_operation_duration_seconds",
			Help: "Time from the request of an operation to its end.", Buckets: workBuckets}, []string{"kind", "result"}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aro_backend_step_duration_seconds",
			Help: "Time from a step's first attempt to its end.", Buckets: workBuckets}, []string{"kind", "step", "result"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_backend_step_attempts_total",
			Help: "Attempts of steps, and how they ended."}, []string{"kind", "step", "result"}),
		pickup: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aro_backend_pickup_delay_seconds",
			Help: "Time from when an operation was due to its first step in this process.", Buckets: pickupBuckets}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "aro_backend_running_operations",
			Help: "Operations that a worker of this process runs."}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "aro_backend_waiting_operations",
			Help: "Operations of this process that wait for their next attempt."}),
		claims: prometheus.NewCounter(prometheus.CounterOpts{Name: "aro_backend_claims_total",
			Help: "Leases that were claimed."}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "aro_backend_lost_leases_total",
			Help: "Leases that were lost while an operation ran."}),
		handedBack: prometheus.NewCounter(prometheus.CounterOpts{Name: "aro_backend_handed_back_total",
			Help: "Operations that another process may continue because no worker was free for their next attempt."}),
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
