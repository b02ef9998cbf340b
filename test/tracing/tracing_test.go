package tracing

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
	"github.com/aro-rp/aro/tracing"
	"github.com/aro-rp/aro/wait"
)

const patience = 30 * time.Second

// span is what the test reads of a span.
type span struct {
	name, trace, id, parent string
	attributes              map[string]string
	failed                  bool
}

// collector is an OpenTelemetry collector that refuses the first batch.
type collector struct {
	*httptest.Server
	mu      sync.Mutex
	refused bool
	spans   []span
	raw     bytes.Buffer
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var data otlp.TracesData
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &data) != nil {
		http.Error(w, "not OTLP", http.StatusBadRequest)
		return
	}
	if !c.refused {
		c.refused = true
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	c.raw.Write(body)
	for _, resource := range data.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				one := span{name: s.Name, trace: hex.EncodeToString(s.TraceId), id: hex.EncodeToString(s.SpanId), parent: hex.EncodeToString(s.ParentSpanId),
					attributes: map[string]string{}, failed: s.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR}
				for _, a := range s.Attributes {
					one.attributes[a.Key] = a.Value.GetStringValue()
				}
				c.spans = append(c.spans, one)
			}
		}
	}
}

// find is the first span with that beginning of its name.
func (c *collector) find(t *testing.T, name string) span {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, s := range c.spans {
		if strings.HasPrefix(s.name, name) {
			return s
		}
		names = append(names, s.name)
	}
	t.Fatalf("there is no span %s among %q", name, names)
	return span{}
}

// cloud answers as Azure does: the group is there, but its first read fails in transit.
type cloud struct {
	mu    sync.Mutex
	reads int
}

const (
	origin       = "https://azure.test"
	subscription = "00000000-0000-0000-0000-0000000000a1"
	canary       = "canary-0d9c"
)

func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"name":"g"}`
	if r.URL.Path == "/metadata/endpoints" {
		body = fmt.Sprintf(`{"resourceManager":"%[1]s","microsoftGraphResourceId":"%[1]s/graph","checkAccess":"%[1]s/checkaccess","authentication":{"loginEndpoint":"%[1]s","audiences":["%[1]s"]}}`, origin)
	} else {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.reads++; c.reads == 1 {
			return nil, fmt.Errorf("reset by peer: %s?sig=%s", r.URL.Path, canary)
		}
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

type token string

func (s token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func clients(t *testing.T) *azure.Clients {
	t.Helper()
	transport := &http.Client{Transport: &cloud{}}
	found, err := azure.FindCloud(t.Context(), origin, transport)
	if err != nil {
		t.Fatal(err)
	}
	a, err := azure.New(azure.Options{Cloud: found, Transport: transport, Service: token(canary), Log: slog.New(slog.DiscardHandler),
		Environment: &environment.Environment{Mode: environment.Test, ServiceVault: origin + "/vaults/v"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Clients(subscription, a.Service())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOneTraceShowsAnOperation creates a cluster through the API: its trace has the request,
// the worker's part, the steps with their attempts, and each request to Azure.
func TestOneTraceShowsAnOperation(t *testing.T) {
	to := newCollector(t)
	stop, err := tracing.Start(t.Context(), tracing.Options{Endpoint: to.URL, Process: "rp", Build: "b1"})
	if err != nil {
		t.Fatal(err)
	}
	w := edge.NewFixture(t)
	azureClients, waited := clients(t), false
	steps := []backend.ClusterStep{
		{Name: "read group", Timeout: time.Minute, Do: func(ctx context.Context, _ *backend.ClusterWork) error {
			_, err := azureClients.Groups.Get(ctx, "g", nil)
			return err
		}},
		{Name: "wait once", Timeout: time.Minute, Do: func(context.Context, *backend.ClusterWork) error {
			if waited {
				return nil
			}
			waited = true
			return wait.Later(time.Millisecond, "the test")
		}},
	}
	worker, err := backend.New(backend.Config{Store: w.Store, Log: slog.New(slog.DiscardHandler), PollInterval: 10 * time.Millisecond, Trace: azure.WithCorrelation,
		Plans: map[model.OperationKind][]backend.ClusterStep{model.Create: steps, model.Update: steps, model.AdminUpdate: steps, model.Delete: steps}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	w.Want(http.StatusCreated, w.Send(http.MethodPut, edge.ClusterID("traced").String(), harness.Newest, harness.Body(harness.Newest, edge.ClusterID("traced"), "eastus"), "X-Ms-Correlation-Request-Id", "correlation-1", "Traceparent", caller))
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if r := w.Send(http.MethodGet, edge.ClusterID("traced").String(), harness.Newest, nil); r.Text("properties.provisioningState") == "Succeeded" {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the cluster is not created: %s", r.Body)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := stop(context.Background()); err != nil {
		t.Errorf("the spans are not sent: %v", err)
	}
	request, operation, step, call := to.find(t, "OpenShiftClusters_CreateOrUpdate"), to.find(t, "operation Create"), to.find(t, "step read group"), to.find(t, "azure arm GET")
	if request.trace != caller[3:35] || request.parent != caller[36:52] {
		t.Errorf("the request is not in its client's trace: %+v", request)
	}
	for _, pair := range [][2]span{{operation, request}, {step, operation}, {call, step}, {to.find(t, "step wait once"), operation}} {
		if pair[0].parent != pair[1].id || pair[0].trace != request.trace || pair[0].attributes[tracing.CorrelationID] != "correlation-1" {
			t.Errorf("%+v is not below %+v with the correlation id", pair[0], pair[1])
		}
	}
	if id := request.attributes[tracing.OperationID]; id == "" || operation.attributes[tracing.OperationID] != id || step.attributes[tracing.OperationID] != id {
		t.Errorf("the operation is %q, %q and %q", id, operation.attributes[tracing.OperationID], step.attributes[tracing.OperationID])
	}
	calls := 0
	for _, s := range to.spans {
		if s.name == "azure arm GET" {
			calls++
		}
	}
	if calls != 2 || !call.failed || !slices.ContainsFunc(to.spans, func(s span) bool { return s.attributes[tracing.Outcome] == "waiting" }) {
		t.Errorf("%d calls, the first failed: %t, want 2 and an attempt that waits", calls, call.failed)
	}
	for _, secret := range []string{canary, harness.PullSecretCanary, harness.ClientSecretCanary} {
		if bytes.Contains(to.raw.Bytes(), []byte(secret)) {
			t.Errorf("%s was sent to the collector", secret)
		}
	}
}

// TestACollectorThatIsGoneStopsNothing ends while spans are not received.
func TestACollectorThatIsGoneStopsNothing(t *testing.T) {
	gone := newCollector(t)
	gone.Close()
	stop, err := tracing.Start(t.Context(), tracing.Options{Endpoint: gone.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, s := tracing.Begin(t.Context(), "lost")
	s.End()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := stop(ctx); err == nil || time.Since(began) > patience {
		t.Errorf("it ends after %s with %v", time.Since(began), err)
	}
}
