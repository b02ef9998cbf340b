package service

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/prometheus/client_golang/prometheus"
	kubernetes "k8s.io/client-go/tools/metrics"

	"github.com/aro-rp/aro/metrics"
)

// requestBuckets bound the time of a request to a database or to an API server.
var requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// cosmosClient measures every request that it sends to Cosmos DB.
type cosmosClient struct {
	next      policy.Transporter
	emit      metrics.Emitter
	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	units     *prometheus.CounterVec
	throttled *prometheus.CounterVec
}

// newCosmosClient registers the metrics of a client that sends by next, or by a client
// with the system's certificate authorities.
func newCosmosClient(next policy.Transporter, emit metrics.Emitter, r prometheus.Registerer) (*cosmosClient, error) {
	if next == nil {
		client, err := Trusting("")
		if err != nil {
			return nil, err
		}
		next = client
	}
	c := &cosmosClient{next: next, emit: emit,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_cosmos_requests_total",
			Help: "Requests sent to Cosmos DB, repeated ones included; status 0 means no answer."}, []string{"method", "container", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aro_cosmos_request_duration_seconds",
			Help: "Time until Cosmos DB answered a request.", Buckets: requestBuckets}, []string{"method", "container"}),
		units: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_cosmos_request_units_total",
			Help: "Request units that requests to Cosmos DB took."}, []string{"method", "container"}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_cosmos_throttled_total",
			Help: "Requests that Cosmos DB refused because there were too many."}, []string{"container"}),
	}
	return c, errors.Join(r.Register(c.requests), r.Register(c.duration), r.Register(c.units), r.Register(c.throttled))
}

// Do implements policy.Transporter.
func (c *cosmosClient) Do(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := c.next.Do(req)
	took := time.Since(began)
	path, container := cosmosPath(req.URL.Path)
	status, units := 0, ""
	if err == nil {
		status, units = resp.StatusCode, strings.Trim(resp.Header.Get("x-ms-request-charge"), `"`)
	}
	dims := map[string]string{"verb": req.Method, "path": path, "code": strconv.Itoa(status)}
	c.emit.EmitGauge("client.cosmosdb.count", 1, dims)
	c.emit.EmitGauge("client.cosmosdb.duration", took.Milliseconds(), dims)
	if err != nil {
		c.emit.EmitGauge("client.cosmosdb.errors", 1, dims)
	}
	c.requests.WithLabelValues(req.Method, container, strconv.Itoa(status)).Inc()
	c.duration.WithLabelValues(req.Method, container).Observe(took.Seconds())
	if used, err := strconv.ParseFloat(units, 64); err == nil && used >= 0 {
		c.emit.EmitFloat("client.cosmosdb.requestunits", used, dims)
		c.units.WithLabelValues(req.Method, container).Add(used)
	}
	if status == http.StatusTooManyRequests {
		c.throttled.WithLabelValues(container).Inc()
	}
	return resp, err
}

// cosmosPath is a path without the id of a document, and the container in it.
func cosmosPath(path string) (general, container string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if i == 0 {
			continue
		}
		switch parts[i-1] {
		case "colls":
			container = part
		case "docs":
			parts[i] = "{id}"
		}
	}
	return "/" + strings.Join(parts, "/"), container
}

// kubernetesClients measures the requests to clusters' API servers.
type kubernetesClients struct {
	emit     metrics.Emitter
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// measureKubernetes has client-go, which keeps one receiver for the whole process, report
// its requests here.
func measureKubernetes(emit metrics.Emitter, r prometheus.Registerer) error {
	k := kubernetesClients{emit: emit,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aro_kubernetes_requests_total",
			Help: "Requests sent to API servers of clusters; status <error> means no answer."}, []string{"method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aro_kubernetes_request_duration_seconds",
			Help: "Time until an API server answered a request.", Buckets: requestBuckets}, []string{"method"}),
	}
	kubernetes.Register(kubernetes.RegisterOpts{RequestLatency: k, RequestResult: k})
	return errors.Join(r.Register(k.requests), r.Register(k.duration))
}

// Increment implements the ResultMetric of client-go.
func (k kubernetesClients) Increment(_ context.Context, code, method, _ string) {
	dims := map[string]string{"verb": method, "code": code}
	k.emit.EmitGauge("client.k8s.count", 1, dims)
	if _, err := strconv.Atoi(code); err != nil {
		k.emit.EmitGauge("client.k8s.errors", 1, dims)
	}
	k.requests.WithLabelValues(method, code).Inc()
}

// Observe implements the LatencyMetric of client-go.
func (k kubernetesClients) Observe(_ context.Context, verb string, u url.URL, took time.Duration) {
	k.emit.EmitGauge("client.k8s.duration", took.Milliseconds(), map[string]string{"verb": verb, "path": kubernetesPath(u.Path)})
	k.duration.WithLabelValues(verb).Observe(took.Seconds())
}

// kubernetesPath is the path of a resource without its namespace and name.
func kubernetesPath(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	at := 0 // of the resource
	switch parts[0] {
	case "api":
		at = 2
	case "apis":
		at = 3
	default: // health, versions and metrics; other paths can have any number of words
		return "/" + parts[0]
	}
	if len(parts) > at+2 && parts[at] == "namespaces" {
		parts[at+1] = "{namespace}"
		at += 2
	}
	if len(parts) > at+1 {
		parts[at+1] = "{name}"
	}
	return "/" + strings.Join(parts[:min(len(parts), cmp.Or(at, len(parts))+3)], "/")
}
