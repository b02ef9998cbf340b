// Command lint-specs checks the API descriptions with oav (specs and examples),
// with ARM's rule set, and with oasdiff (no breaking change from one api-version to
// the next).
//
// It fails on every finding that is not accepted below openapi/lint, and on every
// acceptance that is no longer needed. It changes no spec.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// timeLimit is well above the time of a run on two cores.
const timeLimit = 5 * time.Minute

// finding is one finding of a linter.
type finding struct {
	Check   string // which linter
	Rule    string // its name for the rule
	Version string // the api-version; for a breaking change, the newer one
	Where   string // operation id or definition, then the path inside
	Text    string
}

func (f finding) String() string {
	return fmt.Sprintf("%s: %s: %s: %s\n\t%s", f.Version, f.Check, f.Rule, f.Where, f.Text)
}

func main() {
	specs := flag.String("specs", "openapi", "directory of the specs")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	problems, err := run(ctx, *specs)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lint-specs:", err)
		os.Exit(2)
	}
	if problems > 0 {
		os.Exit(1)
	}
}

// run lints everything, prints the findings and a summary, and returns the number of
// findings.
func run(ctx context.Context, specs string) (int, error) {
	start := time.Now()
	files, err := filepath.Glob(filepath.Join(specs, "arm", "*", "redhatopenshift.json"))
	if err != nil {
		return 0, err
	}
	if len(files) == 0 {
		return 0, fmt.Errorf("no specs below %s", specs)
	}
	slices.Sort(files) // also the order of the versions in time
	fromNode, err := nodeFindings(ctx, append(files, filepath.Join(specs, "admin", "admin.json")))
	if err != nil {
		return 0, err
	}
	broken, err := breakingChanges(files)
	if err != nil {
		return 0, err
	}
	problems := 0
	for _, part := range []struct {
		title, list string
		found       []finding
	}{
		{"rules and examples", filepath.Join(specs, "lint", "accepted.yaml"), fromNode},
		{"breaking changes", filepath.Join(specs, "lint", "breaking.yaml"), broken},
	} {
		accepted, err := readAccepted(part.list)
		if err != nil {
			return 0, err
		}
		open, idle := accepted.sift(part.found, versions(files))
		for _, f := range open {
			fmt.Println(f)
		}
		for _, i := range idle {
			fmt.Printf("%s: no longer needed: %s\n", part.list, i)
		}
		fmt.Printf("%s: %d findings, %d accepted by %d entries, %d open, %d entries out of date\n",
			part.title, len(part.found), len(part.found)-len(open), len(accepted), len(open), len(idle))
		problems += len(open) + len(idle)
	}
	fmt.Printf("%d api-versions and the admin API linted in %s\n", len(files), time.Since(start).Round(100*time.Millisecond))
	return problems, nil
}

// nodeFindings runs the npm linters over the specs.
func nodeFindings(ctx context.Context, files []string) ([]finding, error) {
	cmd := exec.CommandContext(ctx, "node", append([]string{"hack/lint-specs/lint.mjs"}, files...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("npm linters: %w", err)
	}
	var found []finding
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var line struct{ Check, Rule, Spec, Where, Text string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("npm linters: line %q: %w", lines.Text(), err)
		}
		found = append(found, finding{line.Check, line.Rule, version(line.Spec), line.Where, line.Text})
	}
	return found, lines.Err()
}

// version returns the name of the folder of a spec: an api-version, or "admin".
func version(file string) string { return filepath.Base(filepath.Dir(file)) }

func versions(files []string) []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = version(f)
	}
	return names
}
