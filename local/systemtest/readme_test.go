package systemtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

// TestTheFirstStepsOfTheReadmeWork runs the README's second terminal, to the
// letter but for the port and the place of the program.
func TestTheFirstStepsOfTheReadmeWork(t *testing.T) {
	bin, data := build(t), filepath.Join(t.TempDir(), "data")
	address := start(t, bin, data)
	script := firstSteps(t)
	if !strings.Contains(script, "127.0.0.1:8080") || !strings.Contains(script, "bin/aro-local") {
		t.Fatalf("the steps name neither the default port nor the program:\n%s", script)
	}
	script = strings.NewReplacer("127.0.0.1:8080", address, "bin/aro-local", filepath.Join(bin, "aro-local"),
		"demo.kubeconfig", filepath.Join(t.TempDir(), "demo.kubeconfig")).Replace(script)

	output := run(t, script)
	for _, want := range []string{
		`"provisioningState":"Creating"`, // step 1
		`"team":"second-steps"`,          // step 4
		"202 Accepted",                   // step 5
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the steps did not print %s", want)
		}
	}
	if nodes := strings.Count(output, " Ready "); nodes != 6 {
		t.Errorf("kubectl showed %d ready nodes, want 3 masters and 3 workers", nodes)
	}
	left, err := os.ReadDir(filepath.Join(data, "clusters"))
	if err != nil || len(left) != 0 {
		t.Errorf("after the delete %v is left of clusters (%v)", left, err)
	}
	if processes := controlPlanes(data); processes != "" {
		t.Errorf("after the delete processes are left:\n%s", processes)
	}
	if t.Failed() {
		t.Logf("the steps printed\n%s", output)
	}
}

// firstSteps is the second block of shell commands in the README.
func firstSteps(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 2 || !strings.Contains(blocks[0][1], "make run") {
		t.Fatalf("the README has %d blocks of commands; the first must be `make run`, the second the steps", len(blocks))
	}
	return blocks[1][1]
}

// build makes both programs, as `make build` does.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for program, folder := range map[string]string{"aro": root, "aro-local": ".."} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		command := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", filepath.Join(bin, program), "./cmd/"+program)
		command.Dir = folder
		output, err := command.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, output)
		}
	}
	return bin
}

// start runs aro-local until the test ends and returns the provider's address.
func start(t *testing.T, bin, data string) string {
	t.Helper()
	address := freeAddress(t)
	var output strings.Builder
	command := exec.Command(filepath.Join(bin, "aro-local"), "--data", data, "--listen", address)
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
			t.Logf("aro-local printed\n%s", output.String())
		}
	})
	ready := fmt.Sprintf("until curl -sf http://%s/healthz/ready; do sleep 0.2; done; "+
		"until curl -s http://%s/admin/clusters | grep -q value; do sleep 0.2; done; sleep 1", address, address)
	run(t, ready)
	return address
}

// run runs a script of shell commands, bounded in time.
func run(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	command.Dir = root
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = time.Second
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v (%v); the commands printed\n%s", err, context.Cause(ctx), output)
	}
	return string(output)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// controlPlanes lists processes that still serve a cluster below the data directory.
func controlPlanes(data string) string {
	output, _ := exec.Command("pgrep", "-af", "aro-local control-plane .*"+regexp.QuoteMeta(data)).Output()
	return string(output)
}
