package proof

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var speed = flag.String("speed", "", "measure how fast clusters come and go, and write the report to this file")

const (
	manyClusters = 10
	manyTimeout  = 15 * time.Minute
)

// TestSpeedOfClusters measures; it judges nothing. It needs a quiet machine.
func TestSpeedOfClusters(t *testing.T) {
	if *speed == "" {
		t.Skip("measures only when asked to, by -speed FILE")
	}
	w := newWorld(t)
	report := *bytes.NewBufferString("# Speed of clusters\n\nMeasured by `make bench` against the local Azure, with the programs as `make build` leaves them, on " +
		strconv.Itoa(runtime.NumCPU()) + " cores.\n\n")
	c := w.customer(t, order{name: "speed"})
	calls, begun := w.azureSeconds(t), time.Now()
	c.created(t)
	create, calls := time.Since(begun), w.azureSeconds(t)-calls
	begun = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
	defer cancel()
	c.succeeds(ctx, t, c.remove(ctx, t))
	remove := time.Since(begun)
	c.leave(ctx, t)
	w.reportOne(t, &report, create, remove, calls)
	w.reportMany(t, &report)
	if err := os.WriteFile(*speed, report.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// done is one line of the provider's log.
type done struct {
	Message string  `json:"msg"`
	Step    string  `json:"step"`
	Kind    string  `json:"operation_kind"`
	Seconds float64 `json:"seconds"`
}

// reportOne tells of one cluster, step by step. A step's time is from its first
// attempt until it was recorded, so it includes what it waited for.
func (w *world) reportOne(t *testing.T, out io.Writer, create, remove time.Duration, calls float64) {
	t.Helper()
	file, err := os.Open(filepath.Join(w.dir, "logs", "rp.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var steps []done
	azure := 0.0 // steps that ask Azure, not the installer and not the cluster
	installer, bootstrapped := 0.0, false
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var d done
		if json.Unmarshal(lines.Bytes(), &d) != nil || d.Message != "step done" || d.Kind != "Create" {
			continue
		}
		steps = append(steps, d)
		bootstrapped = bootstrapped || d.Step == "make kubeconfigs"
		switch {
		case d.Step == "run installer":
			installer = d.Seconds
		case !bootstrapped:
			azure += d.Seconds
		}
	}
	p := func(format string, values ...any) { _, _ = fmt.Fprintf(out, format, values...) }
	p("One service principal cluster with 3 workers:\n\n| | seconds |\n|---|---|\n")
	p("| create, from PUT to Succeeded | %.1f |\n| of it the installer | %.1f |\n", create.Seconds(), installer)
	p("| of it answers of Azure | %.1f |\n", calls)
	p("| of it the service itself, until the machines are there | %.1f |\n", max(0, azure-calls))
	p("| delete, from DELETE to gone | %.1f |\n\n", remove.Seconds())
	p("Its steps:\n\n| step | seconds |\n|---|---|\n")
	for _, d := range steps {
		p("| %s | %.2f |\n", d.Step, d.Seconds)
	}
}

// reportMany tells of clusters created at the same time.
func (w *world) reportMany(t *testing.T, out io.Writer) {
	t.Helper()
	customers := make([]*customer, manyClusters)
	for i := range customers {
		customers[i] = w.customer(t, order{name: fmt.Sprintf("many%d", i)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), manyTimeout)
	defer cancel()
	watching, stop := context.WithCancel(ctx)
	peak := make(chan int64, 1)
	go func() { peak <- w.peakMemory(watching) }()
	begun := time.Now()
	var all sync.WaitGroup
	for _, c := range customers {
		watch := c.create(ctx, t)
		all.Go(func() {
			if o := c.end(ctx, t, watch); o.Status != "Succeeded" {
				t.Errorf("%s ended as %+v", c.name, o)
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	stop()
	_, _ = fmt.Fprintf(out, "\n%d clusters at once: all Succeeded after %.0f s; at most %.1f GiB resident in all processes.\n",
		manyClusters, took.Seconds(), float64(<-peak)/(1<<30))
	for _, c := range customers {
		c.removed(t)
	}
}

// peakMemory is the most that aro-local and what it started had resident, in
// bytes, until ctx ends.
func (w *world) peakMemory(ctx context.Context) (peak int64) {
	for {
		total := int64(0)
		for _, pid := range append(w.pids(), w.process.Pid) {
			text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
			if fields := strings.Fields(string(text)); len(fields) > 1 {
				pages, _ := strconv.ParseInt(fields[1], 10, 64)
				total += pages * int64(os.Getpagesize())
			}
		}
		peak = max(peak, total)
		select {
		case <-ctx.Done():
			return peak
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// pids are the processes whose command line names the world's directory.
func (w *world) pids() (all []int) {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == w.process.Pid {
			continue
		}
		line, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if bytes.Contains(line, []byte(w.dir)) {
			all = append(all, pid)
		}
	}
	return all
}

// azureSeconds is how long the provider has waited for Azure's answers.
func (w *world) azureSeconds(t *testing.T) (sum float64) {
	t.Helper()
	answer, err := http.Get("http://" + w.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "} "); ok && strings.HasPrefix(name, "aro_azure_request_duration_seconds_sum") {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += seconds
		}
	}
	return sum
}
