package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestErrorsAreReportedOnceWithTheirExitCodes: 2 if the program was called in a wrong way, 1
// if it failed.
func TestErrorsAreReportedOnceWithTheirExitCodes(t *testing.T) {
	for _, test := range []struct {
		args, env []string
		code      int
		says      []string
	}{
		{args: []string{"--version"}, code: 0},
		{args: []string{"rp", "--surprise"}, code: 2, says: []string{"--surprise", "aro --help"}},
		{args: []string{"rp", "--workers", "many"}, code: 2, says: []string{"--workers"}},
		{args: []string{"rp"}, code: 2, says: []string{"--workers", "--lease", "--domain", "--cloud", "--tenant", "--cluster-vault"},
			env: []string{"ARO_WORKERS=0", "ARO_LEASE=-1s", "ARO_DOMAIN=a b", "ARO_CLOUD=mars"}},
		{args: []string{"versions", "--store", "postgres:x"}, code: 2, says: []string{"--store"}},
		{args: []string{"versions", "--store", "sqlite:" + t.TempDir() + "/aro.db", "--enable", "4.99.1"}, code: 1, says: []string{"add it with --release"}},
		{args: []string{"rp", "--backend=false", "--store", "sqlite:" + t.TempDir() + "/none/aro.db"}, code: 1, says: []string{"--store"}},
	} {
		aro := exec.CommandContext(t.Context(), os.Args[0], test.args...)
		aro.Env = append([]string{asProgram + "=1"}, test.env...)
		out, _ := aro.CombinedOutput()
		if code := aro.ProcessState.ExitCode(); code != test.code {
			t.Errorf("%v %v exits with %d, want %d: %s", test.env, test.args, code, test.code, out)
		}
		for _, says := range test.says {
			if n := strings.Count(string(out), says+" "); n > 1 || !strings.Contains(string(out), says) {
				t.Errorf("%v %v says %s %d times: %s", test.env, test.args, says, n, out)
			}
		}
		if test.code > 0 && strings.Count("\n"+string(out), "\naro: ") != 1 {
			t.Errorf("%v: it is not said once: %s", test.args, out)
		}
	}
}
