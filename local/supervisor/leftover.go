package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// killPatience bounds the wait for a killed process to be gone.
const killPatience = 10 * time.Second

// StopLeftover ends the process that pidFile names, if it still runs, and
// removes the file. A process that merely got the same number is left alone.
func StopLeftover(pidFile string) error {
	content, err := os.ReadFile(pidFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("leftover process: %w", err)
	}
	var pid int
	var start string
	if n, _ := fmt.Sscan(string(content), &pid, &start); n == 2 && pid > 1 {
		for deadline := time.Now().Add(killPatience); startOf(pid) == start; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				return fmt.Errorf("leftover process %d does not end", pid)
			}
			killGroup(pid)
		}
	}
	if err := os.Remove(pidFile); err != nil {
		return fmt.Errorf("leftover process: %w", err)
	}
	return nil
}

// writePID notes the process and when it started, for numbers are used again.
func writePID(path string, pid int) error {
	return os.WriteFile(path, fmt.Appendf(nil, "%d %s\n", pid, startOf(pid)), 0o600)
}

// Lock makes this process the only user of a directory, until it ends, however
// it ends. The file at path is created; unlock is for those who go on living.
func Lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		_ = file.Close()
		return nil, fmt.Errorf("%s is held by process %s, which uses this directory already: stop it, or choose another directory",
			path, strings.TrimSpace(string(holder)))
	}
	if err := file.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(file, os.Getpid()) // only for people to read
	}
	return func() { _ = file.Close() }, nil
}
