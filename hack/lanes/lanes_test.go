// Package lanes runs the parts of the test suite side by side.
package lanes

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A run whose lanes all passed must succeed, whatever its cleanup finds: CI goes by
// nothing but the exit code.
func TestExitCode(t *testing.T) {
	for name, test := range map[string]struct {
		lanes []string
		code  int
		last  string
	}{
		"all lanes pass":        {[]string{"good", "fine"}, 0, "part of fine"},
		"the first lane fails":  {[]string{"bad", "good"}, 1, "--- FAIL: TestOfBad"},
		"the last lane fails":   {[]string{"good", "bad"}, 1, "--- FAIL: TestOfBad"},
		"a lane says no reason": {[]string{"good", "silent"}, 1, "part of silent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lane := filepath.Join(dir, "lane")
			script := "#!/bin/sh\necho \"== part of $1 (0s)\"\n" +
				"case $1 in bad) echo '--- FAIL: TestOfBad (0.1s)'; exit 3 ;; silent) exit 4 ;; esac\n"
			if err := os.WriteFile(lane, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			run := exec.Command("./run.sh", append([]string{lane}, test.lanes...)...)
			run.Env = append(os.Environ(), "TMPDIR="+dir)
			out, err := run.CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := run.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d, want %d\n%s", code, test.code, out)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if end := lines[len(lines)-1]; !strings.Contains(end, test.last) {
				t.Errorf("the last line is %q, want %q in it\n%s", end, test.last, out)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "tmp.*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
