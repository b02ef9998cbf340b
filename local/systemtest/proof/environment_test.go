package proof

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/systemtest/endpoints"
)

var (
	programs = flag.String("programs", "../../../bin", "folder with the programs, as make build leaves them")
	keep     = flag.Bool("keep", false, "keep the data directories of tests")
	long     = flag.Bool("long", false, "inject each fault in all its steps, as make soak does")
)

// clustersAtOnce is how many clusters are worked on at the same time, those counted
// as one that fail on purpose: mostly they wait, for leases or for tokens.
const clustersAtOnce = "4"

func TestMain(t *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asProgram {
		os.Exit(program())
	}
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", clustersAtOnce)
	}
	os.Exit(t.Run())
}

// environment is one aro-local: an Azure, the provider and the machines of clusters.
type environment struct {
	*session
	dir, address string // of all it keeps; of the provider
	process      *os.Process
	service      *session // the provider's
}

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = time.Minute
	endTimeout   = 10 * time.Second // of processes that a stopping aro-local signals
)

// newEnvironment runs aro-local until the test ends. Settings are KEY=VALUE for it and
// for the provider.
func newEnvironment(t *testing.T, settings ...string) *environment {
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
	room := endpoints.Take(t)
	w := &environment{dir: dir, address: room.Provider}
	output, err := os.Create(filepath.Join(dir, "aro-local.log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(filepath.Join(bin, "aro-local"), "--data", dir, "--listen", w.address,
		"--azure", room.Azure, "--addresses", strconv.Itoa(room.Addresses))
	// The monitor looks at every cluster all the time, and two operators in each one take as much
	// processor time to start as all else of a create. Their proofs ask for them. In the others
	// the service deploys the operator as ever, and its pods are simulated.
	command.Env = append(append(os.Environ(), "ARO_LOCAL_MONITOR=false", "ARO_LOCAL_OPERATOR=false"), settings...)
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatalf("%v; `make build` makes the programs", err)
	}
	_ = output.Close() // the program has its own
	w.process = command.Process
	ended := make(chan error, 1)
	go func() {
		ended <- command.Wait()
		close(ended)
	}()
	t.Cleanup(func() { w.stop(t, ended) })
	w.becomesReady(t, ended)
	w.session, w.service = open(t, filepath.Join(dir, "demo.json")), open(t, filepath.Join(dir, "service.json"))
	return w
}

// becomesReady waits until the provider takes requests.
func (w *environment) becomesReady(t *testing.T, ended <-chan error) {
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

// stop ends all, and tells what happened if the test failed: at once, so that the
// test's own report, which comes when it is over, is the last that is read.
func (w *environment) stop(t *testing.T, ended <-chan error) {
	_ = w.process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(stopTimeout):
		t.Errorf("aro-local did not stop within %s", stopTimeout)
	}
	w.endsAll(t)
	if t.Failed() {
		for _, log := range []string{"aro-local.log", "logs/rp.log"} {
			fmt.Printf("%s: the end of %s:\n%s", t.Name(), log, tail(filepath.Join(w.dir, log), 12<<10))
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

// endsAll waits until no process is left, and kills those that are all the same.
func (w *environment) endsAll(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	var left map[int]string
	err := until(ctx, func() (bool, error) {
		left = w.running()
		return len(left) == 0, nil
	})
	if err != nil {
		t.Errorf("%s after aro-local stopped run: %q", endTimeout, slices.Collect(maps.Values(left)))
	}
	_ = syscall.Kill(-w.process.Pid, syscall.SIGKILL)
	for pid := range left {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// processes are the arguments of those that run, besides aro-local.
func (w *environment) processes() []string { return slices.Collect(maps.Values(w.running())) }

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
