package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestItScrapesWhileItIsUsed also after it has rested, with the samples from before.
func TestItScrapesWhileItIsUsed(t *testing.T) {
	var scrapes atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "# TYPE shots_total counter\nshots_total{colour=\"red\"} %d\n", scrapes.Add(1))
	}))
	defer target.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yaml")
	err := os.WriteFile(file, []byte("scrape_configs:\n- job_name: shots\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  static_configs:\n  - targets: [\"${TARGET}\"]\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{variables: map[string]string{"TARGET": strings.TrimPrefix(target.URL, "http://")}, config: file, dir: filepath.Join(dir, "data"), idle: 300 * time.Millisecond, log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	rested := make(chan error, 1)
	go func() { rested <- s.rest(ctx) }()
	own := httptest.NewServer(s)
	defer own.Close()
	get(t, own.URL+"/-/healthy")
	if scrapes.Load() != 0 {
		t.Error("it scrapes before it is asked")
	}
	begun := time.Now()
	if n := len(ask(t, own.URL, "query", "shots_total{colour='red'}", "")); n != 1 {
		t.Fatalf("the first query has %d series: it waits for the first scrape", n)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s.mu.Lock()
		resting := s.running == nil
		s.mu.Unlock()
		if resting {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not rest")
		}
	}
	before := scrapes.Load()
	at := fmt.Sprintf("&start=%d&end=%d&step=1", begun.Unix()-5, time.Now().Unix()+1)
	if n := len(ask(t, own.URL, "query_range", "up == 1", at)); n != 1 {
		t.Errorf("after the rest there are %d series", n)
	}
	if scrapes.Load() == before {
		t.Error("it does not scrape again")
	}
	if answer := get(t, own.URL+"/api/v1/query_range?query=up&start=0&end=11002&step=1"); !strings.Contains(answer, "11,000") {
		t.Errorf("too many points: %s", answer)
	}
	cancel()
	if err := <-rested; err != nil {
		t.Error(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ask(t *testing.T, origin, path, query, more string) []any {
	t.Helper()
	var answer struct {
		Data struct{ Result []any }
	}
	text := get(t, origin+"/api/v1/"+path+"?query="+url.QueryEscape(query)+more)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(text, err)
	}
	return answer.Data.Result
}
