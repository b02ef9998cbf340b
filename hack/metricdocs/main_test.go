package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/aro-rp/aro/metrics"
)

var root = filepath.Join("..", "..")

func sourceOf(t *testing.T) *source {
	t.Helper()
	found, err := scan(root)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDocumentationIsFresh(t *testing.T) {
	want, err := document(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/metrics.md is stale: run make generate (%v)", err)
	}
}

// template is a name with its unknown parts as one letter.
var unknown = regexp.MustCompile(`<[a-z]+>`)

func TestWhatIsSentIsDeclaredAndWhatIsDeclaredIsSent(t *testing.T) {
	found := sourceOf(t)
	service, clusters := metrics.Catalogue()
	sentAt := map[string]bool{}
	for _, s := range found.sent {
		name := unknown.ReplaceAllString(s.name, "x")
		if name == "x" { // a function that passes names on
			continue
		}
		m, ok := metrics.Find(name)
		if !ok {
			t.Errorf("%s: metric %s is not declared in metrics/catalogue.go", s.at, s.name)
		}
		sentAt[m.Name] = true
	}
	for _, m := range slices.Concat(service, clusters) {
		if !sentAt[m.Name] {
			t.Errorf("%s is declared in metrics/catalogue.go, and nothing emits it", m.Name)
		}
		if m.Meaning == "" || m.Unit == "" || m.By == "" {
			t.Errorf("%s is declared without meaning, unit or process", m.Name)
		}
	}
}

// published are names that existing dashboards of clusters read.
var published = []string{"aro_pullsecret_remediation"}

func TestPrometheusConventions(t *testing.T) {
	var families []*dto.MetricFamily
	types := map[string]dto.MetricType{"counter": dto.MetricType_COUNTER, "gauge": dto.MetricType_GAUGE, "histogram": dto.MetricType_HISTOGRAM}
	for _, m := range sourceOf(t).exposed {
		if !strings.HasPrefix(m.name, "aro_") {
			t.Errorf("%s does not begin with aro_", m.name)
		}
		if slices.Contains(published, m.name) {
			continue
		}
		kind := types[m.kind]
		families = append(families, &dto.MetricFamily{Name: &m.name, Help: &m.help, Type: &kind, Metric: []*dto.Metric{{}}})
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsThatCannotBeReadAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"options in a variable": `prometheus.NewCounter(options)`,
		"a name in parts":       `prometheus.NewCounter(prometheus.CounterOpts{Namespace: "aro", Name: "x_total", Help: "X."})`,
		"no help":               `prometheus.NewGauge(prometheus.GaugeOpts{Name: "aro_x"})`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n\nvar x = "+body+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := scan(dir); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
