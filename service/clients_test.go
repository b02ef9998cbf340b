package service

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aro-rp/aro/metrics"
)

// declared keeps what is emitted, as text, and fails if the catalogue lacks it.
type declared struct {
	t   *testing.T
	all map[string]float64
}

func (d *declared) EmitGauge(name string, value int64, dims map[string]string) {
	d.EmitFloat(name, float64(value), dims)
}

func (d *declared) EmitFloat(name string, value float64, dims map[string]string) {
	if err := metrics.Undeclared(name, dims); err != nil {
		d.t.Error(err)
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(dims)) {
		parts = append(parts, k+"="+dims[k])
	}
	d.all[name+" "+strings.Join(parts, " ")] += value
}

func TestRequestsToCosmosDBAreMeasured(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-request-charge", `"2.5"`)
		w.WriteHeader(status)
	}))
	defer server.Close()
	d, r := &declared{t, map[string]float64{}}, prometheus.NewPedanticRegistry()
	client, err := newCosmosClient(server.Client(), d, r)
	if err != nil {
		t.Fatal(err)
	}
	send := func() error {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/dbs/ARO/colls/Clusters/docs/secret-name", nil)
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	for _, status = range []int{http.StatusOK, http.StatusTooManyRequests} {
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	server.Close()
	if send() == nil {
		t.Fatal("a closed server answers")
	}
	const at = "path=/dbs/ARO/colls/Clusters/docs/{id} verb=GET"
	for name, want := range map[string]float64{"client.cosmosdb.count code=200 " + at: 1, "client.cosmosdb.requestunits code=200 " + at: 2.5,
		"client.cosmosdb.count code=429 " + at: 1, "client.cosmosdb.errors code=0 " + at: 1} {
		if d.all[name] != want {
			t.Errorf("%s: %v, want %v", name, d.all[name], want)
		}
	}
	err = testutil.GatherAndCompare(r, strings.NewReader(`
# HELP aro_cosmos_request_units_total Request units that requests to Cosmos DB took.
# TYPE aro_cosmos_request_units_total counter
aro_cosmos_request_units_total{container="Clusters",method="GET"} 5
# HELP aro_cosmos_throttled_total Requests that Cosmos DB refused because there were too many.
# TYPE aro_cosmos_throttled_total counter
aro_cosmos_throttled_total{container="Clusters"} 1
`), "aro_cosmos_request_units_total", "aro_cosmos_throttled_total")
	if err != nil {
		t.Error(err)
	}
}

func TestRequestsToAPIServersAreMeasured(t *testing.T) {
	d, r := &declared{t, map[string]float64{}}, prometheus.NewPedanticRegistry()
	if err := measureKubernetes(d, r); err != nil {
		t.Fatal(err)
	}
	k := kubernetesClients{emit: d, requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "r"}, []string{"method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "d"}, []string{"method"})}
	k.Increment(t.Context(), "200", "GET", "host")
	k.Increment(t.Context(), "<error>", "GET", "host")
	k.Observe(t.Context(), "GET", url.URL{Path: "/api/v1/nodes/n"}, time.Second)
	for name, want := range map[string]float64{"client.k8s.count code=200 verb=GET": 1, "client.k8s.errors code=<error> verb=GET": 1, "client.k8s.duration path=/api/v1/nodes/{name} verb=GET": 1000} {
		if d.all[name] != want {
			t.Errorf("%s: %v, want %v", name, d.all[name], want)
		}
	}
}

func TestPathsOfAPIServersAreBounded(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/nodes":                                      "/api/v1/nodes",
		"/api/v1/nodes/n":                                    "/api/v1/nodes/{name}",
		"/api/v1/namespaces/n":                               "/api/v1/namespaces/{name}",
		"/api/v1/namespaces/n/pods":                          "/api/v1/namespaces/{namespace}/pods",
		"/api/v1/namespaces/n/pods/p/log":                    "/api/v1/namespaces/{namespace}/pods/{name}/log",
		"/api/v1/namespaces/n/pods/p:9/proxy/a/b":            "/api/v1/namespaces/{namespace}/pods/{name}/proxy",
		"/apis/apps/v1/namespaces/n/deployments/d":           "/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
		"/apis/config.openshift.io/v1/clusteroperators/etcd": "/apis/config.openshift.io/v1/clusteroperators/{name}",
		"/healthz/ping":                                      "/healthz",
		"/api":                                               "/api",
		"":                                                   "/",
	} {
		if got := kubernetesPath(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestTheProcessIsMeasured(t *testing.T) {
	r := prometheus.NewRegistry()
	lines := prometheus.NewGauge(prometheus.GaugeOpts{Name: "go_goroutines"})
	other := prometheus.NewCounter(prometheus.CounterOpts{Name: "aro_other_total"})
	if err := errors.Join(r.Register(lines), r.Register(other)); err != nil {
		t.Fatal(err)
	}
	lines.Set(7)
	late := &metrics.Late{}
	late.EmitGauge("nobody.listens", 1, nil)
	d := &declared{t, map[string]float64{}}
	late.Set(d)
	if err := metrics.EmitProcess(late, r); err != nil || len(d.all) != 1 || d.all["go_goroutines "] != 7 {
		t.Errorf("%v, %v", d.all, err)
	}
}
