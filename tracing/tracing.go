// Package tracing sends traces of what the service does to an OpenTelemetry collector:
// one for each request and, with it, each operation that the request begins.
//
// Without an endpoint every function does nothing. Spans hold names, ids and statuses of
// the service, and never bodies, headers, queries or the text of errors.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation.
const scope = "github.com/aro-rp/aro"

// The attributes of spans that have no name in OpenTelemetry's conventions.
const (
	CorrelationID = "aro.correlation_id"
	OperationID   = "aro.operation_id"
	OperationKind = "aro.operation_kind"
	RequestID     = "aro.request_id"
	Resource      = "aro.resource_id"
	Step          = "aro.step"
	Outcome       = "aro.outcome"
)

// Options say where spans are sent, and which process sends them.
type Options struct {
	// Endpoint is the URL of a collector, to which /v1/traces is added.
	Endpoint string
	// Process and Build are the name and the version of the process.
	Process, Build string
	// Log gets what cannot be sent, at most once a minute.
	Log *slog.Logger
}

// Start begins to send spans to the collector. stop sends what is left.
func Start(ctx context.Context, o Options) (stop func(context.Context) error, err error) {
	exporter, err := otlptrace.New(ctx, newClient(o.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "aro-"+o.Process), attribute.String("service.version", o.Build))))
	otel.SetTracerProvider(provider)
	otel.SetErrorHandler(newComplaints(o.Log))
	return provider.Shutdown, nil
}

// Span is one thing that the service does. It is never nil.
type Span struct{ trace.Span }

// Begin begins a span below that of ctx, with pairs of attributes.
func Begin(ctx context.Context, name string, attributes ...string) (context.Context, Span) {
	return begin(ctx, name, trace.SpanKindInternal, attributes)
}

// Call begins the span of a request to another service.
func Call(ctx context.Context, name string, attributes ...string) (context.Context, Span) {
	return begin(ctx, name, trace.SpanKindClient, attributes)
}

// Serve begins the span of a request that is answered, below the span of its client if
// the header of the request names one (W3C Trace Context).
func Serve(r *http.Request, attributes ...string) (context.Context, Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return begin(ctx, r.Method, trace.SpanKindServer, attributes)
}

func begin(ctx context.Context, name string, kind trace.SpanKind, attributes []string) (context.Context, Span) {
	ctx, span := otel.Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind))
	s := Span{span}
	s.Note(attributes...)
	return ctx, s
}

// Note adds pairs of attributes; those without a value are left out.
func (s Span) Note(attributes ...string) {
	if !s.IsRecording() {
		return
	}
	for i := 0; i+1 < len(attributes); i += 2 {
		if attributes[i+1] != "" {
			s.SetAttributes(attribute.String(attributes[i], attributes[i+1]))
		}
	}
}

// Status adds the status of an HTTP response; 0 means that there was none. The span
// failed from failed on.
func (s Span) Status(status, failed int) {
	if status != 0 {
		s.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	if status == 0 || status >= failed {
		s.SetStatus(codes.Error, "")
	}
}

// Fail marks the span as failed.
func (s Span) Fail() { s.SetStatus(codes.Error, "") }

// parentHeader is the member of W3C Trace Context that names a span.
const parentHeader = "traceparent"

// Parent returns the span of ctx as text, which another process continues with Continue;
// empty if there is none.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[parentHeader]
}

// Continue returns a context whose spans are below the span that parent names.
func Continue(ctx context.Context, parent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{parentHeader: parent})
}
