// Package supervisor keeps programs running on this machine: it restarts programs that end, stops
// them on request, and finds what a killed predecessor left.
//
// It does not know what the programs do; it passes on no data of theirs.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// firstDelay doubles with every early end in a row until it is maxDelay.
	firstDelay = 200 * time.Millisecond
	maxDelay   = 10 * time.Second
	// healthyAfter is how long a program must have run for its end not to be early.
	healthyAfter = 10 * time.Second
	// maxLog is the size in bytes at which a log is rotated.
	maxLog = 16 << 20
)

// Process is a program that Run keeps running. Set the exported fields before
// Run; they are not to be changed afterwards.
type Process struct {
	Name    string   // for people
	Path    string   // of the program
	Args    []string // after the program's name
	Env     []string // KEY=VALUE, beside this process's own; for what others may not see in a list of processes
	LogFile string   // gets what the program writes; the one before is LogFile.1
	PIDFile string   // is there while the program runs
	// Grace is how long the program may take to stop before it is killed.
	Grace time.Duration
	// Ready waits until the program can do what it is for, and is false if ctx ends
	// before. Without it, a program is ready when it has run for a while.
	Ready func(ctx context.Context) bool
	// GiveUpAfter is the number of times in a row that the program may end by itself
	// before it was ready; 0 means any number. A program that was never ready and ends
	// twice for the same reason is given up at once: a wrong setting does not go away.
	// Ends by a signal do not count.
	GiveUpAfter int
	Log         *slog.Logger

	mu      sync.Mutex
	running *os.Process
	exit    error
}

// Run starts the program, and starts it again after a growing delay whenever it
// ends. It returns nil when ctx ended and the program is gone, and an error with
// the program's reason when it gave up.
func (p *Process) Run(ctx context.Context) error {
	// On Linux the program dies with the thread that started it; locked to this
	// goroutine, that thread lives until Run returns.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var h history
	for {
		started, written := time.Now(), size(p.LogFile)
		ready, exit := p.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		err := p.why(exit, written)
		delay := h.delay(time.Since(started))
		h.add(ready, killed(exit), err)
		if h.hopeless(p.GiveUpAfter) {
			return fmt.Errorf("%s does not start: %w; its log is %s", p.Name, err, p.LogFile)
		}
		if h.failures != 1 || p.GiveUpAfter == 0 { // the second failure decides what there is to say
			p.Log.WarnContext(ctx, "a program ended and is started again", "program", p.Name, "exit", err.Error(), "delay", delay.String())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

// PID is that of the running program, 0 while there is none.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		return 0
	}
	return p.running.Pid
}

// Exit is how the program ended last; nil if it never did.
func (p *Process) Exit() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

// Kill ends the program at once. Unless the context of Run ended before, it is
// started again.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		killGroup(p.running.Pid)
	}
}

// killed reports whether a signal ended the program.
func killed(exit error) bool {
	failure, ok := errors.AsType[*exec.ExitError](exit)
	if !ok {
		return false
	}
	status, ok := failure.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

// once runs the program until it ends or ctx does, and reports whether it was ready.
func (p *Process) once(ctx context.Context) (ready bool, exit error) {
	cmd, err := p.start(ctx)
	if err != nil {
		p.ended(err)
		return false, err
	}
	wasReady := p.awaitReady(ctx)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		p.stop()
	})
	err = cmd.Wait()
	if err == nil {
		err = errors.New("exit status 0")
	}
	killGroup(cmd.Process.Pid) // whatever it started ends with it
	p.ended(err)
	if !stop() {
		<-stopped
	}
	return wasReady(), err
}

// awaitReady waits for the program in the background, until the function that it
// returns is called, which reports whether the program was ready.
func (p *Process) awaitReady(ctx context.Context) func() bool {
	if p.Ready == nil {
		started := time.Now()
		return func() bool { return time.Since(started) >= healthyAfter }
	}
	ctx, cancel := context.WithCancel(ctx)
	ready := make(chan bool, 1)
	go func() { ready <- p.Ready(ctx) }()
	return func() bool {
		cancel()
		return <-ready
	}
}

func (p *Process) start(ctx context.Context) (*exec.Cmd, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	log, err := openLog(p.LogFile)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", p.Name, err)
	}
	defer func() { _ = log.Close() }() // the program has its own
	cmd := exec.Command(p.Path, p.Args...)
	if len(p.Env) > 0 {
		cmd.Env = append(cmd.Environ(), p.Env...)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	if err := writePID(p.PIDFile, cmd.Process.Pid); err != nil {
		killGroup(cmd.Process.Pid)
		return nil, errors.Join(fmt.Errorf("pid of %s: %w", p.Name, err), cmd.Wait())
	}
	p.running = cmd.Process
	return cmd, nil
}

func (p *Process) ended(exit error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running, p.exit = nil, exit
	_ = os.Remove(p.PIDFile)
}

// stop signals the program to end, and kills it after its grace.
func (p *Process) stop() {
	pid := p.PID()
	if pid == 0 {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	for deadline := time.Now().Add(p.Grace); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if p.PID() != pid {
			return
		}
	}
	p.Kill()
}

// killGroup ends a program that attributes made the leader of its group, and
// all that it started.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
