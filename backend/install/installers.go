package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// askTimeout bounds how long a program may take to report its build.
	askTimeout = time.Minute
	// maxBuild bounds a build report, in bytes: many times its usual size.
	maxBuild = 64 << 10
)

// Build identifies a program, as it reports itself.
type Build struct {
	Version string `json:"version"`
	// OpenShift is the minor release that it installs, such as 4.19.
	OpenShift string `json:"openshift"`
	// Installer is the version of the OpenShift installer in it.
	Installer string `json:"installer"`
}

// String is for people and for the cluster's record.
func (b Build) String() string {
	return fmt.Sprintf("aro-installer %s (OpenShift installer %s)", b.Version, b.Installer)
}

// Release is the version of OpenShift that a cluster gets.
type Release struct {
	Version string
	// Image is the pullspec of an installer's image; empty stands for the service's
	// program of the minor release.
	Image string
}

// minor is the x.y of x.y.z.
func (r Release) minor() string {
	parts := strings.SplitN(r.Version, ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// Program is an aro-installer on this machine.
type Program struct {
	Path  string
	Build Build
}

// Runtime runs images: podman, docker or another program with the same arguments.
type Runtime struct {
	Path string
	// Env is the environment that it needs, such as PATH and HOME.
	Env []string
}

// Installers install the releases of OpenShift. They may be used from many
// goroutines at once.
type Installers struct {
	// Programs by minor release, such as 4.19.
	Programs map[string]Program
	// Runtime is nil where none is available: images cannot be run then.
	Runtime *Runtime
	Log     *slog.Logger
}

// Find queries the programs for their builds. Each is named by its path, by MINOR=PATH, or by the
// directory that it is in.
func Find(ctx context.Context, names []string) (map[string]Program, error) {
	found := map[string]Program{}
	for _, name := range names {
		minor, path, stated := strings.Cut(name, "=")
		if !stated {
			minor, path = "", name
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		programs, err := programsAt(path)
		if err != nil {
			return nil, err
		}
		for _, program := range programs {
			build, err := command{path: program}.build(ctx, askTimeout)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", program, err)
			}
			if stated && build.OpenShift != minor {
				return nil, fmt.Errorf("%s installs OpenShift %s, not %s", program, build.OpenShift, minor)
			}
			if other, twice := found[build.OpenShift]; twice {
				return nil, fmt.Errorf("%s and %s both install OpenShift %s: name one of them", other.Path, program, build.OpenShift)
			}
			found[build.OpenShift] = Program{Path: program, Build: build}
		}
	}
	return found, nil
}

// programsAt returns a program, or the programs of a directory.
func programsAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir() && !executable(info):
		return nil, fmt.Errorf("%s is not an executable file", path)
	case !info.IsDir():
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, entry := range entries {
		// Links are followed: mounted secrets and images are full of them.
		program := filepath.Join(path, entry.Name())
		if info, err := os.Stat(program); err == nil && executable(info) {
			all = append(all, program)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the directory %s contains no installer", path)
	}
	return all, nil
}

func executable(info fs.FileInfo) bool { return info.Mode().IsRegular() && info.Mode()&0o111 != 0 }

// Can returns the reason why a release cannot be installed; nil if it can.
func (i *Installers) Can(r Release) error {
	if r.Image != "" {
		if i.Runtime == nil {
			return errors.New("it is installed by an image, and this machine has no container runtime (podman, docker or nerdctl)")
		}
		return nil
	}
	if _, ok := i.Programs[r.minor()]; !ok {
		return fmt.Errorf("there is no installer of OpenShift %s, only of %s", r.minor(), strings.Join(i.minors(), ", "))
	}
	return nil
}

func (i *Installers) minors() []string {
	if len(i.Programs) == 0 {
		return []string{"none"}
	}
	var all []string
	for minor := range i.Programs {
		all = append(all, minor)
	}
	slices.Sort(all)
	return all
}

// Run makes everything for one cluster with the program or image of its release, and names that in
// the result. The error is an *Error if the program answered, and contains no secret.
func (i *Installers) Run(ctx context.Context, r Release, req Request) (*Result, error) {
	if err := i.Can(r); err != nil {
		return nil, fmt.Errorf("OpenShift %s: %w", r.Version, err)
	}
	if r.Image == "" {
		program := i.Programs[r.minor()]
		return (&Installer{Program: program.Path, Log: i.Log}).run(ctx, command{path: program.Path}, program.Build.String(), req)
	}
	image := command{path: i.Runtime.Path, args: i.Runtime.arguments(r.Image), env: i.Runtime.Env}
	build, err := image.build(ctx, imageTimeout)
	if err != nil {
		return nil, fmt.Errorf("installer image %s: %w", r.Image, err)
	}
	if build.OpenShift != r.minor() {
		return nil, &Error{Message: fmt.Sprintf("the image %s installs OpenShift %s, not %s", r.Image, build.OpenShift, r.minor())}
	}
	return (&Installer{Program: r.Image, Log: i.Log}).run(ctx, image, r.Image+": "+build.String(), req)
}

// arguments run an image once, without a network, with the streams of the caller.
func (*Runtime) arguments(image string) []string {
	return []string{"run", "--rm", "--interactive", "--network=none", image}
}

// command describes how a program is started.
type command struct {
	path string
	args []string
	env  []string
}

func (c command) with(more ...string) command {
	c.args = append(slices.Clone(c.args), more...)
	return c
}

// build queries a program for its build.
func (c command) build(ctx context.Context, timeout time.Duration) (Build, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it did not say within %s what it installs", timeout))
	defer cancel()
	var build Build
	out := &limited{max: maxBuild}
	exit := c.with("version").start(ctx, nil, out, nil)
	if exit != nil && ctx.Err() != nil {
		return build, context.Cause(ctx)
	}
	if exit != nil {
		return build, fmt.Errorf("it cannot say what it installs: %w", exit)
	}
	if err := json.Unmarshal(out.kept.Bytes(), &build); err != nil || build.OpenShift == "" {
		return build, errors.New("it does not say what it installs: it is no aro-installer, or an old one")
	}
	return build, nil
}
