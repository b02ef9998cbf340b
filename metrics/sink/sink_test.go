package sink

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/metrics"
)

func get(t *testing.T, s *Sink, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s answers %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func TestWhatAnEmitterSendsIsShownInThreeForms(t *testing.T) {
	dir, err := os.MkdirTemp("", "mdm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	at := metrics.Address{Network: "unixgram", Address: filepath.Join(dir, "s")}
	// A socket without a listener is replaced.
	if err := os.WriteFile(at.Address, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(0, nil)
	done := make(chan error, 2)
	go func() { done <- s.Listen(t.Context(), at.String()) }()
	e := metrics.New(metrics.Options{Address: at, Namespace: "BBM"})
	go func() { done <- e.Run(t.Context()) }()
	e.EmitGauge("node.conditions", 1, map[string]string{"nodeName": "<master-0>", "cluster.name": "demo"})
	e.EmitFloat("monitor.cluster.duration", 0.25, nil)
	for deadline := time.Now().Add(20 * time.Second); len(s.Series()) < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %v came", s.Series())
		}
	}
	table := get(t, s, "/mdm/?q=node.conditions+demo")
	if !strings.Contains(table, "cluster.name=demo nodeName=&lt;master-0&gt;") || strings.Contains(table, "monitor.cluster.duration") {
		t.Errorf("the table is %s", table)
	}
	var list []Series
	if err := json.Unmarshal([]byte(get(t, s, "/mdm/series?q=duration")), &list); err != nil || len(list) != 1 || list[0].Value != 0.25 || list[0].Count != 1 || list[0].Namespace != "BBM" {
		t.Errorf("the JSON is %+v, %v", list, err)
	}
	exposed := get(t, s, "/mdm/metrics")
	if !strings.Contains(exposed, `node_conditions{cluster_name="demo",nodeName="<master-0>"} 1`) || !strings.Contains(exposed, "monitor_cluster_duration 0.25") {
		t.Errorf("Prometheus reads %s", exposed)
	}
}

func TestSeriesThatDoNotComeAnyMoreDisappear(t *testing.T) {
	s := New(time.Minute, nil)
	now := time.Now()
	s.now = func() time.Time { return now }
	s.Take([]byte(`{"Metric":"a","Dims":{},"TS":"2026-11-30T04:06:07.089"}:1|g` + "\n" + `{"Metric":"b","Dims":{"k":"v"},"TS":"2026-11-30T04:06:07.089"}:1|g`))
	s.Take([]byte("nonsense"))
	if len(s.Series()) != 2 || s.malformed != 1 {
		t.Errorf("%+v, %d malformed", s.Series(), s.malformed)
	}
	now = now.Add(50 * time.Second)
	s.Take([]byte(`{"Metric":"b","Dims":{"k":"v"},"TS":"2026-11-30T04:06:07.089"}:2|g`))
	now = now.Add(20 * time.Second)
	if left := s.Series(); len(left) != 1 || left[0].Metric != "b" || left[0].Value != 2 || left[0].Count != 2 {
		t.Errorf("left are %+v", left)
	}
	s.Take([]byte("{}:1|g"))
	if len(s.series) != 1 {
		t.Errorf("%d are kept", len(s.series))
	}
}
