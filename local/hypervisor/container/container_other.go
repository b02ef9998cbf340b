//go:build !linux

package container

import (
	"io"
	"os/exec"
)

// Command is for Linux.
func Command([]string, Spec) (*exec.Cmd, error) { return nil, ErrUnsupported }

// Main is for Linux.
func Main(io.Reader) error { return ErrUnsupported }

// Enter returns a command in the container of a process that Command started.
func Enter(int, []string) (*exec.Cmd, error) { return nil, ErrUnsupported }

// Kill ends a command that Enter returned.
func Kill(*exec.Cmd) {}
