package openshift_test

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/metrics"

	"github.com/aro-rp/aro/openshift"
)

// reports counts what client-go's hooks get.
type reports struct{ results, latencies atomic.Int64 }

func (r *reports) Increment(context.Context, string, string, string) { r.results.Add(1) }

func (r *reports) Observe(context.Context, string, url.URL, time.Duration) { r.latencies.Add(1) }

// TestEachRequestIsReportedOnce sends one by client-go and one in plain HTTP.
func TestEachRequestIsReportedOnce(t *testing.T) {
	r := &reports{}
	metrics.Register(metrics.RegisterOpts{RequestResult: r, RequestLatency: r})
	server := &recorder{}
	kubeconfig, address, _ := apiServer(t, server.ServeHTTP, nil)
	kube, err := openshift.Connect(kubeconfig, address, unwatched)
	if err != nil {
		t.Fatal(err)
	}
	defer kube.Close()
	if _, err := kube.NetworkType(t.Context()); err != nil {
		t.Fatal(err)
	}
	api, err := openshift.Open(kubeconfig, address)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := api.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	server.mu.Lock()
	defer server.mu.Unlock()
	if sent := int64(len(server.asked)); sent != 2 || r.results.Load() != sent || r.latencies.Load() != sent {
		t.Errorf("%d requests are reported as %d results and %d latencies", sent, r.results.Load(), r.latencies.Load())
	}
}
