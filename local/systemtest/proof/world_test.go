package proof

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	programs = flag.String("programs", "../../../bin", "folder with the programs, as make build leaves them")
	keep     = flag.Bool("keep", false, "keep the data directories of tests")
)

// clustersAtOnce is how many clusters are worked on at the same time: mostly they wait.
const clustersAtOnce = "4"

func TestMain(t *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", clustersAtOnce)
	}
	os.Exit(t.Run())
}

// world is one aro-local: an Azure, the provider and the machines of clusters.
type world struct {
	*session
	dir, address string // of all it keeps; of the provider
	addresses    int    // N of its loopback addresses 127.N and 127.N+1
	process      *os.Process
	service      *session // the provider's
}

const (
	startTimeout = time.Minute
	stopTimeout  = time.Minute
)

// newWorld runs aro-local until the test ends. Settings are KEY=VALUE for it and
// for the provider.
func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	bin, err := filepath.Abs(*programs)
	if err != nil {
		t.Fatal(err)
	}
	// A short path: sockets below it have names of 107 bytes at most.
	dir, err := os.MkdirTemp("", "aro")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, address: freeAddress(t), addresses: freeRange(t)}
	_, port, _ := net.SplitHostPort(freeAddress(t))
	output, err := os.Create(filepath.Join(dir, "aro-local.log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(filepath.Join(bin, "aro-local"), "--data", dir, "--listen", w.address,
		"--azure", "localhost:"+port, "--addresses", strconv.Itoa(w.addresses))
	command.Env = append(os.Environ(), settings...)
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatalf("%v; `make build` makes the programs", err)
	}
	_ = output.Close() // the program has its own
	w.process = command.Process
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { w.stop(t, ended) })
	w.becomesReady(t, ended)
	w.session, w.service = open(t, filepath.Join(dir, "demo.json")), open(t, filepath.Join(dir, "service.json"))
	return w
}

// becomesReady waits until the provider takes requests.
func (w *world) becomesReady(t *testing.T, ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	eventually(ctx, t, "aro-local is ready", func() (bool, error) {
		select {
		case err := <-ended:
			return false, fmt.Errorf("aro-local ended: %w", err)
		default:
		}
		answer, err := http.Get("http://" + w.address + "/healthz/ready")
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK, nil
	})
}

// stop ends all, and tells what happened if the test failed.
func (w *world) stop(t *testing.T, ended <-chan error) {
	_ = w.process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(stopTimeout):
		t.Errorf("aro-local did not stop within %s", stopTimeout)
	}
	_ = syscall.Kill(-w.process.Pid, syscall.SIGKILL)
	if left := w.processes(); len(left) > 0 {
		t.Errorf("after the stop run: %q", left)
	}
	if t.Failed() {
		for _, log := range []string{"aro-local.log", "logs/rp.log"} {
			t.Logf("the end of %s:\n%s", log, tail(filepath.Join(w.dir, log), 12<<10))
		}
	}
	if *keep {
		t.Logf("kept: %s", w.dir)
		return
	}
	if err := os.RemoveAll(w.dir); err != nil {
		t.Errorf("the data directory remains: %v", err)
	}
}

// processes are the arguments of those that run, besides aro-local.
func (w *world) processes() []string { return slices.Collect(maps.Values(w.running())) }

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// worlds counts those that this process had.
var worlds atomic.Int32

const (
	firstRange = 70
	ranges     = 75
)

// freeRange is an N of loopback addresses that no other test on this machine has.
func freeRange(t *testing.T) int {
	t.Helper()
	for try := range ranges {
		n := firstRange + 2*((os.Getpid()+int(worlds.Add(1))+try)%ranges)
		lock, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprintf("aro-addresses-%d.lock", n)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			t.Cleanup(func() { _ = lock.Close() })
			return n
		}
		_ = lock.Close()
	}
	t.Fatal("all loopback addresses are in use")
	return 0
}

// eventually asks until done says so, ctx ends or it fails.
func eventually(ctx context.Context, t *testing.T, what string, done func() (bool, error)) {
	t.Helper()
	if err := until(ctx, done); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func until(ctx context.Context, done func() (bool, error)) error {
	for pause := 50 * time.Millisecond; ; pause = min(pause*3/2, time.Second) {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func tail(path string, most int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
