package container_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/hypervisor/container"
)

const asContainer = "as-container"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asContainer {
		fmt.Fprintln(os.Stderr, container.Main(os.Stdin))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// run runs a shell in a container.
func run(t *testing.T, script string, mounts ...container.Mount) string {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	if shell, err = filepath.EvalSymlinks(shell); err != nil {
		t.Fatal(err)
	}
	command, err := container.Command([]string{os.Args[0], asContainer}, container.Spec{
		Root: t.TempDir(), Program: shell, Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin", "WORD=told"}, Hostname: "one", Mounts: mounts,
	})
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s", err, output.String())
	}
	return output.String()
}

func TestContainerSeesWhatItIsGivenAndNothingElse(t *testing.T) {
	secrets, data := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(secrets, "token"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	others := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(others, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := run(t, `cat /var/run/secrets/token; echo; hostname; echo $WORD; echo pid $$; ls /proc | grep -c '^[0-9]'
cat `+others+` 2>&1; echo x > /var/run/secrets/token 2>/dev/null && echo wrote; echo x > /usr/x 2>/dev/null && echo wrote
ls /root /home 2>/dev/null; echo kept > /data/file; env | sort`,
		container.Mount{Source: secrets, Target: "/var/run/secrets", ReadOnly: true}, container.Mount{Source: data, Target: "/data"})
	lines := strings.Split(told, "\n")
	for i, want := range []string{"mine", "one", "told", "pid 1"} {
		if len(lines) <= i || lines[i] != want {
			t.Errorf("line %d is not %q:\n%s", i, want, told)
		}
	}
	for _, leak := range []string{"theirs", "wrote", "HOME="} {
		if strings.Contains(told, leak) {
			t.Errorf("%q in\n%s", leak, told)
		}
	}
	if !strings.Contains(told, "No such file") {
		t.Errorf("another's file is there:\n%s", told)
	}
	if kept, err := os.ReadFile(filepath.Join(data, "file")); err != nil || string(kept) != "kept\n" {
		t.Errorf("%q, %v", kept, err)
	}
}

// TestCommandsEnterAContainer runs one where a program is, as kubectl exec does.
func TestCommandsEnterAContainer(t *testing.T) {
	data := t.TempDir()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	if shell, err = filepath.EvalSymlinks(shell); err != nil {
		t.Fatal(err)
	}
	program, err := container.Command([]string{os.Args[0], asContainer}, container.Spec{
		Root: t.TempDir(), Program: shell, Args: []string{"-c", "echo mine > /tmp/file; echo ready > /data/ready; while :; do sleep 1; done"}, Dir: "/data",
		Env: []string{"PATH=/usr/bin:/bin", "WORD=told twice"}, Hostname: "one", Mounts: []container.Mount{{Source: data, Target: "/data"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = program.Process.Kill()
		_ = program.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(data, "ready")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the program does not begin")
		}
	}
	command, err := container.Enter(program.Process.Pid, []string{"sh", "-c", `cat; cat /tmp/file; echo $WORD; hostname; pwd; kill -0 1 && echo sees it; exit 7`})
	if err != nil {
		t.Fatal(err)
	}
	command.Stdin = strings.NewReader("from outside\n")
	output, err := command.CombinedOutput()
	if want := "from outside\nmine\ntold twice\none\n/data\nsees it\n"; string(output) != want || command.ProcessState.ExitCode() != 7 {
		t.Errorf("%v, %q; want %q", err, output, want)
	}
	endless, err := container.Enter(program.Process.Pid, []string{"sleep", "3600"})
	if err != nil {
		t.Fatal(err)
	}
	if err := endless.Start(); err != nil {
		t.Fatal(err)
	}
	container.Kill(endless)
	if err := endless.Wait(); err == nil {
		t.Error("a killed command ended well")
	}
}
