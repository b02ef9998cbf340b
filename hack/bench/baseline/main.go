// Command baseline compares the checked-out commit with an earlier one, which it
// builds in a git worktree: it runs the benchmarks of test/bench/work alternately on
// both, so that other load on the machine affects both, and writes the ratios of the
// medians as Markdown.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// work is the package that is run; earlier commits get a copy of it.
const work = "test/bench/work"

// earlierHandler creates the API in commits before test/edge existed.
//
//go:embed handler.go.txt
var earlierHandler []byte

// figure is one compared value.
type figure struct {
	what, benchmark, unit string
	most                  float64 // of the ratio
}

var figures = []figure{
	{"recorded step, processor time", "Step", "cpu-µs/op", 0.5},
	{"recorded step, bytes written", "Step", "written-B/op", 1 / 2.2},
	{"recorded step, bytes allocated", "Step", "B/op", 1 / 2.2},
	{"GET, processor time", "GET", "cpu-µs/op", 0.55},
	{"LIST of 100, processor time", "LIST", "cpu-µs/op", 0.55},
	{"PATCH of tags, bytes allocated", "PATCH", "B/op", 0.25},
	{"PATCH of tags, processor time", "PATCH", "cpu-µs/op", 1},
	{"SQLite file, bytes for each cluster", "Step", "file-B/cluster", 0.25},
}

// values by benchmark and unit, in the order in which they were measured.
type values map[string]map[string][]float64

func main() {
	commit := flag.String("commit", "bf20f36", "commit to compare with")
	rounds := flag.Int("rounds", 5, "how often each of the two runs")
	length := flag.String("benchtime", "1s", "how long each benchmark runs in a round")
	flag.Parse()
	if err := run(*commit, *rounds, *length); err != nil {
		fmt.Fprintln(os.Stderr, "baseline:", err)
		os.Exit(1)
	}
}

func run(commit string, rounds int, length string) (err error) {
	folder, err := os.MkdirTemp("", "aro-baseline-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	earlier := filepath.Join(folder, "tree")
	if err := command("", "git", "worktree", "add", "--quiet", "--detach", earlier, commit); err != nil {
		return err
	}
	defer func() { _ = command("", "git", "worktree", "remove", "--force", earlier) }()
	place := filepath.Join(earlier, work)
	if err := os.RemoveAll(place); err != nil {
		return err
	}
	if err := os.CopyFS(place, os.DirFS(work)); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(earlier, "test/edge")); err != nil {
		if err := os.WriteFile(filepath.Join(place, "handler_test.go"), earlierHandler, 0o644); err != nil {
			return err
		}
	}
	programs := []string{filepath.Join(folder, "earlier"), filepath.Join(folder, "now")}
	for i, tree := range []string{earlier, "."} {
		if err := command(tree, "go", "test", "-c", "-o", programs[i], "./"+work); err != nil {
			return fmt.Errorf("build %s: %w", tree, err)
		}
	}
	measured := []values{{}, {}}
	for range rounds {
		for i, program := range programs {
			if err := measure(program, length, measured[i]); err != nil {
				return err
			}
		}
	}
	write(commit, rounds, measured[0], measured[1])
	return nil
}

func command(folder, name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Dir, c.Stdout, c.Stderr = folder, os.Stderr, os.Stderr
	return c.Run()
}

// measure runs all benchmarks of a program once.
func measure(program, length string, into values) error {
	c := exec.Command(program, "-test.run=^$", "-test.bench=.", "-test.benchtime="+length)
	c.Dir, c.Stderr = work, os.Stderr
	output, err := c.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, output)
	}
	reader := benchfmt.NewReader(bytes.NewReader(output), program)
	for reader.Scan() {
		line, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(line.Name.String(), "-")
		if into[name] == nil {
			into[name] = map[string][]float64{}
		}
		for _, v := range line.Values {
			unit, value := v.Unit, v.Value
			if v.OrigUnit != "" {
				unit, value = v.OrigUnit, v.OrigValue
			}
			into[name][unit] = append(into[name][unit], value)
		}
	}
	return reader.Err()
}

func write(commit string, rounds int, earlier, now values) {
	fmt.Printf("\n## Against commit %s\n\nFinished clusters' documents of about 54 kB, measured alternately, medians of %d rounds (`go run ./hack/bench/baseline`).\n\n"+
		"| what | %s | now | ratio | at most |\n|---|---:|---:|---:|---:|\n", commit, rounds, commit)
	for _, f := range figures {
		before, after := median(earlier[f.benchmark][f.unit]), median(now[f.benchmark][f.unit])
		unit, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(f.unit, "cpu-"), "written-"), "file-"), "/")
		fmt.Printf("| %s | %.0f %s | %.0f %s | %.2f | %.2f |\n", f.what, before, unit, after, unit, after/before, f.most)
	}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
