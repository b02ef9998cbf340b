// Command bench runs the benchmarks of the repository and writes their medians as
// Markdown. In a benchmark with a sub-benchmark "baseline" the others are compared
// with it, from the same run.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// packages have benchmarks, in the order of the report.
var packages = []string{"./validation", "./conversion", "./model", "./store", "./store/sqlite", "./server", "./backend/...", "./test/bench"}

// estimates are figures that no benchmark prints.
//
//go:embed estimates.md
var estimates string

// budgets are the limits of the figures.
const budgets = `
| what | budget | where it is measured |
|---|---|---|
| GET through the whole server | at most 3 × a bare handler on the same row, at most 150 allocations | server, Get |
| LIST of 100 | at most 3 × reading and writing the rows raw | server, List100 |
| PUT create, durable | at most 3 × the same writes raw | server, Create |
| validation of a full PUT body | at most 1/8 of kin-openapi's filter | validation, PutBody |
| HTTP over loopback, load generator included | at least 4,000 GET/s and 300 durable creates/s | test/bench, HTTP |
| 100,000 clusters against 1,000 | GET, LIST page and claim at most 1.5 × | test/bench, Growth |
| resident memory at 100,000 clusters | under 300 MiB | test/bench, Memory |
| GET by the generated Go client | at most 1.2 × net/http alone, decoded into the same model | test/bench, GoClient |
| from the answer to the first step | p99 under 250 ms in one process, under 2 s across processes | test/bench, Pickup |
| step engine | at least 500 recorded steps/s | backend, RecordedSteps |
`

func main() {
	out := flag.String("o", "", "write the report to this file instead of standard output")
	count := flag.Int("count", 3, "runs of each benchmark; the median is reported")
	match := flag.String("bench", ".", "benchmarks to run, a regular expression")
	flag.Parse()
	if err := run(*out, *match, *count); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(path, match string, count int) error {
	var report bytes.Buffer
	fmt.Fprintf(&report, "# Performance\n\nWritten by `make bench` on %s, %s, %d CPUs: medians of %d run(s). Compare ratios; absolute times are of that machine.\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), count)
	report.WriteString(budgets)
	if err := baseline(&report); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	report.WriteString("\n" + estimates)
	for _, p := range packages {
		results, err := benchmark(p, match, count)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		results.write(&report, p)
	}
	if path == "" {
		_, err := os.Stdout.Write(report.Bytes())
		return err
	}
	return os.WriteFile(path, report.Bytes(), 0o644)
}

// baseline compares with an earlier commit.
func baseline(report *bytes.Buffer) error {
	fmt.Fprintln(os.Stderr, "an earlier commit alternately with this one")
	command := exec.Command("go", "run", "./hack/bench/baseline")
	command.Stdout, command.Stderr = report, os.Stderr
	return command.Run()
}

// results are the values of each benchmark by unit, in the order in which they ran.
type results struct {
	names []string
	by    map[string]map[string][]float64
}

func benchmark(p, match string, count int) (*results, error) {
	fmt.Fprintln(os.Stderr, "benchmarks of", p)
	command := exec.Command("go", "test", "-run=^$", "-bench="+match, "-benchmem", fmt.Sprintf("-count=%d", count), "-timeout=30m", p)
	var output bytes.Buffer
	command.Stdout = io.MultiWriter(&output, os.Stderr)
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return nil, err
	}
	r := &results{by: map[string]map[string][]float64{}}
	reader := benchfmt.NewReader(&output, p)
	for reader.Scan() {
		if line, ok := reader.Result().(*benchfmt.Result); ok {
			r.add(line)
		}
	}
	return r, reader.Err()
}

func (r *results) add(line *benchfmt.Result) {
	name := line.Name.String()
	if i := strings.LastIndex(name, "-"); i > 0 {
		name = name[:i] // the number of CPUs
	}
	if r.by[name] == nil {
		r.by[name] = map[string][]float64{}
		r.names = append(r.names, name)
	}
	for _, v := range line.Values {
		unit, value := v.Unit, v.Value
		if v.OrigUnit != "" {
			unit, value = v.OrigUnit, v.OrigValue
		}
		r.by[name][unit] = append(r.by[name][unit], value)
	}
}

func (r *results) write(w *bytes.Buffer, p string) {
	if len(r.names) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## %s\n\n| benchmark | time | × baseline | allocations | bytes | other |\n|---|---:|---:|---:|---:|---|\n", strings.TrimPrefix(p, "./"))
	for _, name := range r.names {
		units := r.by[name]
		ns := median(units["ns/op"])
		fmt.Fprintf(w, "| %s | %s | %s | %.0f | %.0f | %s |\n", name, time.Duration(ns).Round(10*time.Nanosecond),
			r.ratio(name, ns), median(units["allocs/op"]), median(units["B/op"]), other(units))
	}
}

// ratio compares with the sibling "baseline".
func (r *results) ratio(name string, ns float64) string {
	parent := name
	if i := strings.LastIndex(name, "/"); i > 0 {
		parent = name[:i]
	}
	baseline, ok := r.by[parent+"/baseline"]
	if !ok || name == parent+"/baseline" {
		return ""
	}
	return fmt.Sprintf("%.2f", ns/median(baseline["ns/op"]))
}

func other(units map[string][]float64) string {
	var parts []string
	for unit, values := range units {
		if !slices.Contains([]string{"ns/op", "allocs/op", "B/op"}, unit) {
			parts = append(parts, fmt.Sprintf("%.4g %s", median(values), unit))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
