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
	// maxMethod bounds the method in the log, and maxAuditedPath, which is longer than
	// the path of any cluster, the path in the audit.
	maxMethod      = 16
	maxAuditedPath = 512
)

// log writes one line when the request has ended. It holds no body, no query and
// nothing that says who the client is (C17, Y03).
func (s *Server) log(x *Exchange, quiet bool, failure *Failure) {
	level := slog.LevelInfo
	switch {
	case x.Response().Status >= http.StatusInternalServerError:
		level = slog.LevelError
	case quiet:
		level = slog.LevelDebug // every few seconds, for ever
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
	attrs := []slog.Attr{slog.String("error", f.Code), slog.String("target", Word(f.Target))}
	if f.Cause != nil {
		// A decoder's error repeats the names of members.
		attrs = append(attrs, slog.String("cause", arm.Plain(f.Cause.Error(), 4*maxWord)))
	}
	return attrs
}

// audit writes a record, whatever the level of the log, about a request that somebody
// tried, allowed or not: who, what, and how it was answered (X07). The fingerprint is
// proof. The names are what the holder of the certificate says: the one of the
// certificate, and the principal for whom a tool of ours calls. Customers are named by
// ARM's own record, which the correlation id leads to.
func (s *Server) audit(x *Exchange, failure *Failure) {
	name, fingerprint := certificateOf(x.Request())
	code := ""
	if failure != nil {
		code = failure.Code
	}
	s.Audit.InfoContext(x.Ctx(), "audit", "operation", x.Operation,
		"certificate", Word(name), "fingerprint", fingerprint, "principal", Word(x.Principal),
		"method", x.Request().Method, "path", arm.Plain(x.Canonical, maxAuditedPath), "subject", Word(x.Subject), "status", x.Response().Status,
		"code", code, "operation_id", x.OperationID, "request_id", x.RequestID, "correlation_id", x.CorrelationID)
}

// metrics are what the server counts. Labels come from closed sets, so that
// neither customers nor attackers can make series.
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
			Name: "aro_http_requests_total", Help: "Requests answered, by operation, api-version and status.",
		}, []string{"operation", "api_version", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aro_http_request_seconds", Help: "Time to answer a request.",
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
