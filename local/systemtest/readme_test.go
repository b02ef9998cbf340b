package systemtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/systemtest/endpoints"
)

const root = "../.."

// TestTheFirstStepsOfTheReadmeWork runs the README's second terminal, to the
// letter but for the ports and the place of what is kept.
func TestTheFirstStepsOfTheReadmeWork(t *testing.T) {
	bin, data := build(t), filepath.Join(t.TempDir(), "data")
	origin := start(t, bin, data)
	before := settled(t, origin)
	output := run(t, moved(t, firstSteps(t), bin, data, origin))
	for _, want := range []string{
		"Succeeded after",                 // cluster create
		"Cluster version is",              // kubectl
		`"provisioningState":"Succeeded"`, // GET
		`"team":"second-steps"`,           // PATCH
		"deleting the cluster demo",       // cluster delete
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the steps did not print %s", want)
		}
	}
	if nodes := strings.Count(output, " Ready "); nodes != 6 {
		t.Errorf("kubectl showed %d ready nodes, want 3 masters and 3 workers", nodes)
	}
	eventuallyEmpty(t, "after the delete machines are left", func() string { return machines(t, data) })
	eventuallyEmpty(t, "after the delete processes are left", func() string { return controlPlanes(data) })
	eventuallyEmpty(t, "before the create Azure had\n"+before+"\nafter the delete it has", func() string {
		if now := inventory(t, origin); now != before {
			return now
		}
		return ""
	})
	if t.Failed() { // at once: the errors come when the test is over, and are read last
		fmt.Printf("the steps printed\n%s\n", output)
	}
}

// eventuallyEmpty looks again and again: a machine is gone at once, its files and
// processes soon after.
func eventuallyEmpty(t *testing.T, what string, look func() string) {
	t.Helper()
	var left string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if left = look(); left == "" {
			return
		}
	}
	t.Errorf("%s:\n%s", what, left)
}

// machines are the directories of machines and control planes.
func machines(t *testing.T, data string) string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(data, "machines", "*", "*"))
	hidden, hiddenErr := filepath.Glob(filepath.Join(data, "machines", "*", ".*"))
	if err := errors.Join(err, hiddenErr); err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(left, hidden...), " ")
}

// moved returns the script with this test's places instead of the defaults.
func moved(t *testing.T, script, bin, data, origin string) string {
	t.Helper()
	program := filepath.Join(bin, "aro-local")
	pairs := []string{
		"https://localhost:8443", origin, ".aro/azure/ca.pem", filepath.Join(data, "azure", "ca.pem"), ".aro/demo.kubeconfig", filepath.Join(data, "demo.kubeconfig"),
		"bin/aro-local token", program + " token --data " + data, "bin/aro-local kubectl", program + " kubectl",
		"bin/aro-local cluster create", program + " cluster create --data " + data,
		"bin/aro-local cluster kubeconfig", program + " cluster kubeconfig --data " + data,
		"bin/aro-local cluster delete", program + " cluster delete --data " + data,
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(script, pairs[i]) {
			t.Fatalf("the steps do not use %s:\n%s", pairs[i], script)
		}
	}
	return strings.NewReplacer(pairs...).Replace(script)
}

// settled is the inventory when two looks in a row find the same.
func settled(t *testing.T, origin string) string {
	t.Helper()
	last := inventory(t, origin)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		time.Sleep(time.Second)
		now := inventory(t, origin)
		if now == last {
			return now
		}
		last = now
	}
	t.Fatal("Azure does not settle")
	return ""
}

// inventory is every resource there is, by id, one a line.
func inventory(t *testing.T, origin string) string {
	t.Helper()
	output := run(t, "curl -sk "+origin+"/local/inventory")
	ids := regexp.MustCompile(`"id":"([^"]+)"`).FindAllStringSubmatch(output, -1)
	lines := make([]string, len(ids))
	for i, id := range ids {
		lines[i] = id[1]
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// firstSteps is all blocks of shell commands in the README but the first, which
// starts everything.
func firstSteps(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 2 || !strings.Contains(blocks[0][1], "make run") {
		t.Fatalf("the README has %d blocks of commands; the first must be `make run`, the others the steps", len(blocks))
	}
	steps := ""
	for _, block := range blocks[1:] {
		steps += block[1]
	}
	return steps
}

// build makes all programs, as `make build` does.
func build(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "make", "build")
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, output)
	}
	bin, err := filepath.Abs(filepath.Join(root, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// start runs aro-local until the test ends and returns where its Azure answers.
func start(t *testing.T, bin, data string) string {
	t.Helper()
	room := endpoints.Take(t)
	var output strings.Builder
	command := exec.Command(filepath.Join(bin, "aro-local"), "--data", data, "--listen", room.Provider, "--azure", room.Azure,
		"--addresses", strconv.Itoa(room.Addresses))
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(40 * time.Second):
			_ = command.Process.Kill()
			t.Error("aro-local did not stop within 40 s")
		}
		if t.Failed() {
			fmt.Printf("aro-local printed\n%s\n", output.String())
		}
	})
	ready := fmt.Sprintf("until curl -sf http://%s/healthz/ready; do sleep 0.2; done; "+
		"until curl -s http://%s/admin/clusters | grep -q value; do sleep 0.2; done", room.Provider, room.Provider)
	run(t, ready)
	return "https://" + room.Azure
}

// run runs a script of shell commands, bounded in time.
func run(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	command.Dir = root
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = time.Second
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("the commands printed\n%s\nand ended: %v (%v)", output, err, context.Cause(ctx))
	}
	return string(output)
}

// controlPlanes lists processes that still serve a cluster below the data directory.
func controlPlanes(data string) string {
	output, _ := exec.Command("pgrep", "-af", "aro-local control-plane .*"+regexp.QuoteMeta(data)).Output()
	return string(output)
}
