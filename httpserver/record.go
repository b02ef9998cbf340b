package httpserver

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/arm"
)

const (
	// maxMethod bounds the method in the log. maxAuditedPath bounds the path in the
	// audit; it is longer than the path of any cluster.
	maxMethod      = 16
	maxAuditedPath = 512
)

// The outcomes of requests in the audit.
const (
	succeeded = "Succeeded"
	failed    = "Failed"
)

// log writes one line when the request has ended. It contains no body, no query and
// nothing that identifies the user (C17, Y03 of the ARM contract).
func (s *Server) log(x *Exchange, quiet bool, failure *Failure) {
	level := slog.LevelInfo
	switch {
	case x.Response().Status >= http.StatusInternalServerError:
		level = slog.LevelError
	case quiet:
		level = slog.LevelDebug // every few seconds
	}
	ctx := x.Ctx()
	if !s.Logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("operation", x.Operation),
		slog.String("method", arm.Plain(x.Request().Method, maxMethod)),
		slog.Int("status", x.Response().Status),
		slog.Duration("took", s.Now().Sub(x.Started)),
		slog.String("request_id", x.RequestID),
		slog.String("correlation_id", x.CorrelationID),
		slog.String("client_request_id", x.ClientRequestID),
	)
	for _, more := range [][2]string{{"api_version", x.Version}, {"resource_id", x.Resource}, {"operation_id", x.OperationID}} {
		if more[1] != "" {
			attrs = append(attrs, slog.String(more[0], more[1]))
		}
	}
	s.Logger.LogAttrs(ctx, level, "request", append(attrs, logged(failure)...)...)
}

func logged(f *Failure) []slog.Attr {
	switch {
	case f == nil:
		return nil
	case f.Status >= http.StatusInternalServerError:
		return []slog.Attr{slog.Any("error", f.Err)}
	}
	attrs := []slog.Attr{slog.String("error", f.Code), slog.String("target", ShortText(f.Target))}
	if f.Cause != nil {
		// A decoder's error contains the names of members.
		attrs = append(attrs, slog.String("cause", arm.Plain(f.Cause.Error(), 4*maxText)))
	}
	return attrs
}

// audit records a request, allowed or not, at any level of the log: the caller, the
// operation and the result (X07). The fingerprint is verified. The names are claims of
// the certificate's holder: that of the certificate, and the principal on whose behalf
// a developer tool calls. ARM records which customer sent the request; the correlation
// id leads to that record.
func (s *Server) audit(x *Exchange, failure *Failure) {
	name, fingerprint := certificateOf(x.Request())
	code, outcome := "", succeeded
	if failure != nil {
		code = failure.Code
	}
	if failure != nil || x.Response().Status >= http.StatusBadRequest {
		outcome = failed // also if it failed after the response had begun
	}
	s.Audit.InfoContext(x.Ctx(), "audit", "operation", x.Operation,
		"certificate", ShortText(name), "fingerprint", fingerprint, "principal", ShortText(x.Principal),
		"method", x.Request().Method, "path", arm.Plain(x.Canonical, maxAuditedPath), "subject", ShortText(x.Subject), "status", x.Response().Status, "outcome", outcome, "dry_run", x.DryRun,
		"code", code, "operation_id", x.OperationID, "request_id", x.RequestID, "correlation_id", x.CorrelationID)
}

// metrics are the metrics of the server. Labels come from closed sets, so that
// callers cannot create series.
type metrics struct {
	running  prometheus.Gauge
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aro_http_requests_running", Help: "Requests being answered.",
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aro_http_requests_total", Help: "Requests answered.",
		}, []string{"operation", "api_version", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aro_http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"operation"}),
	}
	r.MustRegister(m.running, m.requests, m.seconds)
	return m
}

func (m *metrics) observe(x *Exchange, took time.Duration) {
	m.requests.WithLabelValues(x.Operation, x.Version, strconv.Itoa(x.Response().Status)).Inc()
	m.seconds.WithLabelValues(x.Operation).Observe(took.Seconds())
}
