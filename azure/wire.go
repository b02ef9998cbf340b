package azure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	armcore "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/metrics"
	"github.com/aro-rp/aro/tracing"
	"github.com/aro-rp/aro/wait"
)

const (
	maxRetries    = 3
	maxRetryDelay = time.Minute
	// tryTimeout bounds one HTTP exchange; long-running operations are polled.
	tryTimeout = 2 * time.Minute
)

// correlation is the context key of the correlation id for the SDK's calls.
type correlation struct{}

// WithCorrelation returns a context whose calls to Azure send the correlation id of
// the request that started the operation.
func WithCorrelation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlation{}, id)
}

// service is the kind of endpoint called, for metrics and logs.
type service string

const (
	resourceManager service = "arm"
	entra           service = "entra"
	vault           service = "vault"
	blob            service = "blob"
	identities      service = "msi"
	permissions     service = "checkaccess"
)

// options returns the SDK's options for clients of one kind of endpoint.
func (a *Azure) options(kind service) azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     a.cloud.Configuration,
		Transport: a.transport,
		Telemetry: policy.TelemetryOptions{ApplicationID: "aro"},
		// The SDK's own log is not used; observe logs what contains no secrets.
		Retry: policy.RetryOptions{
			MaxRetries: maxRetries, TryTimeout: tryTimeout,
			RetryDelay: a.env.RetryDelay(), MaxRetryDelay: maxRetryDelay,
			ShouldRetry: shouldRetry,
		},
		PerCallPolicies:  []policy.Policy{perCall{kind}},
		PerRetryPolicies: []policy.Policy{observe{kind, a.measured, a.log}},
	}
}

func (a *Azure) armOptions() *armcore.ClientOptions {
	// The customer decides which resource providers are registered.
	return &armcore.ClientOptions{ClientOptions: a.options(resourceManager), DisableRPRegistration: true}
}

// shouldRetry repeats requests that failed in transit and those that Azure asks to
// repeat.
func shouldRetry(resp *http.Response, err error) bool {
	if err != nil || resp == nil {
		return true
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusConflict:
		return resp.Header.Get("Retry-After") != ""
	}
	return false
}

// tries counts the tries of one call.
type tries struct{ n int }

// called is the context key of the kind of endpoint.
type called struct{}

// perCall prepares a call once, for all its tries.
type perCall struct{ kind service }

func (p perCall) Do(req *policy.Request) (*http.Response, error) {
	req = req.WithContext(context.WithValue(req.Raw().Context(), called{}, p.kind))
	if id, ok := req.Raw().Context().Value(correlation{}).(string); ok && id != "" {
		req.Raw().Header.Set("X-Ms-Correlation-Request-Id", id)
	}
	req.SetOperationValue(&tries{})
	defer wait.Await(req.Raw().Context(), wait.Azure)()
	return req.Next()
}

// observe measures and logs every try. Its log and the errors of the transport
// contain no queries, which may be signatures, and no headers and bodies.
type observe struct {
	kind     service
	measured *measured
	log      *slog.Logger
}

func (o observe) Do(req *policy.Request) (*http.Response, error) {
	count := &tries{}
	req.OperationValue(&count)
	count.n++
	raw, status := req.Raw(), 0
	id, _ := raw.Context().Value(correlation{}).(string)
	ctx, span := tracing.Call(raw.Context(), "azure "+string(o.kind)+" "+raw.Method, "http.request.method", raw.Method, "server.address", raw.URL.Host,
		"url.path", raw.URL.Path, tracing.CorrelationID, id)
	began := time.Now()
	resp, err := req.WithContext(ctx).Next()
	took := time.Since(began)
	var failed *url.Error
	if errors.As(err, &failed) {
		failed.URL = raw.URL.Scheme + "://" + raw.URL.Host + raw.URL.Path
	}
	if err == nil {
		status = resp.StatusCode
	}
	span.Status(status, http.StatusBadRequest)
	span.End()
	o.measured.count(o.kind, raw.Method, status, took, count.n > 1)
	if ctx := raw.Context(); o.log.Enabled(ctx, slog.LevelDebug) {
		o.log.DebugContext(ctx, "azure", "service", o.kind, "method", raw.Method, "host", raw.URL.Host,
			"path", raw.URL.Path, "status", status, "try", count.n, "took", took.String(),
			"correlation", raw.Header.Get("X-Ms-Correlation-Request-Id"))
	}
	return resp, err
}

// measured counts requests for Prometheus and for MDM.
type measured struct {
	emit               metrics.Emitter
	requests           *prometheus.CounterVec
	duration           *prometheus.HistogramVec
	throttled, retries *prometheus.CounterVec
}

func newMeasured(r prometheus.Registerer, emit metrics.Emitter) (*measured, error) {
	if emit == nil {
		emit = metrics.Discard{}
	}
	m := &measured{emit: emit,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_azure_requests_total",
			Help: "Requests sent to Azure, repeated ones included, by class of their HTTP status; none means no answer."}, []string{"service", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aro_azure_request_duration_seconds",
			Help: "Time until Azure answered a request.", Buckets: []float64{.01, .03, .1, .3, 1, 3, 10, 30, 100}}, []string{"service", "method"}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_azure_throttled_total",
			Help: "Requests that Azure refused because there were too many."}, []string{"service", "method"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_azure_retries_total",
			Help: "Requests that were repeated."}, []string{"service"}),
	}
	if r == nil {
		return m, nil
	}
	var faults []error
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.throttled, m.retries} {
		faults = append(faults, r.Register(c))
	}
	return m, errors.Join(faults...)
}

func (m *measured) count(kind service, method string, status int, took time.Duration, repeated bool) {
	dims := map[string]string{"client": string(kind), "code": strconv.Itoa(status)}
	m.emit.EmitGauge("client.azure.count", 1, dims)
	m.emit.EmitGauge("client.azure.duration", took.Milliseconds(), dims)
	if status == 0 {
		m.emit.EmitGauge("client.azure.errors", 1, dims)
	}
	class := "none"
	if status > 0 {
		class = fmt.Sprintf("%dxx", status/100)
	}
	m.requests.WithLabelValues(string(kind), method, class).Inc()
	m.duration.WithLabelValues(string(kind), method).Observe(took.Seconds())
	if status == http.StatusTooManyRequests {
		m.throttled.WithLabelValues(string(kind), method).Inc()
	}
	if repeated {
		m.retries.WithLabelValues(string(kind)).Inc()
	}
}
