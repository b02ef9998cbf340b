package container

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Enter returns a command in the container of a process that Command started, with that
// process's environment and directory. Its caller starts it, and stops it with Kill.
// The machine needs the program nsenter, which every Linux distribution has.
func Enter(pid int, arguments []string) (*exec.Cmd, error) {
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return nil, fmt.Errorf("this machine has no program to enter containers with: %w", err)
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil, fmt.Errorf("environment of the container: %w", err)
	}
	flags := []string{"--target", strconv.Itoa(pid), "--user", "--preserve-credentials", "--mount", "--uts", "--ipc", "--pid", "--wd", "--"}
	command := exec.Command(nsenter, append(flags, arguments...)...)
	command.Env = strings.FieldsFunc(string(environment), func(r rune) bool { return r == 0 })
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return command, nil
}

// Kill ends a command that Enter returned, and what it started.
func Kill(command *exec.Cmd) { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
