package region

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/deploy/machine"
)

// backend takes what a collector sends, OTLP over HTTP as JSON.
type backend struct {
	mu      sync.Mutex
	records []collected
}

// collected is a record of a log with the attributes of its receiver and its resource.
type collected struct {
	source, version string
	record
}

type attribute struct {
	Key   string `json:"key"`
	Value struct {
		Text string `json:"stringValue"`
	} `json:"value"`
}

func text(all []attribute, key string) string {
	for _, a := range all {
		if a.Key == key {
			return a.Value.Text
		}
	}
	return ""
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := gzip.NewReader(r.Body)
	var logs struct {
		ResourceLogs []struct {
			Resource struct {
				Attributes []attribute `json:"attributes"`
			} `json:"resource"`
			ScopeLogs []struct {
				LogRecords []struct {
					Attributes []attribute `json:"attributes"`
				} `json:"logRecords"`
			} `json:"scopeLogs"`
		} `json:"resourceLogs"`
	}
	if err == nil {
		err = json.NewDecoder(body).Decode(&logs)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, resource := range logs.ResourceLogs {
		for _, scope := range resource.ScopeLogs {
			for _, one := range scope.LogRecords {
				b.records = append(b.records, collected{text(one.Attributes, "source_name"), text(resource.Resource.Attributes, "service.version"),
					record{Message: text(one.Attributes, "msg"), Step: text(one.Attributes, "step"), Correlation: text(one.Attributes, "correlation_id")}})
			}
		}
	}
	_, _ = io.WriteString(w, "{}")
}

// messages are how often each message came of a correlation id, by source.
func (b *backend) messages(correlation string) map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := map[string]int{}
	for _, r := range b.records {
		if r.Correlation == correlation && r.version == "v1" {
			n[r.source+": "+r.Message]++
		}
	}
	return n
}

// collect runs the collector with the configuration of machines, which reads the logs of
// the instances in place of their journals, until the test ends.
func (w *fixture) collect() *backend {
	w.t.Helper()
	b := &backend{}
	server := httptest.NewServer(b)
	w.t.Cleanup(server.Close)
	text, err := machine.Logs{Image: "collector", Endpoint: server.URL, Location: "eastus", Build: "v1"}.Collector()
	must(w.t, err)
	var config map[string]any
	must(w.t, yaml.Unmarshal(text, &config))
	receivers := config["receivers"].(object)
	instances := filepath.Join(w.Dir, "instances", "*")
	for name, files := range map[string]string{"service": filepath.Join(instances, "aro-*.service.log"), "start": filepath.Join(instances, "boot.log")} {
		journal := receivers["journald/"+name].(object)
		receivers["filelog/"+name] = object{"include": []string{files}, "start_at": "beginning", "attributes": journal["attributes"], "operators": []object{{"type": "json_parser", "on_error": "send_quiet"}}}
		delete(receivers, "journald/"+name)
		config["service"].(object)["pipelines"].(object)["logs/"+name].(object)["receivers"] = []string{"filelog/" + name}
	}
	receivers["filelog/audit"].(object)["include"] = []string{filepath.Join(instances, "root", "var", "log", "aro", "audit.jsonl")}
	config["processors"].(object)["batch"].(object)["timeout"] = "500ms"
	config["exporters"].(object)["otlphttp"].(object)["encoding"] = "json"
	text, err = yaml.Marshal(config)
	must(w.t, err)
	file := filepath.Join(w.Dir, "collector.yaml")
	must(w.t, os.WriteFile(file, text, 0o600))
	program := filepath.Join(w.Dir, "collector")
	build := exec.CommandContext(w.t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(repository(w.t), "collector")
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("collector: %v\n%s", err, out)
	}
	run := exec.CommandContext(w.t.Context(), program, "--config="+file)
	run.Env = append(os.Environ(), "HOST_IP=127.0.0.1")
	run.Stdout, run.Stderr = testWriter{w.t}, testWriter{w.t}
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) }
	run.WaitDelay = 10 * time.Second
	must(w.t, run.Start())
	w.t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		_ = run.Wait()
	})
	return b
}

func TestARequestIsFollowedToItsStepsThroughTheCollector(t *testing.T) {
	takesMinutes(t)
	w, _ := withBuilds(t, "v1")
	b := w.collect()
	id := w.create("customer")
	w.follow(id)
	w.await(time.Minute, "the collector sends the request, its steps and its end", func() bool {
		n := b.messages(id)
		return n["service: request"] > 0 && n["service: step done"] > 0 && n["service: operation ended"] == 1
	})
	t.Logf("of the request %s the collector sent %v", id, b.messages(id))
}
