// Package metrics sends what the service measures to the agent that forwards it to
// Geneva (MDM): gauges and floats with dimensions, one line of statsd a datagram.
//
// The catalogue declares every metric that is sent. What Prometheus reads at /metrics is
// declared where it is counted; docs/metrics.md lists both.
package metrics

import "maps"

// Emitter takes measurements. It neither blocks nor fails: a metric that cannot be sent
// is lost, and counted. dims may be nil; it is never changed and not kept.
type Emitter interface {
	EmitGauge(name string, value int64, dims map[string]string)
	EmitFloat(name string, value float64, dims map[string]string)
}

// Discard takes measurements and forgets them.
type Discard struct{}

// EmitGauge implements Emitter.
func (Discard) EmitGauge(string, int64, map[string]string) {}

// EmitFloat implements Emitter.
func (Discard) EmitFloat(string, float64, map[string]string) {}

// With is an emitter that adds dimensions to every metric. They win over those of the
// caller.
func With(e Emitter, dims map[string]string) Emitter { return with{e, maps.Clone(dims)} }

type with struct {
	next Emitter
	dims map[string]string
}

func (w with) EmitGauge(name string, value int64, dims map[string]string) {
	w.next.EmitGauge(name, value, merged(dims, w.dims))
}

func (w with) EmitFloat(name string, value float64, dims map[string]string) {
	w.next.EmitFloat(name, value, merged(dims, w.dims))
}

// merged is a new map with both; those of wins replace those of dims.
func merged(dims, wins map[string]string) map[string]string {
	all := make(map[string]string, len(dims)+len(wins))
	maps.Copy(all, dims)
	maps.Copy(all, wins)
	return all
}
