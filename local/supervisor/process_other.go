//go:build !linux

package supervisor

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes keep the terminal's Ctrl-C for us alone. A program that outlives us
// is found by its pid file at the next start.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// startOf is when the process started, from ps; empty when it has ended.
func startOf(pid int) string {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(out)), "-")
}
