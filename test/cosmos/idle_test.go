package cosmos

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/harness"
)

// counted puts a proxy before the account that counts requests.
func counted(t *testing.T, store string) (through string, requests *atomic.Int64) {
	t.Helper()
	endpoint, database, _ := strings.Cut(strings.TrimPrefix(store, "cosmos:"), "?")
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	requests = &atomic.Int64{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		requests.Add(1)
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(proxy.Close)
	return "cosmos:" + proxy.URL + "/?" + database, requests
}

// freeAddress is free for TCP and for UDP.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestAnIdleBackendHardlyAsks once it has not heard of work for twice a lease.
func TestAnIdleBackendHardlyAsks(t *testing.T) {
	const window, perSecond = 40 * time.Second, 0.2
	if testing.Short() {
		t.Skip("idles for a while")
	}
	d := newDeployment(t, harness.Behaviour{})
	site := d.servers(1)[0]
	site.register()
	address := freeAddress(t)
	var requests *atomic.Int64
	d.options.Store, requests = counted(t, d.options.Store)
	d.options.Listen, d.options.Poll = address, 0
	d.backend("--peers", address)
	time.Sleep(2*lease + 2*time.Second) // as long as a process may have left work
	before := requests.Load()
	time.Sleep(window)
	if n := requests.Load() - before; float64(n) > perSecond*window.Seconds() {
		t.Errorf("%d requests in %s", n, window)
	} else {
		t.Logf("%d requests in %s, %.2f a second", n, window, float64(n)/window.Seconds())
	}
}

// TestBackendsHearOfWork: they would look for it in ten minutes.
func TestBackendsHearOfWork(t *testing.T) {
	const creates, most = 40, 2 * time.Second
	d := newDeployment(t, harness.Behaviour{Boot: time.Hour})
	address := freeAddress(t)
	var mu sync.Mutex
	begun := map[string]time.Time{}
	count := d.options.OnLine
	d.options.OnLine = func(p *harness.Process, line harness.Line) {
		count(p, line)
		if line.Message() == "step done" {
			mu.Lock()
			defer mu.Unlock()
			if id := line.Attr("operation_id"); begun[id].IsZero() {
				begun[id] = time.Now()
			}
		}
	}
	d.options.Args = append(d.options.Args, "--peers", address)
	site := d.servers(1)[0]
	site.register()
	d.options.Listen, d.options.Poll, d.options.Lease = address, 10*time.Minute, time.Minute
	d.backend()
	answered := map[string]time.Time{}
	for i := range creates {
		reply := site.create(clusterID("heard", fmt.Sprint("c", i)))
		operation, err := url.Parse(reply.Header.Get("Azure-AsyncOperation"))
		if err != nil || reply.Status != http.StatusCreated {
			t.Fatal(reply, err)
		}
		answered[path.Base(operation.Path)] = time.Now()
		time.Sleep(137 * time.Millisecond) // in step with nothing
	}
	var delays []time.Duration
	for end := time.Now().Add(10 * time.Second); len(delays) < creates; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d creates were picked up", len(delays), creates)
		}
		delays = delays[:0]
		mu.Lock()
		for id, at := range answered {
			if first := begun[id]; !first.IsZero() {
				delays = append(delays, max(0, first.Sub(at)))
			}
		}
		mu.Unlock()
	}
	slices.Sort(delays)
	t.Logf("first step done after p50 %s, p99 %s", delays[creates/2], delays[creates*99/100])
	if longest := delays[creates-1]; longest > most {
		t.Errorf("the first step of one was done %s after the answer", longest)
	}
}
