package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

func TestIdsOfRequests(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	given := []string{"X-Ms-Client-Request-Id", "client-1", "X-Ms-Correlation-Request-Id", "correlation-1", "X-Ms-Request-Id", "forged", "X-Ms-Routing-Request-Id", "routing-1"}
	first := w.do("GET", listPath, newest, nil, given...)
	second := w.do("GET", listPath, newest, nil, given...)
	id := first.Header.Get("X-Ms-Request-Id")
	if !arm.ValidUUID(id) || id == second.Header.Get("X-Ms-Request-Id") {
		t.Errorf("request ids are %q and %q", id, second.Header.Get("X-Ms-Request-Id"))
	}
	if got := first.Header.Get("X-Ms-Client-Request-Id"); got != "" {
		t.Errorf("the client's id %q came back unasked", got)
	}
	asked := w.do("GET", listPath, newest, nil, append(given, "X-Ms-Return-Client-Request-Id", "TRUE")...)
	if got := asked.Header.Get("X-Ms-Client-Request-Id"); got != "client-1" {
		t.Errorf("the client's id is %q", got)
	}
	if got := asked.Header.Get("Content-Type"); got != "application/json" || asked.Header.Get("Date") == "" {
		t.Errorf("Content-Type %q, Date %q", got, asked.Header.Get("Date"))
	}
	for _, want := range []string{id, "client-1", "correlation-1", `"operation":"OpenShiftClusters_List"`, `"status":200`, `"api_version":"` + newest} {
		if !contains(w.Logged(), want) {
			t.Errorf("the log has no %s: %s", want, w.Logged())
		}
	}
	if contains(w.Logged(), "forged") || contains(w.Logged(), "routing-1") {
		t.Errorf("foreign ids are taken as ours: %s", w.Logged())
	}
	for line := range strings.Lines(w.Logged()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a log line is no JSON: %s", line)
		}
	}
	w.want(200, w.do("GET", listPath, newest, nil, "X-Ms-Client-Request-Id", strings.Repeat("x", 5000)))
	if contains(w.Logged(), strings.Repeat("x", 200)) {
		t.Error("a foreign id fills the log")
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("bodies")
	good, err := json.Marshal(harness.Body(newest, id, location))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		why, body, kind string
		code            arm.Code
	}{
		{"empty", "", "application/json", arm.InvalidRequestContent},
		{"null", "null", "application/json", arm.InvalidRequestContent},
		{"not JSON", "{", "application/json", arm.InvalidRequestContent},
		{"another type", string(good), "text/plain", arm.UnsupportedMediaType},
		{"no type", string(good), "", arm.UnsupportedMediaType},
		{"too large", `{"tags":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`, "application/json", arm.RequestTooLarge},
	} {
		for _, verb := range []string{"PUT", "PATCH"} {
			w.wantError(test.code, w.do(verb, id.String(), newest, []byte(test.body), "Content-Type", test.kind))
		}
	}
	w.wantError(arm.RequestTooLarge, w.do("PUT", id.String(), newest, struct{ io.Reader }{strings.NewReader(strings.Repeat(" ", 1<<20+1))}))
	w.want(201, w.do("PUT", id.String(), newest, struct{ io.Reader }{bytes.NewReader(good)}, "Content-Type", "Application/JSON; charset=utf-8"))
}

func TestAllFaultsAtOnceWithTargetsAndValuesButSecrets(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	id := clusterID("faults")
	body := harness.Body(newest, id, location)
	harness.Set(body, "surprise-canary", 1)
	harness.Set(body, "properties.networkProfile.outboundType", "outbound-canary")
	harness.Set(body, "properties.clusterProfile.pullSecret", []string{"pull-canary"})
	r := w.want(400, w.do("PUT", id.String(), newest, body))
	targets := strings.Join(r.Targets(), " ")
	for _, want := range []string{"surprise-canary", "properties.networkProfile.outboundType", "properties.clusterProfile.pullSecret"} {
		if !contains(targets, want) {
			t.Errorf("no target %s: %v", want, r)
		}
	}
	if !contains(string(r.Body), "outbound-canary") || contains(string(r.Body), "pull-canary") {
		t.Errorf("the value is not repeated, or a secret is: %v", r)
	}
}

func TestMetricsCountByOperation(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.ready(newest, "metrics-canary")
	w.do("GET", "/nothing/metrics-canary", newest, nil)
	w.do("GET", listPath, "metrics-canary", nil)
	w.want(200, w.do("GET", "/admin/versions", "", nil))
	w.do("PUT", "/admin/versions", "", harness.Object{})
	text := string(w.want(200, w.do("GET", "/metrics", "", nil)).Body)
	for _, want := range []string{
		`aro_http_requests_total{api_version="` + newest + `",operation="OpenShiftClusters_CreateOrUpdate",status="201"} 1`,
		`aro_http_requests_total{api_version="",operation="",status="404"} 1`,
		`aro_http_requests_total{api_version="",operation="OpenShiftClusters_List",status="400"} 1`,
		`aro_http_request_duration_seconds_count{operation="OpenShiftClusters_List"} 1`,
		`aro_http_requests_total{api_version="",operation="Admin_ListVersions",status="200"} 1`,
		`aro_http_requests_total{api_version="",operation="Admin_PutVersion",status="400"} 1`,
	} {
		if !contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if !contains(w.Logged(), `"operation":"Admin_ListVersions"`) {
		t.Error("the log does not name the operation of an engineer")
	}
	if contains(text, "canary") || contains(text, subscription) {
		t.Error("metrics name customers")
	}
}

// broken is a driver that fails or panics.
type broken struct {
	store.Driver
	err   error
	panic any
}

func (b broken) fail() error {
	if b.err == nil {
		panic(b.panic)
	}
	return b.err
}

func (b broken) Read(context.Context, *store.Container, string, string) (store.Record, error) {
	return store.Record{}, b.fail()
}

func (b broken) ReadBody(context.Context, *store.Container, string, string) (store.Record, error) {
	return store.Record{}, b.fail()
}

func (b broken) Ping(context.Context) error { return b.fail() }

func newBrokenFixture(t *testing.T, driver broken) *fixture {
	keys, keysErr := store.ParseKeyring([]byte(store.NewKey()))
	if keysErr != nil {
		t.Fatal(keysErr)
	}
	w := &fixture{Fixture: edge.Unserved(t), t: t}
	address := edge.Serve(t, edge.Must(t, edge.Options{Config: server.Config{Store: store.New(driver, keys), Logger: slog.New(slog.NewJSONHandler(w, nil))}}))
	w.Client = harness.NewClient("http://"+address, nil)
	return w
}

func TestAnUnavailableStoreIs503WithRetryAfter(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause-canary")
	for why, test := range map[string]struct {
		err  error
		want string
	}{
		"no time is told":               {store.ErrUnavailable, "10"},
		"the database tells none":       {&store.UnavailableError{Cause: cause}, "10"},
		"the database's time":           {&store.UnavailableError{Cause: cause, RetryAfter: 7 * time.Second}, "7"},
		"parts of a second round up":    {&store.UnavailableError{Cause: cause, RetryAfter: 7100 * time.Millisecond}, "8"},
		"less than a second is one":     {&store.UnavailableError{Cause: cause, RetryAfter: time.Millisecond}, "1"},
		"no client is sent for an hour": {&store.UnavailableError{Cause: cause, RetryAfter: time.Hour}, "60"},
	} {
		w := newBrokenFixture(t, broken{err: test.err})
		for _, r := range []*harness.Reply{w.do("GET", clusterID("x").String(), newest, nil), w.do("GET", "/healthz/ready", "", nil)} {
			w.wantError(arm.ServiceUnavailable, r)
			if got := r.Header.Get("Retry-After"); got != test.want || contains(string(r.Body), "canary") {
				t.Errorf("%s: Retry-After is %q, want %q: %v", why, got, test.want, r)
			}
		}
		w.want(200, w.do("GET", "/healthz/live", "", nil))
	}
}

func TestAPanicIsOneFailedRequest(t *testing.T) {
	t.Parallel()
	_, outOfRange := strconv.Atoi("panic-canary") // an error that repeats what it was given
	for why, test := range map[string]struct {
		panic  any
		logged string
	}{
		"text may be a secret":            {"panic-canary", "panic with a string"},
		"so may an error":                 {outOfRange, "panic with a *strconv.NumError"},
		"the runtime's words are its own": {indexError(), "index out of range [3] with length 0"},
	} {
		w := newBrokenFixture(t, broken{panic: test.panic})
		r := w.wantError(arm.InternalServerError, w.do("GET", clusterID("x").String(), newest, nil, "X-Ms-Correlation-Request-Id", "correlation-7"))
		if contains(string(r.Body), "canary") || !contains(r.Message(), "correlation-7") || r.Header.Get("X-Ms-Request-Id") == "" || r.Header.Get("Retry-After") == "" {
			t.Error(why, r, r.Header)
		}
		w.want(200, w.do("GET", "/healthz/live", "", nil))
		if log := w.Logged(); contains(log, "canary") || !contains(log, test.logged) || !contains(log, "service_test.go") {
			t.Errorf("%s: want %q and the stack in\n%s", why, test.logged, log)
		}
	}
}

// indexError is what the runtime panics with.
func indexError() (fault any) {
	defer func() { fault = recover() }()
	var empty []int
	at := 3
	return empty[at]
}

func TestDrain(t *testing.T) {
	t.Parallel()
	st := openStore(t)
	s := edge.Must(t, edge.Options{Config: server.Config{Store: st}, HTTP: httpserver.Config{DrainDelay: 600 * time.Millisecond, NoticeDelay: 300 * time.Millisecond}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	var kept, closed int // of answers while it drains
	get := func() int {
		r, err := http.Get(base + "/healthz/ready")
		if err != nil {
			return 0
		}
		_ = r.Body.Close()
		if r.StatusCode == 503 && r.Close {
			closed++
		} else if r.StatusCode == 503 && closed == 0 {
			kept++
		}
		return r.StatusCode
	}
	if got := get(); got != 200 {
		t.Fatalf("ready is %d", got)
	}
	// A request whose body is still coming when the server stops is finished.
	body, feed := io.Pipe()
	slow := make(chan int, 1)
	go func() {
		req, _ := http.NewRequest(http.MethodPut, base+"/subscriptions/"+subscription+"?api-version=2.0", body)
		req.Header.Set("Content-Type", "application/json")
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			slow <- 0
			return
		}
		_ = r.Body.Close()
		slow <- r.StatusCode
	}()
	if _, err := feed.Write([]byte(`{"state":`)); err != nil {
		t.Fatal(err)
	}
	cancel()
	for deadline := time.Now().Add(5 * time.Second); get() != 503; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a draining server says it is ready")
		}
	}
	for deadline := time.Now().Add(5 * time.Second); get() != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it goes on accepting")
		}
	}
	if kept == 0 || closed == 0 {
		t.Errorf("a draining server kept the connection after %d answers, then closed it after %d", kept, closed)
	}
	_, _ = feed.Write([]byte(`"Registered"}`))
	_ = feed.Close()
	if got := <-slow; got != 201 {
		t.Errorf("the running request got %d", got)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if doc, err := st.Subscriptions.Get(t.Context(), subscription, subscription); err != nil || doc.Subscription.State != model.Registered {
		t.Errorf("the running request was lost: %v", err)
	}
}

// lossy is a driver whose replaces are applied but not acknowledged.
type lossy struct {
	store.Driver
	lose atomic.Bool
}

func (l *lossy) Replace(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	written, err := l.Driver.Replace(ctx, c, r)
	if err == nil && l.lose.Load() {
		return store.Record{}, store.ErrUnavailable
	}
	return written, err
}

func TestAWriteThatMayHaveHappenedKeepsItsOperation(t *testing.T) {
	t.Parallel()
	l := &lossy{}
	st := openStore(t, func(k store.Driver) store.Driver { l.Driver = k; return l })
	w := newFixture(t, func(c *edge.Options) { c.Store = st })
	id := w.ready(newest, "lossy")
	work := harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": "next"}}}
	l.lose.Store(true)
	w.wantError(arm.ServiceUnavailable, w.do("PATCH", id.String(), newest, work))
	l.lose.Store(false)
	again := w.want(200, w.do("PATCH", id.String(), newest, work))
	if r := w.want(200, w.do("GET", again.Header.Get("Azure-AsyncOperation"), "", nil)); r.Text("status") != "Updating" {
		t.Errorf("a repeated request does not find the operation that runs: %v", r)
	}
}
