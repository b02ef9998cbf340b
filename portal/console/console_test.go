package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func TestStepsKeepToPrometheusLimit(t *testing.T) {
	t.Parallel()
	for _, span := range Spans {
		q, err := Read(url.Values{"span": {span}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if n := q.to.Sub(q.from) / q.step(); n > 2*points || q.step() < leastStep {
			t.Errorf("%s: %d points, step %s", span, n, q.step())
		}
	}
}

func TestFormsAreChecked(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"span=7y", "end=yesterday", "query=" + strings.Repeat("x", maxQuery+1)} {
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(values, noon); err == nil {
			t.Errorf("%.20s is accepted", form)
		}
	}
	q, err := Read(url.Values{"end": {"2026-11-01T10:00"}, "span": {"1d"}}, noon)
	if err != nil || !q.from.Equal(time.Date(2026, 10, 31, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("from %s, %v", q.from, err)
	}
}

// answers is a Prometheus that gives two series with a gap, more than the page shows, or an error.
func answers(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	w.Header().Set("Content-Type", "application/json")
	query, ranged := r.Form.Get("query"), strings.HasSuffix(r.URL.Path, "query_range")
	switch {
	case query == "wrong(":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"unexpected <end>"}`)
	case query == "1" && !ranged:
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"scalar","result":[%d,"1"]}}`, noon.Unix())
	case query == "large":
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[],"x":%q}}`, strings.Repeat("x", maxAnswer))
	case ranged:
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"<b>"},"values":[[%d,"1"],[%d,"2"],[%d,"3"],[%d,"NaN"]]},{"metric":{"a":"c"},"values":[[%d,"+Inf"]]}]}}`,
			noon.Unix()-3600, noon.Unix()-3585, noon.Unix()-60, noon.Unix(), noon.Unix())
	default:
		rows := make([]string, shownRows+2)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"metric":{"a":"<b>","n":"%d"},"value":[%d,"1e6"]}`, i, noon.Unix())
		}
		_, _ = fmt.Fprintf(w, `{"status":"success","warnings":["slow"],"data":{"resultType":"vector","result":[%s]}}`, strings.Join(rows, ","))
	}
}

// connect leads to a Prometheus that answers so.
func connect(t *testing.T) http.RoundTripper {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(answers))
	t.Cleanup(server.Close)
	to, _ := url.Parse(server.URL)
	transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return to, nil }}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func show(t *testing.T, query string) string {
	t.Helper()
	transport := connect(t)
	q, err := Read(url.Values{"query": {query}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var page bytes.Buffer
	if err := Ask(ctx, transport, q).Show().Render(ctx, &page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestAnswersAreShown(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		"wrong(": {"The query is wrong: unexpected &lt;end&gt;", "wrong("},
		"1":      {"<code>1</code>", "Graph of 2 series"},
		"large":  {"The answer is too large"},
		"up":     {"{a=&#34;&lt;b&gt;&#34;", "2 more are not shown", "slow", "Graph of 2 series from 2026-11-30 11:00:00 to 2026-11-30 12:00:00, with values from 1 to 3", "500 rows"},
	} {
		page := show(t, query)
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page lacks %s: %.3000s", query, text, page)
			}
		}
		if strings.Contains(page, "<b>") {
			t.Errorf("%s: a label is markup", query)
		}
	}
	// Two points are connected, the third is by itself, and what is no number is not drawn.
	if page := show(t, "up"); strings.Count(page, "M") < 2 || !strings.Contains(page, `d="M68.0 276.0h4M70.0 276.0L`) {
		t.Errorf("the line is %s", page[strings.Index(page, "<path"):][:200])
	}
}

func TestATopicHasAChartForEachQuery(t *testing.T) {
	t.Parallel()
	transport := connect(t)
	for _, topic := range Topics {
		s, err := ReadStatistics(url.Values{"topic": {topic.Name}, "span": {"5m"}}, noon)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		s.Ask(ctx, transport)
		var page bytes.Buffer
		err = s.Show().Render(ctx, &page)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(page.String(), `<svg`); n != len(topic.Charts) || strings.Count(page.String(), "prometheus?") != n || strings.Contains(page.String(), "<b>") {
			t.Errorf("%s: %d charts: %s", topic.Name, n, page.String())
		}
	}
	if _, err := ReadStatistics(url.Values{"topic": {"weather"}}, noon); err == nil {
		t.Error("an unknown topic is accepted")
	}
}

func TestLinksToGraphsOfPrometheusLeadToTheConsole(t *testing.T) {
	t.Parallel()
	form := FromGraph(url.Values{"g0.expr": {"up == 0"}, "g0.range_input": {"6h"}, "g0.end_input": {"2026-11-01 10:00:00"}, "g0.tab": {"1"}})
	if got := form.Encode(); got != "end=2026-11-01T10%3A00&query=up+%3D%3D+0&span=6h" {
		t.Error(got)
	}
	if got := FromGraph(url.Values{"g0.expr": {"up"}, "g0.range_input": {"7y"}}).Encode(); got != "query=up" {
		t.Error(got)
	}
}
