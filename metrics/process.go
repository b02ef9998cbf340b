package metrics

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// beatEvery is the time between two heartbeats, and between two reports of a process.
const beatEvery = time.Minute

// Beat calls beat at once and then once a minute, until ctx ends.
func Beat(ctx context.Context, beat func(ctx context.Context)) error {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		beat(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// EmitProcess emits the counters and gauges of Prometheus' Go and process collectors.
func EmitProcess(to Emitter, from prometheus.Gatherer) error {
	families, err := from.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		name := f.GetName()
		for _, m := range f.GetMetric() {
			dims := map[string]string{}
			for _, l := range m.GetLabel() {
				dims[l.GetName()] = l.GetValue()
			}
			value, ok := single(f.GetType(), m)
			if rest, found := strings.CutPrefix(name, "go_"); ok && found {
				to.EmitFloat("go_"+rest, value, dims)
			}
			if rest, found := strings.CutPrefix(name, "process_"); ok && found {
				to.EmitFloat("process_"+rest, value, dims)
			}
		}
	}
	return nil
}

// single returns the value of a counter or gauge.
func single(kind dto.MetricType, m *dto.Metric) (value float64, ok bool) {
	switch kind {
	case dto.MetricType_COUNTER:
		return m.GetCounter().GetValue(), true
	case dto.MetricType_GAUGE:
		return m.GetGauge().GetValue(), true
	default:
		return 0, false
	}
}

// Late is an emitter whose destination is set after it is handed out. What is emitted
// before is discarded.
type Late struct{ to atomic.Pointer[Emitter] }

// Set sets the destination.
func (l *Late) Set(to Emitter) { l.to.Store(&to) }

// EmitGauge implements Emitter.
func (l *Late) EmitGauge(name string, value int64, dims map[string]string) {
	if to := l.to.Load(); to != nil {
		(*to).EmitGauge(name, value, dims)
	}
}

// EmitFloat implements Emitter.
func (l *Late) EmitFloat(name string, value float64, dims map[string]string) {
	if to := l.to.Load(); to != nil {
		(*to).EmitFloat(name, value, dims)
	}
}
