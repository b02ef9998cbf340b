package sshproxy

import "github.com/prometheus/client_golang/prometheus"

// ends are how attempts to connect end.
const (
	endConnected   = "connected"   // with the machine
	endBusy        = "busy"        // too many are logging in
	endNoLogin     = "no_login"    // no valid password in time
	endTooMany     = "too_many"    // connections, of all or of the person
	endUnreachable = "unreachable" // the machine
)

// measures are the metrics of a server.
type measures struct {
	open     prometheus.Gauge
	attempts *prometheus.CounterVec
}

func newMeasures(registry prometheus.Registerer) (*measures, error) {
	m := &measures{
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "aro_ssh_connections", Help: "SSH connections to machines that are open."}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_ssh_attempts_total",
			Help: "Attempts to connect by SSH, by how they ended: connected, busy (too many were logging in), no_login (no valid password in time), too_many (connections of all or of the person), unreachable (the machine)."}, []string{"outcome"}),
	}
	if registry == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.open, m.attempts} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// count counts an attempt.
func (m *measures) count(end string) { m.attempts.WithLabelValues(end).Inc() }
