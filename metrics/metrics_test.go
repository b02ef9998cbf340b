package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const patience = 20 * time.Second

// reader is an agent on a socket in a directory with a short name.
func reader(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mdm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// next is one datagram.
func next(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	text := make([]byte, 64<<10)
	n, err := conn.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func run(t *testing.T, s *StatsD) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestLinesAreAsTheAgentReadsThem(t *testing.T) {
	at := time.Date(2026, 11, 30, 5, 6, 7, 89_000_000, time.FixedZone("", 3600))
	for name, test := range map[string]struct {
		options Options
		emit    func(Emitter)
		want    string
	}{
		"gauge": {Options{Dimensions: map[string]string{"location": "eastus"}}, func(e Emitter) { e.EmitGauge("a.b", 42, map[string]string{"k": "v"}) },
			`{"Metric":"a.b","Account":"*","Namespace":"*","Dims":{"k":"v","location":"eastus"},"TS":"2026-11-30T04:06:07.089"}:42|g`},
		"float":       {Options{}, func(e Emitter) { e.EmitFloat("f", 5, nil) }, `{"Metric":"f","Account":"*","Namespace":"*","Dims":{},"TS":"2026-11-30T04:06:07.089"}:5.000000|f`},
		"account":     {Options{Account: "acc", Namespace: "ns"}, func(e Emitter) { e.EmitGauge("g", -1, nil) }, `{"Metric":"g","Account":"acc","Namespace":"ns","Dims":{},"TS":"2026-11-30T04:06:07.089"}:-1|g`},
		"common wins": {Options{Dimensions: map[string]string{"k": "common"}}, func(e Emitter) { e.EmitGauge("g", 1, map[string]string{"k": "mine"}) }, `{"Metric":"g","Account":"*","Namespace":"*","Dims":{"k":"common"},"TS":"2026-11-30T04:06:07.089"}:1|g`},
		"escaped":     {Options{}, func(e Emitter) { e.EmitGauge("g", 1, map[string]string{"m": "a<b>&\"\n"}) }, `{"Metric":"g","Account":"*","Namespace":"*","Dims":{"m":"a\u003cb\u003e\u0026\"\n"},"TS":"2026-11-30T04:06:07.089"}:1|g`},
		"added by With": {Options{}, func(e Emitter) {
			With(e, map[string]string{"z": "1", "k": "w"}).EmitGauge("g", 1, map[string]string{"k": "v"})
		}, `{"Metric":"g","Account":"*","Namespace":"*","Dims":{"k":"w","z":"1"},"TS":"2026-11-30T04:06:07.089"}:1|g`},
	} {
		t.Run(name, func(t *testing.T) {
			path := socket(t)
			agent := reader(t, path)
			test.options.Address, test.options.Now = Address{"unixgram", path}, func() time.Time { return at }
			s := New(test.options)
			run(t, s)
			test.emit(s)
			got := next(t, agent)
			if got != test.want+"\n" {
				t.Errorf("got  %swant %s\n", got, test.want)
			}
			line, err := Parse([]byte(got))
			if err != nil || !line.Time.Equal(at) || line.Metric == "" || line.Account == "" {
				t.Errorf("it reads as %+v, %v", line, err)
			}
		})
	}
}

// TestLinesAreWhatTheJSONLibraryWrites compares with encoding/json, which escapes what is not plain.
func TestLinesAreWhatTheJSONLibraryWrites(t *testing.T) {
	odd := []string{"", "plain ~ text", "quote\"", `back\slash`, "<a>&", "tab\t", "é\u2028", "\xff", "\x7f"}
	for i, text := range odd {
		h := head{Metric: "m" + text, Account: text, Namespace: odd[len(odd)-1-i], Dims: map[string]string{}, TS: "t"}
		for j, other := range odd {
			h.Dims[fmt.Sprint("d", j)+other] = text + other
		}
		wins := map[string]string{"d0": "wins", "z": text}
		whole := h
		whole.Dims = merged(h.Dims, wins)
		want, err := json.Marshal(whole)
		if got := string(h.text(wins, "1|g")); err != nil || got != string(want)+":1|g\n" {
			t.Errorf("got  %swant %s", got, want)
		}
	}
}

func BenchmarkEmit(b *testing.B) {
	s := New(Options{Dimensions: map[string]string{"location": "eastus", "Environment": "e"}})
	e := With(s, map[string]string{"resourceId": "/subscriptions/s/resourcegroups/g/c", "subscriptionId": "s", "resourceGroup": "g", "resourceName": "c"})
	b.ReportAllocs()
	for b.Loop() {
		e.EmitFloat("monitor.cluster.collector.duration", 0.0123, map[string]string{"collector": "emitNodeConditions"})
	}
}

func TestTheZeroTimeHasItsText(t *testing.T) {
	if got := (time.Time{}).UTC().Format(timeLayout); got != "0001-01-01T00:00:00.000" {
		t.Error(got)
	}
}

func TestWhatIsNoLineIsRefused(t *testing.T) {
	const head = `{"Metric":"a","Dims":{},"TS":"2026-11-30T04:06:07.089"}`
	for _, text := range []string{"", "a:1|g", head, head + "1|g", head + ":1", head + ":x|g", head + ":1|c", `{"Dims":{},"TS":"2026-11-30T04:06:07.089"}:1|g`, `{"Metric":"a","TS":"now"}:1|g`, `{"Metric":1}:1|g`} {
		if line, err := Parse([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q is read as %+v, %v", text, line, err)
		}
	}
	if line, err := Parse([]byte(head + ":1.5|f")); err != nil || line.Value != 1.5 || !line.Float {
		t.Errorf("%+v, %v", line, err)
	}
}

func TestTheMapOfTheCallerIsNeitherChangedNorKept(t *testing.T) {
	path := socket(t)
	agent := reader(t, path)
	s := New(Options{Address: Address{"unixgram", path}, Dimensions: map[string]string{"location": "eastus"}})
	dims := map[string]string{"k": "v"}
	s.EmitGauge("g", 1, dims)
	dims["k"] = "changed since"
	run(t, s)
	if got := next(t, agent); !strings.Contains(got, `"k":"v"`) || len(dims) != 1 {
		t.Errorf("sent %s, and the map is %v", got, dims)
	}
}

func TestAFullQueueDropsTheOldestAndNeverBlocks(t *testing.T) {
	path := socket(t)
	s := New(Options{Address: Address{"unixgram", path}, Queue: 3})
	for i := range 10 {
		s.EmitGauge(fmt.Sprintf("m%d", i), 1, nil)
	}
	if s.Lost(Dropped) != 7 {
		t.Errorf("%d were dropped, want 7", s.Lost(Dropped))
	}
	agent := reader(t, path)
	run(t, s)
	for _, want := range []string{"m7", "m8", "m9"} {
		if got := next(t, agent); !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	eventually(t, "3 are sent", func() bool { return s.Sent() == 3 })
	families := prometheus.NewPedanticRegistry()
	if err := errors.Join(s.Register(families, "service"), New(Options{}).Register(families, "clusters")); err != nil {
		t.Fatal(err)
	}
	if found, err := families.Gather(); err != nil || len(found) != 2 {
		t.Errorf("gathered %v, %v", found, err)
	}
}

func TestStaleMetricsAreNotSent(t *testing.T) {
	path := socket(t)
	agent := reader(t, path)
	now := time.Now()
	s := New(Options{Address: Address{"unixgram", path}, Now: func() time.Time { return now }})
	s.EmitGauge("old", 1, nil)
	now = now.Add(staleAfter + time.Second)
	s.EmitGauge("new", 1, nil)
	run(t, s)
	if got := next(t, agent); !strings.Contains(got, `"new"`) {
		t.Errorf("got %s", got)
	}
	if s.Lost(Stale) != 1 {
		t.Errorf("%d were stale", s.Lost(Stale))
	}
}

// TestAReaderThatIsRestartedIsFoundAgain: to a unix socket whose reader went away the
// connection answers "connection refused" or "not connected" for ever.
func TestAReaderThatIsRestartedIsFoundAgain(t *testing.T) {
	path := socket(t)
	agent := reader(t, path)
	s := New(Options{Address: Address{"unixgram", path}})
	run(t, s)
	s.EmitGauge("before", 1, nil)
	next(t, agent)
	_ = agent.Close()
	_ = os.Remove(path)
	s.EmitGauge("meanwhile", 1, nil)
	agent = reader(t, path)
	if got := next(t, agent); !strings.Contains(got, `"meanwhile"`) {
		t.Errorf("got %s", got)
	}
	s.EmitGauge("after", 1, nil)
	if got := next(t, agent); !strings.Contains(got, `"after"`) {
		t.Errorf("got %s", got)
	}
}

func TestEachLineIsADatagramEvenIfTheReaderIsSlow(t *testing.T) {
	path := socket(t)
	agent := reader(t, path)
	s := New(Options{Address: Address{"unixgram", path}})
	run(t, s)
	const many = 200 // a socket's queue has ten by default
	for i := range many {
		s.EmitGauge("m", int64(i), nil)
	}
	for i := range many {
		line, err := Parse([]byte(next(t, agent)))
		if err != nil || line.Value != float64(i) {
			t.Fatalf("datagram %d is %+v, %v", i, line, err)
		}
	}
}

func TestALineThatNoDatagramHoldsStandsInNobodysWay(t *testing.T) {
	path := socket(t)
	agent := reader(t, path)
	s := New(Options{Address: Address{"unixgram", path}})
	run(t, s)
	s.EmitGauge("huge", 1, map[string]string{"m": strings.Repeat("x", 4<<20)})
	s.EmitGauge("small", 1, nil)
	if got := next(t, agent); !strings.Contains(got, `"small"`) {
		t.Errorf("got %.100s", got)
	}
	if s.Lost(Unwritten) != 1 {
		t.Errorf("%d were not written", s.Lost(Unwritten))
	}
}

func TestRunEndsWhileNobodyListens(t *testing.T) {
	s := New(Options{Address: Address{"unixgram", socket(t)}, Optional: true})
	s.EmitGauge("m", 1, nil)
	stop := run(t, s)
	done := make(chan struct{})
	go func() { stop(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
}

func TestEveryMetricIsDeclaredOnce(t *testing.T) {
	seen := map[string]bool{}
	service, clusters := Catalogue()
	for _, m := range append(service, clusters...) {
		if seen[m.Name] {
			t.Errorf("%s is declared twice", m.Name)
		}
		seen[m.Name] = true
	}
}

func TestWhatIsNotDeclaredIsFound(t *testing.T) {
	for _, c := range []struct {
		name string
		dims map[string]string
		want string
	}{
		{"node.count", map[string]string{"role": "worker", "resourceId": "/x", "location": "eastus"}, ""},
		{"node.count", map[string]string{"rolle": "worker"}, "metric node.count is declared without the dimension rolle"},
		{"node.counts", nil, "metric node.counts is not declared in the catalogue"},
		{"backend.openshiftcluster.install.runInstaller.duration.seconds", nil, ""},
		{"backend.openshiftcluster.Creating", map[string]string{"fips": "Enabled"}, ""},
		{"cluster.nonstandard.operator.featureflags", map[string]string{"aro.any.enabled": "DNE"}, ""},
	} {
		got := ""
		if err := Undeclared(c.name, c.dims); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %v: %q, want %q", c.name, c.dims, got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"unix:/run/a:b": "unixgram /run/a:b", "UNIX:x": "unixgram x", "udp:127.0.0.1:8125": "udp 127.0.0.1:8125",
		"": "malformed", "socket": "malformed", "tcp:127.0.0.1:1": "unsupported protocol", ":x": "unsupported protocol", "unix:": "needs the path", "udp:host": "needs HOST:PORT",
	} {
		a, err := ParseAddress(text)
		got := a.Network + " " + a.Address
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
		if err == nil && !strings.EqualFold(a.String(), text) {
			t.Errorf("%q is written as %s", text, a)
		}
	}
}
