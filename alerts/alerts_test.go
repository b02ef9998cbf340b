package alerts

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// rules are the alerts by their names.
func rules(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile("rules.yaml", false, model.UTF8Validation)
	for _, err := range errs {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
	all := map[string]rulefmt.Rule{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if all[r.Alert].Alert != "" {
				t.Errorf("%s is there twice", r.Alert)
			}
			all[r.Alert] = r
		}
	}
	return all
}

// testCase has the samples of a case, one a minute, in the notation of promtool.
type testCase struct {
	alert, what string
	series      []string
	// fires is the minute from which the alert fires, -1 for never within the case.
	fires int
	// labels are those that it has then.
	labels string
}

// cases has for each alert one case in which it fires, at the minute that its rule says,
// and one in which it does not.
var cases = []testCase{
	{"AROProcessDown", "a process stops", []string{`up{job="aro-rp",instance="a"} 1x3 0x20`, `up{job="aro-rp",instance="b"} 1x30`, `up{job="other",instance="a"} 0x30`}, 9, `{instance="a", job="aro-rp"}`},
	{"AROProcessDown", "a restart", []string{`up{job="aro-rp",instance="a"} 1x3 0x3 1x20`}, -1, ``},
	{"AROMetricsLost", "lost metrics", []string{`aro_mdm_lost_total{job="aro-monitor",kind="clusters",reason="dropped"} 0x2 1+5x40`}, 18, `{job="aro-monitor", reason="dropped"}`},
	{"AROMetricsLost", "some were lost once", []string{`aro_mdm_lost_total{job="aro-monitor",kind="clusters",reason="dropped"} 0x2 9x40`}, -1, ``},
	{"AROServerErrors", "a tenth fails", []string{`aro_http_requests_total{job="aro-rp",status="200"} 0+90x30`, `aro_http_requests_total{job="aro-rp",status="503"} 0+10x30`}, 11, `{job="aro-rp"}`},
	{"AROServerErrors", "clients are wrong", []string{`aro_http_requests_total{job="aro-rp",status="400"} 0+90x30`, `aro_http_requests_total{job="aro-rp",status="500"} 0+1x30`}, -1, ``},
	{"AROServerSlow", "an operation is slow", []string{`aro_http_request_duration_seconds_bucket{job="aro-rp",operation="O",le="2.5"} 0+90x30`, `aro_http_request_duration_seconds_bucket{job="aro-rp",operation="O",le="10"} 0+100x30`, `aro_http_request_duration_seconds_bucket{job="aro-rp",operation="O",le="+Inf"} 0+100x30`}, 11, `{job="aro-rp"}`},
	{"AROServerSlow", "a probe is slow", []string{`aro_http_request_duration_seconds_bucket{job="aro-rp",operation="Healthz_Ready",le="2.5"} 0x30`, `aro_http_request_duration_seconds_bucket{job="aro-rp",operation="Healthz_Ready",le="10"} 0+100x30`, `aro_http_request_duration_seconds_bucket{job="aro-rp",operation="Healthz_Ready",le="+Inf"} 0+100x30`}, -1, ``},
	{"AROOperationsFail", "half of the creates fail", []string{`aro_backend_operations_total{kind="Create",result="failed"} 0+1x60`, `aro_backend_operations_total{kind="Create",result="succeeded"} 0+1x60`}, 8, `{kind="Create"}`},
	{"AROOperationsFail", "the only one fails", []string{`aro_backend_operations_total{kind="Create",result="failed"} 0x3 1x60`, `aro_backend_operations_total{kind="Create",result="succeeded"} 0x60`}, -1, ``},
	{"AROOperationsWait", "no worker is free", []string{`aro_backend_pickup_delay_seconds_bucket{le="60"} 0x40`, `aro_backend_pickup_delay_seconds_bucket{le="300"} 0+10x40`, `aro_backend_pickup_delay_seconds_bucket{le="+Inf"} 0+10x40`}, 11, `{}`},
	{"AROOperationsWait", "work is picked up", []string{`aro_backend_pickup_delay_seconds_bucket{le="60"} 0+10x40`, `aro_backend_pickup_delay_seconds_bucket{le="300"} 0+10x40`, `aro_backend_pickup_delay_seconds_bucket{le="+Inf"} 0+10x40`}, -1, ``},
	{"AROLeasesLost", "a lease a minute", []string{`aro_backend_lost_leases_total{job="aro-rp"} 0+1x40`}, 6, `{job="aro-rp"}`},
	{"AROLeasesLost", "one was lost", []string{`aro_backend_lost_leases_total{job="aro-rp"} 0x9 1x40`}, -1, ``},
	{"ARODocumentUnreadable", "one is due", []string{`aro_store_unreadable_documents_total{container="Clusters",met="due"} 0x4 1x40`}, 5, `{container="Clusters"}`},
	{"ARODocumentUnreadable", "a client reads one", []string{`aro_store_unreadable_documents_total{container="Clusters",met="read"} 0+1x40`}, -1, ``},
	{"AROAzureFails", "no answers", []string{`aro_azure_requests_total{service="arm",status="none"} 0+5x40`, `aro_azure_requests_total{service="arm",status="2xx"} 0+5x40`}, 11, `{service="arm"}`},
	{"AROAzureFails", "refusals", []string{`aro_azure_requests_total{service="arm",status="4xx"} 0+5x40`, `aro_azure_requests_total{service="arm",status="2xx"} 0+5x40`}, -1, ``},
	{"AROAzureThrottled", "a tenth is refused", []string{`aro_azure_throttled_total{service="arm",method="PUT"} 0+1x40`, `aro_azure_requests_total{service="arm",method="PUT"} 0+10x40`}, 16, `{service="arm"}`},
	{"AROAzureThrottled", "hardly any is", []string{`aro_azure_throttled_total{service="arm",method="PUT"} 0+1x40`, `aro_azure_requests_total{service="arm",method="PUT"} 0+100x40`}, -1, ``},
	{"AROCosmosFails", "no answers", []string{`aro_cosmos_requests_total{container="Clusters",status="0"} 0+1x30`, `aro_cosmos_requests_total{container="Clusters",status="200"} 0+9x30`}, 6, `{}`},
	{"AROCosmosFails", "conflicts", []string{`aro_cosmos_requests_total{container="Clusters",status="412"} 0+9x30`, `aro_cosmos_requests_total{container="Clusters",status="200"} 0+1x30`}, -1, ``},
	{"AROCosmosThrottled", "a tenth is refused", []string{`aro_cosmos_throttled_total{container="Clusters"} 0+1x30`, `aro_cosmos_requests_total{container="Clusters",status="429"} 0+1x30`, `aro_cosmos_requests_total{container="Clusters",status="200"} 0+9x30`}, 11, `{container="Clusters"}`},
	{"AROCosmosThrottled", "none is", []string{`aro_cosmos_throttled_total{container="Clusters"} 5x30`, `aro_cosmos_requests_total{container="Clusters",status="200"} 0+9x30`}, -1, ``},
	{"AROClustersUnwatched", "a monitor is gone", []string{`aro_monitor_clusters{instance="a",state="all"} 100x30`, `aro_monitor_clusters{instance="a",state="mine"} 50x30`, `aro_monitor_clusters{instance="b",state="mine"} 50x2 stale`}, 8, `{}`},
	{"AROClustersUnwatched", "all are watched", []string{`aro_monitor_clusters{instance="a",state="all"} 100x30`, `aro_monitor_clusters{instance="a",state="mine"} 60x30`, `aro_monitor_clusters{instance="b",state="all"} 100x30`, `aro_monitor_clusters{instance="b",state="mine"} 40x30`}, -1, ``},
	{"AROChecksLate", "checks are late", []string{`aro_monitor_look_interval_seconds_bucket{le="180"} 0+90x40`, `aro_monitor_look_interval_seconds_bucket{le="240"} 0+100x40`, `aro_monitor_look_interval_seconds_bucket{le="+Inf"} 0+100x40`}, 16, `{}`},
	{"AROChecksLate", "checks are in time", []string{`aro_monitor_look_interval_seconds_bucket{le="60"} 0+90x40`, `aro_monitor_look_interval_seconds_bucket{le="75"} 0+100x40`, `aro_monitor_look_interval_seconds_bucket{le="+Inf"} 0+100x40`}, -1, ``},
	{"AROClustersUnreachable", "a third does not answer", []string{`aro_monitor_looks_total{result="unreachable"} 0+1x40`, `aro_monitor_looks_total{result="well"} 0+2x40`}, 16, `{}`},
	{"AROClustersUnreachable", "a tenth does not", []string{`aro_monitor_looks_total{result="unreachable"} 0+1x40`, `aro_monitor_looks_total{result="well"} 0+9x40`}, -1, ``},
}

const minutes = 40

func TestAlertsFireWhenTheyShould(t *testing.T) {
	all := rules(t)
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	seen := map[string][2]bool{}
	for _, c := range cases {
		r, ok := all[c.alert]
		if !ok {
			t.Errorf("there is no alert %s", c.alert)
			continue
		}
		s := seen[c.alert]
		if c.fires >= 0 {
			s[0] = true
		} else {
			s[1] = true
		}
		seen[c.alert] = s
		t.Run(c.alert+"/"+c.what, func(t *testing.T) {
			at, labels := firing(t, engine, r, c.series)
			if at != c.fires || labels != c.labels {
				t.Errorf("fires from minute %d with %s, want %d with %s", at, labels, c.fires, c.labels)
			}
		})
	}
	for name := range all {
		if seen[name] != [2]bool{true, true} {
			t.Errorf("%s needs a case in which it fires and one in which it does not", name)
		}
	}
}

// firing evaluates a rule once a minute, as Prometheus does: it fires when its expression
// has had the same series for as long as the rule says.
func firing(t *testing.T, engine *promql.Engine, r rulefmt.Rule, series []string) (minute int, labels string) {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n  "+strings.Join(series, "\n  "))
	defer func() { _ = storage.Close() }()
	since := map[string]int{}
	for m := range minutes {
		query, err := engine.NewInstantQuery(context.Background(), storage, nil, r.Expr, time.Unix(0, 0).Add(time.Duration(m)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		vector, err := query.Exec(context.Background()).Vector()
		if err != nil {
			t.Fatal(err)
		}
		pending := map[string]int{}
		for _, sample := range vector {
			key := sample.Metric.DropReserved(func(name string) bool { return name == "__name__" }).String()
			pending[key] = m
			if began, ok := since[key]; ok {
				pending[key] = began
			}
			if time.Duration(m-pending[key])*time.Minute >= time.Duration(r.For) {
				return m, key
			}
		}
		query.Close()
		since = pending
	}
	return -1, ""
}

// declared are the metrics for Prometheus in docs/metrics.md, which a test of the root
// module compares with the source.
func declared(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Prometheus\n")
	table, _, _ = strings.Cut(table, "\n## ")
	all := map[string]string{"up": "job instance"} // Prometheus' own
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\w+) \\| ([^|]*) \\|").FindAllStringSubmatch(table, -1) {
		labels := strings.NewReplacer("`", "", ",", "").Replace(row[3]) + " job instance"
		if row[2] != "histogram" {
			all[row[1]] = labels
			continue
		}
		all[row[1]+"_bucket"], all[row[1]+"_count"], all[row[1]+"_sum"] = labels+" le", labels, labels
	}
	if len(all) < 10 {
		t.Fatalf("docs/metrics.md has %d metrics", len(all))
	}
	return all
}

// checkExpression reports metrics and labels that are not declared.
func checkExpression(t *testing.T, where, expression string, known map[string]string) {
	t.Helper()
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		selector, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		labels, ok := known[selector.Name]
		if !ok {
			t.Errorf("%s: %s is not in docs/metrics.md", where, selector.Name)
		}
		for _, m := range selector.LabelMatchers {
			if m.Name != "__name__" && !slices.Contains(strings.Fields(labels), m.Name) {
				t.Errorf("%s: %s has no label %s", where, selector.Name, m.Name)
			}
		}
		return nil
	})
}

func TestAlertsNameDeclaredMetricsAndWhatToDo(t *testing.T) {
	known := declared(t)
	for name, r := range rules(t) {
		checkExpression(t, name, r.Expr, known)
		if r.Annotations["summary"] == "" || r.Annotations["action"] == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s needs a summary, an action and a severity", name)
		}
	}
}

// dashboard is what the test reads of Grafana's model.
type dashboard struct {
	Title  string
	UID    string
	Panels []struct {
		Type, Title string
		ID          int
		GridPos     struct{ H, W, X, Y int }
		Targets     []struct{ Expr, RefID string }
	}
}

func TestDashboardNamesDeclaredMetrics(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	known, ids := declared(t), map[int]bool{}
	// Grafana's variables, as it fills them in.
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", ".+")
	queries := 0
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q: an id of its own, a title and 24 columns are needed", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			queries++
			checkExpression(t, p.Title, variables.Replace(target.Expr), known)
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
	}
	if d.UID == "" || d.Title == "" || queries < 10 {
		t.Errorf("the dashboard %q has %d queries", d.Title, queries)
	}
}
