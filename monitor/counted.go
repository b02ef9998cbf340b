package monitor

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// counted is what the monitor counts of itself for Prometheus.
type counted struct {
	looks    *prometheus.CounterVec
	duration prometheus.Histogram
	apart    prometheus.Histogram
}

var lookBuckets = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 50, 60}

func newCounted(r prometheus.Registerer, f *fleet) (*counted, error) {
	c := &counted{
		looks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_monitor_looks_total",
			Help: "Looks at clusters, by how they ended: well, with errors of collectors (partial), or without an answer (unreachable)."}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aro_monitor_look_duration_seconds",
			Help: "Time that a look at a cluster takes.", Buckets: lookBuckets}),
		apart: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aro_monitor_look_interval_seconds",
			Help: "Time between the beginnings of two looks at a cluster.", Buckets: []float64{1, 5, 15, 30, 45, 60, 75, 90, 120, 180, 240, 300, 330, 360, 390, 450, 600, 1200}}),
	}
	clusters := func(state string, count func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "aro_monitor_clusters", Help: "Clusters, by state: all that there are, those of this process (mine), and those that are looked at (running).",
			ConstLabels: prometheus.Labels{"state": state}}, func() float64 { return float64(count()) })
	}
	for _, result := range []string{"well", "partial", "unreachable"} {
		c.looks.WithLabelValues(result)
	}
	var errs []error
	for _, one := range []prometheus.Collector{c.looks, c.duration, c.apart,
		clusters("all", func() int { n, _, _ := f.size(); return n }),
		clusters("mine", func() int { _, n, _ := f.size(); return n }),
		clusters("running", func() int { _, _, n := f.size(); return n }),
	} {
		errs = append(errs, r.Register(one))
	}
	return c, errors.Join(errs...)
}

func (c *counted) begin(now, last time.Time) {
	if !last.IsZero() {
		c.apart.Observe(now.Sub(last).Seconds())
	}
}

func (c *counted) end(took time.Duration, err error, answered bool) {
	result := "well"
	switch {
	case !answered:
		result = "unreachable"
	case err != nil:
		result = "partial"
	}
	c.looks.WithLabelValues(result).Inc()
	c.duration.Observe(took.Seconds())
}
