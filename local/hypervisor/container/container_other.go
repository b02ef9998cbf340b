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
