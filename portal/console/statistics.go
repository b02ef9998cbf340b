package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	prometheus "github.com/prometheus/client_golang/api"
	api "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/aro-rp/aro/arm"
)

// Topic is a part of a cluster, and the charts that show how it is.
type Topic struct {
	Name, Title string
	Charts      []Chart
}

// Chart is a query that is drawn.
type Chart struct{ Title, Query string }

// Topics are those that people look at when a cluster is slow, with the queries that answer why.
var Topics = []Topic{
	{"api", "API server", []Chart{
		{"Errors by code and verb, a second", `sum by (code, verb) (rate(apiserver_request_total{job="apiserver",code=~"[45].."}[10m]))`},
		{"Processor, cores", `rate(process_cpu_seconds_total{job="apiserver"}[5m])`},
		{"Memory, bytes", `process_resident_memory_bytes{job="apiserver"}`},
		{"Time of requests by verb, 99th percentile, seconds", `histogram_quantile(0.99, sum by (verb, le) (rate(apiserver_request_duration_seconds_bucket{job="apiserver",verb!~"WATCH|CONNECT"}[5m])))`},
	}},
	{"etcd", "etcd", []Chart{
		{"Commit to disk, 99th percentile, seconds", `histogram_quantile(0.99, sum by (instance, le) (rate(etcd_disk_backend_commit_duration_seconds_bucket[5m])))`},
		{"Write of the log, 99th percentile, seconds", `histogram_quantile(0.99, sum by (instance, le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket[5m])))`},
		{"Size of the database, bytes", `etcd_mvcc_db_total_size_in_bytes`},
		{"Changes of the leader in an hour", `increase(etcd_server_leader_changes_seen_total[1h])`},
	}},
	{"kcm", "Controllers", []Chart{
		{"Answers to requests by code, a second", `sum by (code) (rate(rest_client_requests_total{job="kube-controller-manager"}[5m]))`},
		{"Processor, cores", `rate(process_cpu_seconds_total{job="kube-controller-manager"}[5m])`},
		{"Memory, bytes", `process_resident_memory_bytes{job="kube-controller-manager"}`},
	}},
	{"dns", "DNS", []Chart{
		{"Answers by code, a second", `sum by (rcode) (rate(coredns_dns_responses_total[5m]))`},
		{"Errors for each answer without error, by pod", `sum by (pod) (rate(coredns_dns_responses_total{rcode=~"SERVFAIL|NXDOMAIN"}[5m])) / sum by (pod) (rate(coredns_dns_responses_total{rcode="NOERROR"}[5m]))`},
		{"Health checks, 99th percentile, seconds", `histogram_quantile(0.99, sum by (le) (rate(coredns_health_request_duration_seconds_bucket[5m])))`},
		{"Forwarded requests, 95th percentile, seconds", `histogram_quantile(0.95, sum by (le) (rate(coredns_forward_request_duration_seconds_bucket[5m])))`},
		{"All requests, 95th percentile, seconds", `histogram_quantile(0.95, sum by (le) (rate(coredns_dns_request_duration_seconds_bucket[5m])))`},
	}},
	{"ingress", "Ingress", []Chart{
		{"Conditions of the ingress controllers", `sum by (condition) (ingress_controller_conditions)`},
	}},
	{"operator", "ARO operator", []Chart{
		{"Reconciliations by controller and result, a second", `sum by (controller, result) (rate(controller_runtime_reconcile_total{namespace="openshift-azure-operator"}[5m]))`},
		{"Time of reconciliations by controller, 99th percentile, seconds", `histogram_quantile(0.99, sum by (controller, le) (rate(controller_runtime_reconcile_time_seconds_bucket{namespace="openshift-azure-operator"}[5m])))`},
	}},
}

// Statistics are the charts of one topic.
type Statistics struct {
	Query
	Topic Topic
	// Answers are in the order of the topic's charts.
	Answers []Answer
	// Problem is why there are none.
	Problem string
}

// ReadStatistics reads the form.
func ReadStatistics(form url.Values, now time.Time) (Statistics, error) {
	q, err := Read(url.Values{"span": form["span"], "end": form["end"]}, now)
	if err != nil {
		return Statistics{}, err
	}
	name := cmp.Or(form.Get("topic"), Topics[0].Name)
	i := slices.IndexFunc(Topics, func(t Topic) bool { return t.Name == name })
	if i < 0 {
		var names []string
		for _, t := range Topics {
			names = append(names, t.Name)
		}
		return Statistics{}, arm.InvalidParameter.At("topic", "The topic must be one of %s.", strings.Join(names, ", "))
	}
	return Statistics{Query: q, Topic: Topics[i]}, nil
}

// Ask sends the queries of the topic to the Prometheus to which transport connects, all at once.
func (s *Statistics) Ask(ctx context.Context, transport http.RoundTripper) {
	s.Answers = make([]Answer, len(s.Topic.Charts))
	var all sync.WaitGroup
	for i, chart := range s.Topic.Charts {
		q := s.Query
		q.Text = chart.Query
		all.Go(func() { s.Answers[i] = draw(ctx, transport, q) })
	}
	all.Wait()
}

// draw asks for the lines of a query only.
func draw(ctx context.Context, transport http.RoundTripper, q Query) Answer {
	a := Answer{Query: q}
	client, err := prometheus.NewClient(prometheus.Config{Address: "http://prometheus", RoundTripper: limited{transport}})
	if err != nil {
		a.Problem = err.Error()
		return a
	}
	value, warnings, _, err := api.NewAPI(client).QueryRange(ctx, q.Text, api.Range{Start: q.from, End: q.to, Step: q.step()})
	if err != nil {
		a.Problem = why(err)
		return a
	}
	a.Warnings = warnings
	a.lines(value)
	return a
}

// console is the address of the console with a chart's query, beside the page of statistics.
func (a Answer) console() string {
	return "prometheus?" + url.Values{"query": {a.Text}, "span": {a.Span}, "end": {a.End}}.Encode()
}

// FromGraph is the form of the console for the address of a graph of Prometheus' own pages.
func FromGraph(graph url.Values) url.Values {
	form := url.Values{"query": {graph.Get("g0.expr")}}
	if span := graph.Get("g0.range_input"); slices.Contains(Spans, span) {
		form.Set("span", span)
	}
	if end, err := time.Parse("2006-01-02 15:04:05", graph.Get("g0.end_input")); err == nil {
		form.Set("end", end.Format(endLayout))
	}
	return form
}

// of is the address of another topic in the same range.
func (s Statistics) of(t Topic) string {
	return "statistics?" + url.Values{"topic": {t.Name}, "span": {s.Span}, "end": {s.End}}.Encode()
}
