// Package harness builds and runs real `aro rp` processes for tests, provides
// simulated control planes, and has the bodies and requests that the tests in the
// neighbouring folders send.
//
// It accesses the service from outside only: processes, sockets, log lines. It has
// no expectations of the service; those belong to the tests.
package harness

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	buildTimeout = 8 * time.Minute
	startTimeout = 30 * time.Second
	stopTimeout  = 60 * time.Second
	// maxLine bounds one log line, in bytes.
	maxLine = 1 << 20
)

// Build compiles the resource provider with simulated plans, and returns the binary's path.
// All packages share the binary: linking takes longer than most of their tests, and Go
// leaves it as it is while its sources do not change.
func Build() (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("build aro: the source folder is not known")
	}
	root := filepath.Join(filepath.Dir(here), "..", "..")
	binary := filepath.Join(root, ".cache", "test", "aro")
	cmd := exec.Command("go", "build", "-o", binary, "./test/simulated/aro")
	cmd.Dir = root
	timer := time.AfterFunc(buildTimeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build aro: %w\n%s", err, out)
	}
	return binary, nil
}

// Options are those of one `aro rp`. The zero value of a duration is the program's
// own default.
type Options struct {
	// Binary is the path of aro, as Build returns it.
	Binary string
	// Store is the value of --store.
	Store string
	// ControlPlanes is the value of --control-planes.
	ControlPlanes string
	// Lease and Poll shorten how long a dead worker's cluster rests.
	Lease, Poll time.Duration
	// BackendOnly leaves the API to other processes: URL stays empty.
	BackendOnly bool
	// Listen is a free address, for a process whose log has no line when it is ready.
	// Otherwise one is chosen.
	Listen string
	// Args are further flags.
	Args []string
	// OnLine is called for every log line, one at a time, while the process runs.
	OnLine func(*Process, Line)
}

// Line is one log line. Attrs is nil if it is not JSON.
type Line struct {
	Text  string
	Attrs map[string]any
}

// Message is the line's msg.
func (l Line) Message() string { return l.Attr("msg") }

// Attr is an attribute as text, empty if there is none. Grouped attributes are
// found by their dotted path.
func (l Line) Attr(name string) string {
	var at any = l.Attrs
	for part := range strings.SplitSeq(name, ".") {
		m, _ := at.(map[string]any)
		at = m[part]
	}
	if at == nil {
		return ""
	}
	if s, ok := at.(string); ok {
		return s
	}
	return fmt.Sprint(at)
}

// Process is one running `aro rp`.
type Process struct {
	// URL is where it listens, without a trailing slash; empty if it does not.
	URL string

	cmd    *exec.Cmd
	onLine func(*Process, Line)
	exited chan struct{}
	err    error // of Wait; to be read after exited

	mu     sync.Mutex
	output strings.Builder
}

// Start runs `aro rp` on a free loopback port and waits until it listens, or works
// if that is all it does. The test's end kills it.
func Start(t testing.TB, o Options) *Process {
	t.Helper()
	p, err := Launch(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		p.CheckSound(t)
	})
	return p
}

// CheckSound fails the test if the process panicked, even where it recovered, or
// if it was built with the race detector and that found something.
func (p *Process) CheckSound(t testing.TB) {
	t.Helper()
	output := p.Output()
	for _, sign := range []string{"WARNING: DATA RACE", "\"msg\":\"panic\"", "\"msg\":\"step panicked\"", "\ngoroutine "} {
		if i := strings.Index(output, sign); i >= 0 {
			t.Errorf("aro is not sound: %.2000s", output[i:])
		}
	}
}

// Launch is Start for callers outside of tests; they must call Kill or Stop.
func Launch(o Options) (*Process, error) {
	args := []string{"rp", "--listen", cmp.Or(o.Listen, "127.0.0.1:0"), "--store", o.Store}
	if o.ControlPlanes != "" {
		args = append(args, "--control-planes", o.ControlPlanes)
	}
	ready := "listening"
	if o.BackendOnly {
		ready = "working on clusters"
		args = append(args, "--no-server")
	}
	if o.Lease > 0 {
		args = append(args, "--lease", o.Lease.String())
	}
	if o.Poll > 0 {
		args = append(args, "--poll", o.Poll.String())
	}
	p := &Process{cmd: exec.Command(o.Binary, append(args, o.Args...)...), onLine: o.OnLine, exited: make(chan struct{})}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start aro: %w", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = write, write
	p.cmd.SysProcAttr = diesWithParent()
	err = p.cmd.Start()
	_ = write.Close() // the child has its own
	if err != nil {
		_ = read.Close()
		return nil, fmt.Errorf("start aro: %w", err)
	}
	first := make(chan Line, 1)
	go p.read(read, ready, first)
	if o.Listen != "" {
		go p.knock(o.Listen, first)
	}
	return p, p.await(first)
}

// await waits for the line that the process logs when it is ready.
func (p *Process) await(ready <-chan Line) error {
	select {
	case line := <-ready:
		if address := line.Attr("address"); address != "" {
			p.URL = "http://" + address
		}
		return nil
	case <-p.exited:
		return fmt.Errorf("aro ended before it was ready: %w\n%s", p.err, p.Output())
	case <-time.After(startTimeout):
		p.Kill()
		return fmt.Errorf("aro was not ready within %s\n%s", startTimeout, p.Output())
	}
}

// knock sends to first when the process listens.
func (p *Process) knock(address string, first chan<- Line) {
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			select {
			case first <- Line{Attrs: map[string]any{"address": address}}:
			default: // the log has shown it
			}
			return
		}
		select {
		case <-p.exited:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// read reads the output until the process ends. It sends the first line with the
// message ready to first.
func (p *Process) read(output io.ReadCloser, ready string, first chan<- Line) {
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, maxLine)
	told := false
	for lines.Scan() {
		line := Line{Text: lines.Text()}
		_ = json.Unmarshal(lines.Bytes(), &line.Attrs) // not JSON: no attributes
		p.mu.Lock()
		p.output.WriteString(line.Text + "\n")
		p.mu.Unlock()
		if !told && line.Message() == ready {
			told = true
			select {
			case first <- line:
			default: // it was found listening
			}
		}
		if p.onLine != nil {
			p.onLine(p, line)
		}
	}
	_, _ = io.Copy(io.Discard, output) // an endless line must not block the process
	_ = output.Close()
	p.err = p.cmd.Wait()
	close(p.exited)
}

// ID returns the process id.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Output is everything the process has written so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Shoot sends SIGKILL and does not wait; OnLine may call it.
func (p *Process) Shoot() { _ = p.cmd.Process.Kill() }

// Pause stops the process, as when a machine is suspended; Resume continues it. Pause
// returns when no thread runs any more: after the signal alone threads continue until
// one of them has received it.
func (p *Process) Pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(pauseTime); ; time.Sleep(time.Millisecond) {
		stopped, err := isStopped(p.cmd.Process.Pid)
		if err != nil || stopped {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the process did not stop within %s", pauseTime)
		}
	}
}

// pauseTime bounds how long a process takes to stop after SIGSTOP.
const pauseTime = 30 * time.Second

// isStopped reports whether every thread of a process is stopped.
func isStopped(pid int) (bool, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return false, fmt.Errorf("threads of process %d: %w", pid, cmp.Or(err, os.ErrNotExist))
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			return false, nil //nolint:nilerr // it ended meanwhile
		}
		// The state follows the program's name, which may hold anything but ends with the last ")".
		if _, state, _ := bytes.Cut(text[bytes.LastIndexByte(text, ')'):], []byte(" ")); len(state) == 0 || state[0] != 'T' {
			return false, nil
		}
	}
	return true, nil
}

// Resume ends a Pause.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Kill ends the process with SIGKILL and waits until it is gone. It may be called
// again, but not from OnLine.
func (p *Process) Kill() {
	p.Shoot()
	<-p.exited
}

// Stop ends the process with SIGTERM, as an operator would, and returns how it
// ended; an error if it did not end in time.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop aro: %w", err)
	}
	select {
	case <-p.exited:
		return p.err
	case <-time.After(stopTimeout):
		p.Kill()
		return fmt.Errorf("aro did not stop within %s after SIGTERM", stopTimeout)
	}
}

// Exited is closed when the process is gone.
func (p *Process) Exited() <-chan struct{} { return p.exited }
