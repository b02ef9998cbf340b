package httpserver_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/aro-rp/aro/httpserver"
)

type flaky struct{ away atomic.Bool }

func (f *flaky) Ping(context.Context) error {
	if f.away.Load() {
		return errors.New("away")
	}
	return nil
}

func TestAProcessWithoutTheAPITellsHowItIs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector())
	var documents flaky
	var now atomic.Pointer[time.Time]
	start := time.Now()
	now.Store(&start)
	h, err := httpserver.New(httpserver.Config{Registry: metrics, Ready: documents.Ping, Now: func() time.Time { return *now.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l) }()
	ask := func(path string, status int) string {
		t.Helper()
		answer, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != status {
			t.Errorf("%s answers %d, want %d: %v", path, answer.StatusCode, status, err)
		}
		return string(body)
	}
	ask("/healthz/live", 200)
	ask("/healthz/ready", 200)
	if body := ask("/metrics", 200); !strings.Contains(body, "go_goroutines") {
		t.Errorf("no metrics in %s", body)
	}
	ask("/subscriptions", 404)
	documents.away.Store(true)
	ask("/healthz/ready", 200) // the last check still holds
	later := start.Add(time.Second)
	now.Store(&later)
	ask("/healthz/ready", 503)
	ask("/healthz/live", 200)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
