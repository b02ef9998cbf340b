package install_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/backend/install"
)

// program is a real one, made of shell.
func program(t *testing.T, does string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexport PATH=/usr/bin:/bin\n"+does+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func installer(program string, log *bytes.Buffer) *install.Installer {
	return &install.Installer{Program: program, Timeout: 2 * time.Minute, Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
}

func resultFile(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "test", "contract", "installer-result.json"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheProgramGetsTheRequestAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	req := read[install.Request](t, example(t, requests[0]))
	t.Setenv("ARO_TEST_CANARY", "environment")
	var log bytes.Buffer
	i := installer(program(t, "cat >"+dir+"/stdin; env >"+dir+"/env; echo $# >"+dir+"/args; cat "+resultFile(t)), &log)
	result, err := i.Run(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	same(t, write(t, result), example(t, "installer-result.json"))
	got, _ := os.ReadFile(filepath.Join(dir, "stdin"))
	same(t, got, example(t, requests[0]))
	if args, _ := os.ReadFile(filepath.Join(dir, "args")); string(args) != "0\n" {
		t.Errorf("it got %s arguments", args)
	}
	if env, _ := os.ReadFile(filepath.Join(dir, "env")); bytes.Contains(env, []byte("CANARY")) || len(env) == 0 {
		t.Errorf("it got the environment %s", env)
	}
	if !strings.Contains(log.String(), req.ClusterID) {
		t.Errorf("the log does not say whose it was: %s", &log)
	}
}

func TestAProgramThatFailsIsAnError(t *testing.T) {
	result := resultFile(t)
	for name, test := range map[string]struct {
		does  string
		asset string
		says  string
	}{
		"saying why":                   {`echo '{"error":{"message":"no size","asset":"*machines.Master"}}'; exit 1`, "*machines.Master", "installer: asset *machines.Master: no size"},
		"saying why, without asset":    {`echo '{"error":{"message":"no size"}}'; exit 1`, "", "installer: no size"},
		"saying why with code 0":       {`echo '{"error":{"message":"no size"}}'`, "", "installer: no size"},
		"without saying why":           {`exit 3`, "-", "exit status 3"},
		"by a signal":                  {`kill -9 $$`, "-", "signal: killed"},
		"with a result but code 1":     {`cat ` + result + `; exit 1`, "-", "exit status 1"},
		"with no JSON":                 {`echo canary`, "-", "not JSON"},
		"with nothing":                 {`exit 0`, "-", "not JSON"},
		"with two documents":           {`cat ` + result + " " + result, "-", "not JSON"},
		"with another form":            {`echo '{"rootCA":"canary"}'`, "-", "another form"},
		"with half a result":           {`echo '{"networkType":"x","graph":{"a":1},"rootCA":{"cert":"x"}}'`, "-", "lacks bootstrapIgnition, masterIgnition, workerIgnition, adminKubeconfig, kubeadminPassword, metadata, rootCA, adminKubeconfigSigner"},
		"with a result without end":    {`while :; do head -c 1000000 /dev/zero || exit; done`, "-", "too large"},
		"with a broken pipe for stdin": {`exec <&-; echo '{"error":{"message":"early"}}'; exit 1`, "", "early"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			_, err := installer(program(t, test.does), &log).Run(t.Context(), read[install.Request](t, example(t, requests[0])))
			if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error()+log.String(), "canary") {
				t.Fatalf("got %v, want %q; log %s", err, test.says, &log)
			}
			var failed *install.Error
			if errors.As(err, &failed) != (test.asset != "-") || failed != nil && failed.Asset != test.asset {
				t.Errorf("got %#v, want the asset %q", err, test.asset)
			}
		})
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "aro-installer")
	if _, err := installer(path, &log).Run(t.Context(), install.Request{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

// Its children are killed too, though they hold its output open.
func TestAProgramThatDoesNotEndIsKilledWithItsChildren(t *testing.T) {
	const does = "trap '' TERM INT; sleep 600 & echo $! >%[1]s.new; mv %[1]s.new %[1]s; wait; wait; sleep 600"
	for name, test := range map[string]struct {
		timeout time.Duration
		cancel  bool
		want    string
	}{
		"by its timeout": {timeout: 5 * time.Second, want: "no result after 5s"},
		"by its caller":  {timeout: 2 * time.Minute, cancel: true, want: context.Canceled.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "pid")
			var log bytes.Buffer
			i := installer(program(t, fmt.Sprintf(does, pidFile)), &log)
			i.Timeout = test.timeout
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.cancel {
				go func() {
					eventually(func() bool { _, err := os.Stat(pidFile); return err == nil })
					cancel()
				}()
			}
			started := time.Now()
			_, err := i.Run(ctx, install.Request{})
			if took := time.Since(started); err == nil || !strings.Contains(err.Error(), test.want) || took > time.Minute {
				t.Fatalf("got %v after %s", err, took)
			}
			mustEnd(t, pidFile)
		})
	}
}

// eventually waits until something is so, up to a limit.
func eventually(so func() bool) bool {
	for range 1000 {
		if so() {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

func mustEnd(t *testing.T, pidFile string) {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return syscall.Kill(pid, 0) != nil || err == nil && bytes.Contains(state, []byte(") Z "))
	}) {
		t.Errorf("process %d lives on", pid)
	}
}

type line struct {
	Level, Msg, Message, Cluster string
}

func logLines(t *testing.T, log *bytes.Buffer) (all []line) {
	t.Helper()
	for text := range bytes.Lines(log.Bytes()) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		if l.Msg == "installer" {
			all = append(all, l)
		}
	}
	return all
}

func TestWhatTheProgramLogsIsInOurLogAtItsLevel(t *testing.T) {
	req := read[install.Request](t, example(t, requests[1]))
	key := strings.Split(string(req.WorkloadIdentity.BoundServiceAccountSigningKey), "\n")[1]
	does := strings.Join([]string{
		`cat >&2 <<'END'`,
		`{"level":"debug","msg":"one"}`,
		`{"level":"info","msg":"two","secret":"x"}`,
		`{"level":"warning","msg":"three"}`,
		`{"level":"fatal","msg":"four"}`,
		`panic: of its own`,
		`key ` + key,
		`{"level":"info","msg":"` + strings.ReplaceAll(string(req.PullSecret), `"`, `\"`) + `"}`,
		`{"level":"info","msg":"of dG9rZW46ZXhhbXBsZS1wdWxsLXNlY3JldA=="}`,
		strings.Repeat("long ", 1000),
		`{"level":"info",`,
		`END`,
		`printf 'no end' >&2`,
		`cat ` + resultFile(t),
	}, "\n")
	var log bytes.Buffer
	if _, err := installer(program(t, does), &log).Run(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	want := []line{
		{Level: "DEBUG", Message: "one"}, {Level: "INFO", Message: "two"}, {Level: "WARN", Message: "three"}, {Level: "ERROR", Message: "four"},
		{Level: "WARN", Message: "panic: of its own"}, {Level: "WARN", Message: "key [secret]"}, {Level: "INFO", Message: "[secret]"}, {Level: "INFO", Message: "of [secret]"},
		{Level: "WARN", Message: strings.Repeat("long ", 1000)[:2048]}, {Level: "WARN", Message: `{"level":"info",`},
	}
	got := logLines(t, &log)
	if len(got) != len(want) {
		t.Fatalf("got %d lines, want %d: %s", len(got), len(want), &log)
	}
	for i := range want {
		if got[i].Level != want[i].Level || got[i].Message != want[i].Message || got[i].Cluster != req.ClusterID {
			t.Errorf("line %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if strings.Contains(log.String(), key) || strings.Contains(log.String(), `"x"`) {
		t.Errorf("a secret is in the log: %s", &log)
	}
}

func TestAProgramThatSaysTooMuchIsCutShort(t *testing.T) {
	var log bytes.Buffer
	does := `i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; cat ` + resultFile(t)
	if _, err := installer(program(t, does), &log).Run(t.Context(), install.Request{}); err != nil {
		t.Fatal(err)
	}
	if n := len(logLines(t, &log)); n != 300 || !strings.Contains(log.String(), "says too much") {
		t.Errorf("got %d lines", n)
	}
}

func TestTheRealProgramFitsTheContract(t *testing.T) {
	path := filepath.Join("..", "..", "bin", "aro-installer")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; build it: make bin/aro-installer", err)
	}
	for _, name := range requests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			result, err := installer(path, &log).Run(t.Context(), read[install.Request](t, example(t, name)))
			if err != nil {
				t.Fatal(err)
			}
			if stored := read[install.Result](t, write(t, result)); !bytes.Equal(write(t, stored), write(t, result)) {
				t.Error("stored, it is another")
			}
		})
	}
}
