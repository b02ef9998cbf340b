// Package container runs a program of this machine as if it were in a container: it
// sees the machine's system read-only, the directories that it is given, and no
// process but its own. Only the network is the machine's.
//
// It needs Linux and its user namespaces, and no rights. It knows no pods.
package container

import (
	"errors"
	"path/filepath"
)

// Mount shows a file or a directory of this machine in the container.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// Spec is what runs in a container, and what that sees.
type Spec struct {
	Root     string // an empty directory, for nothing else
	Program  string // of this machine
	Args     []string
	Env      []string
	Dir      string // to begin in
	Hostname string
	Mounts   []Mount
}

// ErrUnsupported is Command's error on a machine that cannot isolate containers.
var ErrUnsupported = errors.New("this machine has no user namespaces, which keep the processes of pods apart")

// programDir is where the program is in the container.
const programDir = "/opt/program"

// path is the program's in the container.
func (s *Spec) path() string { return filepath.Join(programDir, filepath.Base(s.Program)) }
