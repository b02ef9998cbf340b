package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// attributes let a program die with us, even when we are killed, and keep the
// terminal's Ctrl-C for us alone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// startOf is when the process started, in ticks since boot; empty when it is gone.
func startOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field is a name in parentheses that may hold anything; the
	// state is the first after it, the start the twentieth.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 || bytes.ContainsAny(fields[0], "ZX") {
		return ""
	}
	return string(fields[19])
}
