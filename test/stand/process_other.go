//go:build !linux

package stand

import "syscall"

// diesWithParent has no counterpart outside Linux.
func diesWithParent() *syscall.SysProcAttr { return nil }
