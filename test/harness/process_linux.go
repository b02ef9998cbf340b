package harness

import "syscall"

// diesWithParent keeps a killed test run from leaving processes behind.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
