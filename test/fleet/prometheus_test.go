package fleet

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// watcher is a Prometheus that scrapes processes of the service and evaluates the alert rules.
type watcher struct {
	testing.TB
	origin string
}

// free is an address at which nothing listens.
func free(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// watch starts Prometheus on the targets of each job.
func watch(t testing.TB, jobs map[string][]string) *watcher {
	t.Helper()
	dir, address := t.TempDir(), free(t)
	rules, err := filepath.Abs("../../alerts/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := "global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 5s}\nrule_files: [" + rules + "]\nscrape_configs:\n"
	for job, targets := range jobs {
		config += fmt.Sprintf("- job_name: %s\n  static_configs: [{targets: [%s]}]\n", job, strings.Join(targets, ", "))
	}
	program, file := filepath.Join(dir, "aro-prometheus"), filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../../prometheus"
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	cmd := exec.Command(program, "-listen", address, "-config", file, "-data", filepath.Join(dir, "data"))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &watcher{t, "http://" + address}
}

// ask reads the API; ok is false without an answer.
func (w *watcher) ask(path string, query url.Values, into any) (ok bool) {
	w.Helper()
	res, err := http.Get(w.origin + "/api/v1/" + path + "?" + query.Encode())
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	answer := struct {
		Error string
		Data  any
	}{Data: into}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Error != "" {
		w.Errorf("%s %v: %v %s", path, query, err, answer.Error)
		return false
	}
	return true
}

// fires are the instances for which an alert fires.
func (w *watcher) fires(name string) (instances []string) {
	w.Helper()
	var found struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	w.ask("alerts", nil, &found)
	for _, a := range found.Alerts {
		if a.State == "firing" && a.Labels["alertname"] == name {
			instances = append(instances, a.Labels["instance"])
		}
	}
	return instances
}

// series is the number of series of a query.
func (w *watcher) series(query string) int {
	w.Helper()
	var found struct{ Result []any }
	w.ask("query", url.Values{"query": {query}}, &found)
	return len(found.Result)
}

var metricName = regexp.MustCompile(`\baro_\w+`)

// shows runs the queries of the dashboard. Each of whose metrics there is a sample has an answer.
func (w *watcher) shows() (answered int) {
	w.Helper()
	text, err := os.ReadFile("../../alerts/dashboard.json")
	if err != nil {
		w.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		w.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			query := strings.NewReplacer("$__rate_interval", "1m", "$job", ".+").Replace(target.Expr)
			there := true
			for _, name := range metricName.FindAllString(query, -1) {
				there = there && w.series(name) > 0
			}
			found := w.series(query)
			if there && found == 0 && !strings.Contains(query, `!="done"`) { // no step fails here
				w.Errorf("panel %q is empty: %s", panel.Title, query)
			}
			w.Logf("panel %q: %d series", panel.Title, found)
			if found > 0 {
				answered++
			}
		}
	}
	return answered
}

// TestPrometheusWatchesTheService has Prometheus scrape two monitors and a resource provider, kills a
// monitor until the rule for that fires, for as long as it says, and starts it again.
func TestPrometheusWatchesTheService(t *testing.T) {
	if !*long {
		t.Skip("an alert fires after five minutes: -args -long")
	}
	binary, err := harness.Build()
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, 30, settings{Interval: 2 * time.Second, Lease: 4 * time.Second, Feed: 100 * time.Millisecond, Budget: 50 * time.Second, Socket: "mdm"})
	rp := harness.Start(t, harness.Options{Binary: binary, Store: "sqlite:" + f.settings.Store, ControlPlanes: harness.NewControlPlanes(t, harness.Behaviour{}).Address,
		Args: []string{"--encryption-keys", f.settings.Keys}})
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "created", Name: "one"}
	reply, err := harness.NewClient(rp.URL, nil).Do(t.Context(), harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, "eastus")})
	if err != nil || reply.Status != http.StatusCreated {
		t.Fatal(reply, err)
	}
	addresses, kills := map[string]string{"a": free(t), "b": free(t)}, map[string]func(){}
	for name, address := range addresses {
		f.settings.Listen = address
		kills[name] = f.start(name)
	}
	w := watch(t, map[string][]string{"aro-rp": {strings.TrimPrefix(rp.URL, "http://")}, "aro-monitor": {addresses["a"], addresses["b"]}})
	f.eventually("Prometheus scrapes all processes", func() bool { return w.series("up == 1") == 3 })
	f.shared(2)
	for _, query := range []string{"rate(aro_http_requests_total[1m])", "rate(aro_backend_operation_duration_seconds_count[1m])", "rate(aro_monitor_look_interval_seconds_count[1m])", "rate(aro_mdm_sent_total[1m])", "rate(aro_kubernetes_requests_total[1m])"} {
		within(t, 2*time.Minute, "there is "+query, func() bool { return w.series(query) > 0 })
	}
	if n := w.shows(); n < 20 {
		t.Errorf("%d queries of the dashboard have an answer", n)
	}
	if found := w.fires("AROProcessDown"); len(found) > 0 {
		t.Errorf("all processes run, and the alert fires for %q", found)
	}
	killed := time.Now()
	kills["b"]()
	within(t, 7*time.Minute, "the alert fires", func() bool { found := w.fires("AROProcessDown"); return len(found) == 1 && found[0] == addresses["b"] })
	t.Logf("AROProcessDown fires %s after the kill", time.Since(killed).Round(time.Second))
	f.settings.Listen = addresses["b"]
	started := time.Now()
	f.start("b")
	within(t, time.Minute, "the alert ends", func() bool { return len(w.fires("AROProcessDown")) == 0 })
	t.Logf("it ends %s after the start", time.Since(started).Round(time.Second))
}

func within(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !is(); time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
