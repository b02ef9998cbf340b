package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is for machines that do much else besides; grace is shorter, so that a
// program that is killed instead of stopped shows.
const (
	patience = 2 * time.Minute
	grace    = patience / 2
)

// shell is a process that runs script with its directory as first argument.
func shell(t *testing.T, script string) *Process {
	t.Helper()
	dir := t.TempDir()
	return &Process{
		Name: "test", Path: "/bin/sh", Args: []string{"-c", script, "sh", dir},
		LogFile: filepath.Join(dir, "log"), PIDFile: filepath.Join(dir, "pid"),
		Grace: grace, Log: slog.New(slog.DiscardHandler),
	}
}

// start runs p and returns a function that ends it and waits.
func start(t *testing.T, p *Process) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- p.Run(ctx) }()
	stopped := false
	stop = func() error {
		cancel()
		if stopped {
			return nil
		}
		stopped = true
		select {
		case err := <-result:
			return err
		case <-time.After(patience):
			t.Fatal("Run does not return")
			return nil
		}
	}
	t.Cleanup(func() { stop() })
	return stop
}

// eventually fails the test if condition does not come true in time.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func lines(path string) int {
	content, _ := os.ReadFile(path)
	return strings.Count(string(content), "\n")
}

func TestProcessThatDiesIsStartedAgain(t *testing.T) {
	p := shell(t, `echo started; [ $(wc -l < $1/log) -ge 3 ] && exec sleep 60; exit 7`)
	stop := start(t, p)
	eventually(t, "a third start", func() bool { return lines(p.LogFile) == 3 && p.PID() != 0 })
	if exit := new(exec.ExitError); !errors.As(p.Exit(), &exit) || exit.ExitCode() != 7 {
		t.Errorf("last exit is %v, want status 7", p.Exit())
	}
	if err := stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestKilledProcessIsStartedAgain(t *testing.T) {
	p := shell(t, `echo started; exec sleep 60`)
	start(t, p)
	eventually(t, "a start", func() bool { return p.PID() != 0 })
	first := p.PID()
	p.Kill()
	eventually(t, "another start", func() bool { return p.PID() != 0 && p.PID() != first })
}

func TestRunGivesUpAfterStartsThatFailInARow(t *testing.T) {
	p := shell(t, `echo started $$; exit 3`)
	p.GiveUpAfter = 3
	err := p.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), p.LogFile) {
		t.Errorf("got %v, want the exit status and where the log is", err)
	}
	if got := lines(p.LogFile); got != 3 {
		t.Errorf("%d starts, want 3", got)
	}
}

func TestRunGivesUpAtOnceWithTheReasonThatTheProgramWrites(t *testing.T) {
	for name, script := range map[string]string{
		"a line":     `echo started; echo "sh: error: the address is taken" >&2; exit 80`,
		"a log line": `echo started; echo '{"level":"ERROR","msg":"stopped","error":"the address is taken"}' >&2; exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			p := shell(t, script)
			p.GiveUpAfter, p.Log = 5, slog.New(slog.NewTextHandler(&said, nil))
			err := p.Run(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "test does not start: the address is taken (exit status ") {
				t.Errorf("got %v, want the program's reason", err)
			}
			if got := lines(p.LogFile); got != 4 {
				t.Errorf("%d lines in the log, want those of 2 starts", got)
			}
			if said.Len() > 0 {
				t.Errorf("said besides: %s", &said)
			}
		})
	}
}

func TestAReasonOfAnEarlierStartIsNotTaken(t *testing.T) {
	p := shell(t, `exit 3`)
	if err := os.WriteFile(p.LogFile, []byte("sh: an earlier reason\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.GiveUpAfter = 2
	if err := p.Run(t.Context()); err == nil || strings.Contains(err.Error(), "earlier") {
		t.Errorf("got %v", err)
	}
}

func TestProcessThatIsKilledOrWasReadyIsNotGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		ready  bool
	}{
		"killed before it is ready": {`echo started; kill -9 $$`, false},
		"ends after it was ready":   {`echo started; exit 3`, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := shell(t, c.script)
			p.GiveUpAfter = 1
			p.Ready = func(ctx context.Context) bool {
				if !c.ready {
					<-ctx.Done()
				}
				return c.ready
			}
			stop := start(t, p)
			eventually(t, "a third start", func() bool { return lines(p.LogFile) >= 3 })
			if err := stop(); err != nil {
				t.Errorf("stopped with %v", err)
			}
		})
	}
}

func TestMissingProgramIsAnError(t *testing.T) {
	p := shell(t, "")
	p.Path, p.GiveUpAfter = "/no/such/program", 1
	if err := p.Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}

func TestStopLetsAProcessFinish(t *testing.T) {
	p := shell(t, `trap 'echo finished; exit 0' TERM; echo started; while :; do sleep 0.05; done`)
	stop := start(t, p)
	eventually(t, "a start", func() bool { return lines(p.LogFile) == 1 })
	stop()
	if content, _ := os.ReadFile(p.LogFile); !strings.HasSuffix(string(content), "finished\n") {
		t.Errorf("log is %q, want the process's own end", content)
	}
	if _, err := os.Stat(p.PIDFile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pid file: %v, want none", err)
	}
}

func TestStopEndsAProcessThatDoesNotListen(t *testing.T) {
	p := shell(t, `trap '' TERM; echo started; while :; do sleep 0.05; done`)
	p.Grace = 200 * time.Millisecond
	stop := start(t, p)
	eventually(t, "a start", func() bool { return lines(p.LogFile) == 1 })
	pid := p.PID()
	stop()
	if startOf(pid) != "" {
		t.Errorf("process %d still runs", pid)
	}
}

func TestWhatAProcessStartedEndsWithIt(t *testing.T) {
	p := shell(t, `sleep 60 & echo $! > $1/grandchild; echo started; wait`)
	stop := start(t, p)
	eventually(t, "a start", func() bool { return lines(p.LogFile) == 1 })
	content, _ := os.ReadFile(filepath.Join(filepath.Dir(p.LogFile), "grandchild"))
	var pid int
	if fmt.Sscan(string(content), &pid); startOf(pid) == "" {
		t.Fatal("the grandchild does not run")
	}
	stop()
	eventually(t, "the end of the grandchild", func() bool { return startOf(pid) == "" })
}

func TestBigLogGivesWayToANewOne(t *testing.T) {
	p := shell(t, `echo started; exec sleep 60`)
	if err := os.WriteFile(p.LogFile, make([]byte, maxLog+1), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, p)
	eventually(t, "a new log", func() bool { return lines(p.LogFile) == 1 })
	if info, err := os.Stat(p.LogFile + ".1"); err != nil || info.Size() != maxLog+1 {
		t.Errorf("the old log: %v", err)
	}
}

func TestLeftoverIsEnded(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	file := filepath.Join(t.TempDir(), "pid")
	if err := writePID(file, cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := StopLeftover(file); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the leftover still runs")
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pid file: %v, want none", err)
	}
}

func TestLeftoverThatIsAnotherProcessIsLeftAlone(t *testing.T) {
	tests := map[string]string{
		"a number used again": fmt.Sprintf("%d 1\n", os.Getpid()), // ending it would end this test
		"a torn file":         fmt.Sprintf("%d", os.Getpid()),
		"an empty file":       "",
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := StopLeftover(file); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOnlyOneHoldsALock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path); err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("got %v, want an error that names the holder", err)
	}
	unlock()
	unlock, err = Lock(path)
	if err != nil {
		t.Fatalf("after unlock: %v", err)
	}
	unlock()
}
