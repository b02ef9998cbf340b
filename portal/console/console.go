// Package console is the page on which people query the Prometheus of a cluster: the query, its
// graph and its table. It knows no cluster: its caller connects.
package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	prometheus "github.com/prometheus/client_golang/api"
	api "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/aro-rp/aro/arm"
)

const (
	// points is how many a line of the graph has at most; Prometheus refuses more than 11,000.
	points = 300
	// leastStep is how often OpenShift's Prometheus scrapes.
	leastStep = 15 * time.Second
	// shownLines and shownRows bound the graph and the table, and maxAnswer the bytes of any answer.
	shownLines, shownRows = 20, 500
	maxAnswer             = 32 << 20
	maxQuery              = 10 << 10
	defaultSpan           = "1h"
	endLayout             = "2006-01-02T15:04" // of a field for a local time
)

// Spans are the lengths of time that can be chosen.
var Spans = []string{"5m", "15m", "1h", "6h", "1d", "1w", "2w", "4w"}

// Query is the form.
type Query struct {
	Text string
	// Span is one of Spans, and End the last time; "" is now.
	Span, End string

	from, to time.Time
}

// Read reads the form.
func Read(form url.Values, now time.Time) (Query, error) {
	q := Query{Text: strings.TrimSpace(form.Get("query")), Span: cmp.Or(form.Get("span"), defaultSpan), End: strings.TrimSpace(form.Get("end")), to: now.UTC()}
	if len(q.Text) > maxQuery {
		return q, arm.InvalidParameter.At("query", "The query must have at most %d bytes.", maxQuery)
	}
	if !slices.Contains(Spans, q.Span) {
		return q, arm.InvalidParameter.At("span", "The range must be one of %s.", strings.Join(Spans, ", "))
	}
	span, err := model.ParseDuration(q.Span)
	if err != nil {
		return q, err
	}
	if q.End != "" {
		if q.to, err = time.Parse(endLayout, q.End); err != nil {
			return q, arm.InvalidParameter.At("end", "The end must be as 2026-01-31T15:04, in UTC.")
		}
	}
	q.from = q.to.Add(-time.Duration(span))
	return q, nil
}

// step is the time between two points of the graph.
func (q Query) step() time.Duration {
	step := q.to.Sub(q.from) / points
	return max(leastStep, step.Round(time.Second))
}

// Answer is what Prometheus says.
type Answer struct {
	Query
	// Lines are those of the graph, and Rows those of the table; More is how many rows are not shown.
	Lines []Line
	Rows  []Row
	More  int
	// Scalar is an answer without series.
	Scalar string
	// Problem is why there is no answer, and Warnings what Prometheus adds to one.
	Problem  string
	Warnings []string
	Took     time.Duration
}

// Line is a series of the graph.
type Line struct {
	Name   string
	Points []model.SamplePair
}

// Row is a series of the table with its last value.
type Row struct{ Name, Value string }

// Ask sends the query to the Prometheus to which transport connects.
func Ask(ctx context.Context, transport http.RoundTripper, q Query) Answer {
	a := Answer{Query: q}
	if q.Text == "" {
		return a
	}
	client, err := prometheus.NewClient(prometheus.Config{Address: "http://prometheus", RoundTripper: limited{transport}})
	if err != nil {
		a.Problem = err.Error()
		return a
	}
	began := time.Now()
	defer func() { a.Took = time.Since(began) }()
	to := api.NewAPI(client)
	value, warnings, _, err := to.Query(ctx, q.Text, q.to)
	if err == nil && value.Type() != model.ValMatrix && value.Type() != model.ValString {
		var graph model.Value
		graph, _, _, err = to.QueryRange(ctx, q.Text, api.Range{Start: q.from, End: q.to, Step: q.step()})
		a.lines(graph)
	}
	if err != nil {
		a.Problem = why(err)
		return a
	}
	a.Warnings = warnings
	a.rows(value)
	return a
}

// why says what is wrong with a query, or with the way to Prometheus.
func why(err error) string {
	refused, ok := errors.AsType[*api.Error](err)
	switch {
	case ok && refused.Type == api.ErrBadData:
		return "The query is wrong: " + refused.Msg
	case ok && refused.Type == api.ErrTimeout:
		return "The query takes too long. Select fewer series, or a shorter range."
	case ok && refused.Type == api.ErrExec:
		return "The query cannot be evaluated: " + refused.Msg
	case ok:
		return "Prometheus answers: " + refused.Msg
	case errors.Is(err, context.DeadlineExceeded):
		return "The cluster's Prometheus does not answer in time."
	case errors.Is(err, ErrTooLarge):
		return "The answer is too large. Select fewer series, or a shorter range."
	}
	return "The cluster's Prometheus cannot be reached."
}

func (a *Answer) lines(graph model.Value) {
	matrix, _ := graph.(model.Matrix)
	for _, s := range matrix[:min(len(matrix), shownLines)] {
		a.Lines = append(a.Lines, Line{s.Metric.String(), s.Values})
	}
}

func (a *Answer) rows(value model.Value) {
	switch v := value.(type) {
	case model.Vector:
		for _, s := range v {
			a.Rows = append(a.Rows, Row{s.Metric.String(), s.Value.String()})
		}
	case model.Matrix:
		for _, s := range v {
			for _, p := range s.Values {
				a.Rows = append(a.Rows, Row{s.Metric.String(), p.String()})
			}
		}
	case *model.Scalar:
		a.Scalar = v.Value.String()
	case *model.String:
		a.Scalar = v.Value
	}
	if a.More = len(a.Rows) - shownRows; a.More > 0 {
		a.Rows = a.Rows[:shownRows]
	}
}

// ErrTooLarge is that of an answer of Prometheus that is not read to its end.
var ErrTooLarge = fmt.Errorf("the answer has more than %d bytes", maxAnswer)

// Pass sends a request to the API of the Prometheus to which transport connects, and returns its answer unread.
func Pass(ctx context.Context, transport http.RoundTripper, path, query string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://prometheus/api/v1/"+path+"?"+query, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := limited{transport}.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// limited refuses answers that are too large.
type limited struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err == nil {
		res.Body = &bounded{ReadCloser: res.Body, left: maxAnswer}
	}
	return res, err
}

type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
