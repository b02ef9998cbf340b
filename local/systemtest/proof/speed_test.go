package proof

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var speed = flag.String("speed", "", "measure how fast clusters come and go, and write the report to this file")

const (
	rounds       = 3
	manyClusters = 10
	manyTimeout  = 15 * time.Minute
	sampleEvery  = 200 * time.Millisecond
)

// The parties that the provider's log names where a step waited.
const (
	forAzure     = "azure"
	forCluster   = "cluster"
	forInstaller = "installer"
	forPause     = "pause"
)

// TestSpeedOfClusters measures, writes down what it measured, and fails where a
// budget is exceeded. It needs a quiet machine.
func TestSpeedOfClusters(t *testing.T) {
	if *speed == "" {
		t.Skip("measures only when asked to, by -speed FILE")
	}
	before, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	w := newEnvironment(t)
	var all []round
	for i := range rounds {
		all = append(all, w.comesAndGoes(t, fmt.Sprintf("speed%d", i)))
	}
	took, memory := w.manyAtOnce(t)
	figures := append(figuresOf(all),
		figure{fmt.Sprintf("%d clusters at once, until all are Succeeded", manyClusters), []float64{took.Seconds()}, 360},
		figure{"GiB resident in all processes meanwhile", []float64{float64(memory) / (1 << 30)}, 8})

	var report bytes.Buffer
	_, _ = fmt.Fprintf(&report, "# Speed of clusters\n\nWritten by `make bench` on %s, %s, %d CPUs, against the local Azure. The load of the machine was %s before. "+
		"One service principal cluster with 3 workers was created and deleted %d times; what is about %d clusters was measured once. All figures are seconds unless they say otherwise; "+
		"the greatest is held against the budget.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), strings.Fields(string(before))[0], rounds, manyClusters)
	writeFigures(&report, figures)
	slices.SortFunc(all, func(a, b round) int { return int(a.create - b.create) })
	all[rounds/2].write(&report)
	if err := os.WriteFile(*speed, report.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if f.broken() {
			t.Errorf("%s: %.1f exceeds the budget of %g", f.what, slices.Max(f.values), f.budget)
		}
	}
}

// round is the life of one cluster.
type round struct {
	create, remove time.Duration // as the client sees it
	steps          []done        // of the create
}

func (w *environment) comesAndGoes(t *testing.T, name string) (r round) {
	t.Helper()
	c := w.customer(t, order{name: name})
	begun := time.Now()
	c.created(t)
	r.create = time.Since(begun)
	r.steps = c.stepsOfCreate(t)
	ctx, cancel := context.WithTimeout(t.Context(), deleteTimeout)
	defer cancel()
	begun = time.Now()
	c.succeeds(ctx, t, c.remove(ctx, t))
	r.remove = time.Since(begun)
	c.leave(ctx, t)
	return r
}

// waited is how long the steps waited for a party.
func (r round) waited(party string) (seconds float64) {
	for _, d := range r.steps {
		seconds += d.Waited[party]
	}
	return seconds
}

// own is all the client's time in which the provider did not wait.
func (r round) own() float64 {
	own := r.create.Seconds()
	for _, d := range r.steps {
		own -= d.Seconds - d.own()
	}
	return own
}

// done is what the provider's log tells of a step: its time from the first
// attempt until it ended, and what it waited for.
type done struct {
	Message    string             `json:"msg"`
	Step       string             `json:"step"`
	Kind       string             `json:"operation_kind"`
	ResourceID string             `json:"resource_id"`
	Seconds    float64            `json:"seconds"`
	Waited     map[string]float64 `json:"waited"`
}

func (d done) own() float64 {
	own := d.Seconds
	for _, seconds := range d.Waited {
		own -= seconds
	}
	return own
}

func (c *customer) stepsOfCreate(t *testing.T) (steps []done) {
	t.Helper()
	file, err := os.Open(filepath.Join(c.dir, "logs", "rp.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var d done
		if json.Unmarshal(lines.Bytes(), &d) == nil && d.Message == "step done" && d.Kind == "Create" && strings.EqualFold(d.ResourceID, c.id()) {
			steps = append(steps, d)
		}
	}
	if lines.Err() != nil || len(steps) == 0 {
		t.Fatalf("%d steps in the log, %v", len(steps), lines.Err())
	}
	return steps
}

// figure is something measured, and the most it may be; 0 if that is not told.
type figure struct {
	what   string
	values []float64
	budget float64
}

func (f figure) broken() bool { return f.budget > 0 && slices.Max(f.values) > f.budget }

func figuresOf(all []round) []figure {
	each := func(what string, budget float64, of func(round) float64) figure {
		f := figure{what: what, budget: budget}
		for _, r := range all {
			f.values = append(f.values, of(r))
		}
		return f
	}
	return []figure{
		each("create, from PUT until the client sees Succeeded", 60, func(r round) float64 { return r.create.Seconds() }),
		each("of it waiting for the installer", 10, func(r round) float64 { return r.waited(forInstaller) }),
		each("of it waiting for the API server", 0, func(r round) float64 { return r.waited(forCluster) }),
		each("of it waiting for Azure", 0, func(r round) float64 { return r.waited(forAzure) }),
		each("of it pausing until a condition is looked at again", 0, func(r round) float64 { return r.waited(forPause) }),
		each("of it the service itself: all the rest", 5, round.own),
		each("delete, from DELETE until the client sees it gone", 15, func(r round) float64 { return r.remove.Seconds() }),
	}
}

func writeFigures(out io.Writer, figures []figure) {
	_, _ = fmt.Fprint(out, "| | least | median | greatest | budget |\n|---|---|---|---|---|\n")
	for _, f := range figures {
		sorted := slices.Sorted(slices.Values(f.values))
		budget := ""
		if f.budget > 0 {
			budget = fmt.Sprintf("%g", f.budget)
		}
		if f.broken() {
			budget += ", **exceeded**"
		}
		_, _ = fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f | %s |\n", f.what, sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1], budget)
	}
}

// write tells of the steps. No moment counts for two parties.
func (r round) write(out io.Writer) {
	_, _ = fmt.Fprintf(out, "\nThe steps of the create that took the median:\n\n| step | seconds | installer | API server | Azure | pauses | the service itself |\n|---|---|---|---|---|---|---|\n")
	line := func(what string, seconds float64, of func(party string) float64, own float64) {
		_, _ = fmt.Fprintf(out, "| %s | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f |\n", what, seconds, of(forInstaller), of(forCluster), of(forAzure), of(forPause), own)
	}
	rest := r.create.Seconds()
	for _, d := range r.steps {
		line(d.Step, d.Seconds, func(party string) float64 { return d.Waited[party] }, d.own())
		rest -= d.Seconds
	}
	line("before the first step, and after the last until the client looked", rest, func(string) float64 { return 0 }, rest)
	line("all", r.create.Seconds(), r.waited, r.own())
}

// manyAtOnce creates clusters at the same time, and deletes them.
func (w *environment) manyAtOnce(t *testing.T) (took time.Duration, memory int64) {
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
	outcomes := make([]string, manyClusters)
	var all sync.WaitGroup
	for i, c := range customers {
		watch := c.create(ctx, t)
		all.Go(func() {
			if o, err := c.outcome(ctx, watch); err != nil || o.Status != "Succeeded" {
				outcomes[i] = fmt.Sprintf("%s ended as %+v, %v\n", c.name, o, err)
			}
		})
	}
	all.Wait()
	took = time.Since(begun)
	stop()
	if bad := strings.Join(outcomes, ""); bad != "" {
		t.Fatal(bad)
	}
	memory = <-peak
	for _, c := range customers {
		c.removed(t)
	}
	return took, memory
}

// peakMemory is the most that aro-local and what it started had resident, in
// bytes, until ctx ends. What processes share counts for each.
func (w *environment) peakMemory(ctx context.Context) (peak int64) {
	for {
		total := int64(0)
		for _, pid := range family(w.process.Pid) {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
			if fields := strings.Fields(string(text)); len(fields) > 1 {
				pages, _ := strconv.ParseInt(fields[1], 10, 64)
				total += pages * int64(os.Getpagesize())
			}
		}
		peak = max(peak, total)
		select {
		case <-ctx.Done():
			return peak
		case <-time.After(sampleEvery):
		}
	}
}

// family are a process and all that descend from it.
func family(root int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		// The program's name, in parentheses, may have spaces; state and parent follow it.
		if fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

func TestBudgetsHoldForTheGreatestAndOwnTimeIsWhatIsLeft(t *testing.T) {
	slow, fast := figure{"a", []float64{1, 6, 2}, 5}, figure{"b", []float64{1, 5, 2}, 5}
	if !slow.broken() || fast.broken() || (figure{"c", []float64{9}, 0}).broken() {
		t.Error("only the first exceeds its budget")
	}
	var report bytes.Buffer
	writeFigures(&report, []figure{slow, fast})
	if want := "| a | 1.00 | 2.00 | 6.00 | 5, **exceeded** |\n| b | 1.00 | 2.00 | 5.00 | 5 |\n"; !strings.HasSuffix(report.String(), want) {
		t.Errorf("got\n%s\nwant at its end\n%s", report.String(), want)
	}
	r := round{create: 10 * time.Second, steps: []done{
		{Seconds: 5, Waited: map[string]float64{forAzure: 1, forPause: 3}}, {Seconds: 2, Waited: map[string]float64{forInstaller: 2}}}}
	if r.steps[0].own() != 1 || r.own() != 4 || r.waited(forAzure) != 1 {
		t.Errorf("own times %v and %v, %v for Azure; want 1, 4 and 1", r.steps[0].own(), r.own(), r.waited(forAzure))
	}
}

func TestAFamilyHasGrandchildren(t *testing.T) {
	shell := exec.Command("sh", "-c", "sleep 60 & echo $!; wait")
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait()
	}()
	var sleeper int
	if _, err := fmt.Fscan(out, &sleeper); err != nil {
		t.Fatal(err)
	}
	if all := family(os.Getpid()); !slices.Contains(all, shell.Process.Pid) || !slices.Contains(all, sleeper) {
		t.Errorf("%v lacks %d or %d", all, shell.Process.Pid, sleeper)
	}
}
