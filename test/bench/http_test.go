package bench

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/harness"
)

// clients is how many requests a benchmark over HTTP has under way.
const clients = 32

// start runs aro on the database, with a subscription that may have clusters.
func start(b *testing.B, o harness.Options) *harness.Process {
	b.Helper()
	o.Binary = binary
	p := harness.Start(b, o)
	if p.URL == "" {
		b.Fatal("aro does not listen")
	}
	b.Cleanup(func() { _ = p.Stop() })
	return p
}

// caller sends requests as cheaply as a client can, for it shares the machine.
type caller struct {
	base string
	http *http.Client
}

func newCaller(p *harness.Process) *caller {
	return &caller{base: p.URL, http: &http.Client{
		Timeout:   harness.RequestTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2 * clients, DisableCompression: true},
	}}
}

// send sends one request, reads the answer to its end and returns its status.
func (c *caller) send(method, path string, body []byte) (int, error) {
	r, err := http.NewRequest(method, c.base+path+"?api-version="+apiVersion, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// register makes the subscription known, as ARM does.
func (c *caller) register(b *testing.B) {
	b.Helper()
	r, err := http.NewRequest(http.MethodPut, c.base+"/subscriptions/"+subscription+"?api-version=2.0", strings.NewReader(`{"state":"Registered"}`))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		b.Fatalf("registration answered %d", answer.StatusCode)
	}
}

// load sends requests from all clients at once and reports how many were
// answered in a second.
func (c *caller) load(b *testing.B, method string, status int, request func(n int) (path string, body []byte)) {
	b.Helper()
	b.SetParallelism(clients / 2)
	var n atomic.Int64
	began := time.Now()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			path, body := request(int(n.Add(1)))
			got, err := c.send(method, path, body)
			if err != nil || got != status {
				b.Errorf("%s %s answered %d: %v", method, path, got, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "req/s")
}

// BenchmarkHTTP puts a real process under load over loopback; its clients share
// the machine with it.
func BenchmarkHTTP(b *testing.B) {
	b.Run("GET", func(b *testing.B) {
		d := openDatabase(b)
		d.fill(b, 1000)
		c := newCaller(start(b, harness.Options{Store: "sqlite:" + d.path, Args: []string{"--backend=false"}}))
		c.load(b, http.MethodGet, http.StatusOK, func(n int) (string, []byte) { return path(clusterID(n % 1000)), nil })
	})
	b.Run("create", func(b *testing.B) {
		benchmarkCreates(b, harness.Options{Args: []string{"--backend=false"}})
	})
	b.Run("create-and-work", func(b *testing.B) {
		planes := harness.NewControlPlanes(b, harness.Behaviour{})
		benchmarkCreates(b, harness.Options{ControlPlanes: planes.Address})
	})
}

// benchmarkCreates creates clusters durably, each one once.
func benchmarkCreates(b *testing.B, o harness.Options) {
	o.Store = "sqlite:" + b.TempDir() + "/aro.db"
	c := newCaller(start(b, o))
	c.register(b)
	bodies := make([][]byte, b.N+1)
	for i := range bodies {
		bodies[i] = createBody(b, clusterID(i))
	}
	c.load(b, http.MethodPut, http.StatusCreated, func(n int) (string, []byte) { return path(clusterID(n)), bodies[n] })
}
