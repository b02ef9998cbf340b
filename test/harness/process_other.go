//go:build !linux

package harness

import "syscall"

// diesWithParent has no counterpart outside Linux.
func diesWithParent() *syscall.SysProcAttr { return nil }
