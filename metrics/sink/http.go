package sink

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// row is a series as the page shows it.
type row struct {
	Metric, Dims string
	Value        float64
	Age          string
	Count        uint64
}

// maxRows bounds the page; the JSON has all.
const maxRows = 2000

// ServeHTTP shows the series that contain each word of the parameter q: as a table, as
// JSON below series, or for Prometheus below metrics.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	words := strings.Fields(r.URL.Query().Get("q"))
	switch path.Base(r.URL.Path) {
	case "series":
		w.Header().Set("Content-Type", "application/json")
		found := s.Series(words...)
		if found == nil {
			found = []Series{}
		}
		_ = json.NewEncoder(w).Encode(found)
	case "metrics":
		registry := prometheus.NewRegistry()
		registry.MustRegister(exposition{s})
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).ServeHTTP(w, r)
	default:
		s.table(w, words)
	}
}

func (s *Sink) table(w http.ResponseWriter, words []string) {
	found := s.Series(words...)
	s.mu.Lock()
	shown := struct {
		Query                   string
		Lines, Malformed        uint64
		Series, Hidden, Refresh int
		Rows                    []row
	}{Query: strings.Join(words, " "), Lines: s.lines, Malformed: s.malformed, Series: len(found), Refresh: 5}
	s.mu.Unlock()
	shown.Hidden = max(0, len(found)-maxRows)
	for _, one := range found[:len(found)-shown.Hidden] {
		shown.Rows = append(shown.Rows, row{one.Metric, one.text(), one.Value, s.now().Sub(one.LastSeen).Truncate(time.Second).String(), one.Count})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
	_ = page.Execute(w, shown)
}

// exposition gives Prometheus the series. Which there are is not known before.
type exposition struct{ sink *Sink }

// Describe implements prometheus.Collector: it describes nothing.
func (exposition) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (e exposition) Collect(ch chan<- prometheus.Metric) {
	for _, one := range e.sink.Series() {
		labels, values := []string{}, []string{}
		seen := map[string]bool{}
		for name, value := range one.Dims {
			if name = promName(name); !seen[name] {
				seen[name] = true
				labels, values = append(labels, name), append(values, value)
			}
		}
		m, err := prometheus.NewConstMetric(prometheus.NewDesc(promName(one.Metric), "The last value of "+one.Metric+".", labels, nil), prometheus.GaugeValue, one.Value, values...)
		if err == nil {
			ch <- m
		}
	}
}

var notPromName = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// promName is a name as Prometheus allows it.
func promName(name string) string {
	name = notPromName.ReplaceAllString(name, "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}
