package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// system are what programs need of the machine besides themselves. What is not
// there they do without.
var system = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/passwd",
	"/etc/group", "/etc/localtime", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/mime.types", "/etc/services", "/etc/protocols",
}

// devices are those that have no state.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// Command is the process of a container, to be started by its caller. self is a
// program that calls Main with its standard input.
func Command(self []string, spec Spec) (*exec.Cmd, error) {
	content, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	command := exec.Command(self[0], self[1:]...)
	command.Stdin = strings.NewReader(string(content)) // may hold secrets: not among the arguments
	command.Env = []string{}
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
		Setsid:      true,
	}
	return command, nil
}

// Main makes of its process, which Command started, the container's: it returns only
// if that fails.
func Main(input io.Reader) error {
	runtime.LockOSThread()
	var spec Spec
	if err := json.NewDecoder(input).Decode(&spec); err != nil {
		return fmt.Errorf("container: %w", err)
	}
	if err := spec.enter(); err != nil {
		return fmt.Errorf("container: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("container: %w", err)
	}
	if err := unix.Dup3(int(null.Fd()), 0, 0); err != nil {
		return fmt.Errorf("container: %w", err)
	}
	return fmt.Errorf("container: %s: %w", spec.path(), syscall.Exec(spec.path(), append([]string{spec.path()}, spec.Args...), spec.Env))
}

// enter makes the container's file system and moves into it.
func (s *Spec) enter() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	if err := unix.Mount("tmpfs", s.Root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	for _, path := range system {
		if err := s.show(Mount{Source: path, Target: path, ReadOnly: true}, true); err != nil {
			return err
		}
	}
	for _, path := range devices {
		if err := s.show(Mount{Source: path, Target: path}, true); err != nil {
			return err
		}
	}
	for path, mode := range map[string]fs.FileMode{"/proc": 0o555, "/tmp": 0o1777, "/var/tmp": 0o1777, "/run": 0o755, "/old": 0o700} {
		if err := os.MkdirAll(filepath.Join(s.Root, path), mode); err != nil {
			return err
		}
	}
	// A machine that is a container itself may not allow it; programs do without.
	_ = unix.Mount("proc", filepath.Join(s.Root, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	for _, mount := range append([]Mount{{Source: s.Program, Target: s.path(), ReadOnly: true}}, s.Mounts...) {
		if err := s.show(mount, false); err != nil {
			return err
		}
	}
	return s.pivot()
}

// pivot leaves the machine's file system behind.
func (s *Spec) pivot() error {
	if err := unix.PivotRoot(s.Root, filepath.Join(s.Root, "old")); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/old", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("the machine's files: %w", err)
	}
	_ = os.Remove("/old")
	if s.Hostname != "" {
		if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
			return fmt.Errorf("hostname: %w", err)
		}
	}
	if s.Dir != "" {
		return os.Chdir(s.Dir)
	}
	return nil
}

// show mounts what is there; optional is what may be missing.
func (s *Spec) show(mount Mount, optional bool) error {
	info, err := os.Lstat(mount.Source)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	target := filepath.Join(s.Root, filepath.Clean("/"+mount.Target))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 && optional {
		if link, err := os.Readlink(mount.Source); err == nil && !filepath.IsAbs(link) && filepath.Dir(mount.Source) == "/" {
			return os.Symlink(link, target) // /bin, for example, is in /usr
		}
		if info, err = os.Stat(mount.Source); err != nil {
			return nil //nolint:nilerr // it leads nowhere
		}
	}
	if info.IsDir() {
		err = os.MkdirAll(target, 0o755)
	} else {
		var file *os.File
		if file, err = os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			err = file.Close()
		}
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(mount.Source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s: %w", mount.Target, err)
	}
	if !mount.ReadOnly {
		return nil
	}
	// Mounts below become read-only as well.
	attributes := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, target, unix.AT_RECURSIVE, &attributes); err != nil {
		return fmt.Errorf("mount %s read-only: %w", mount.Target, err)
	}
	return nil
}
