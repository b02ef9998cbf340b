package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/model"
)

// Installers configure what installs which release of OpenShift.
type Installers struct {
	Installer        []string `env:"ARO_INSTALLER" placeholder:"[MINOR=]PATH" help:"A program aro-installer, or a directory of several: each installs one minor release of OpenShift, which it reports. Versions of other releases are offered only if they have an installer image. Default: the one beside aro."`
	ContainerRuntime string   `env:"ARO_CONTAINER_RUNTIME" placeholder:"PROGRAM" help:"Program that runs installer images. Default: the first of podman, docker and nerdctl that is found."`

	// Lookup reads the environment of the process, part of which is passed to container
	// runtimes.
	Lookup func(name string) (string, bool) `kong:"-"`
}

// Find runs the programs to read which releases they install. The result is nil if
// no program is configured and none is beside aro.
func (f *Installers) Find(ctx context.Context, log *slog.Logger) (*install.Installers, error) {
	found := &install.Installers{Log: log}
	var err error
	if found.Runtime, err = f.runtime(); err != nil {
		return nil, fmt.Errorf("--container-runtime: %w", err)
	}
	names := f.Installer
	if len(names) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("--installer: %w", err)
		}
		beside := filepath.Join(filepath.Dir(self), "aro-installer")
		if _, err := os.Stat(beside); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		names = []string{beside}
	}
	if found.Programs, err = install.Find(ctx, names); err != nil {
		return nil, fmt.Errorf("--installer: %w", err)
	}
	return found, nil
}

// runtime returns the container runtime that runs images; nil if there is none.
func (f *Installers) runtime() (*install.Runtime, error) {
	names := []string{"podman", "docker", "nerdctl"}
	if f.ContainerRuntime != "" {
		names = []string{f.ContainerRuntime}
	}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil {
			return &install.Runtime{Path: path, Env: f.runtimeEnvironment()}, nil
		}
		if f.ContainerRuntime != "" {
			return nil, err
		}
	}
	return nil, nil
}

// runtimeEnvironment returns the variables that container runtimes need. The
// service's own settings, which include secrets, are not passed on.
func (f *Installers) runtimeEnvironment() (all []string) {
	if f.Lookup == nil {
		return nil
	}
	for _, name := range []string{"PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONFIG", "CONTAINER_HOST", "REGISTRY_AUTH_FILE", "HTTPS_PROXY", "NO_PROXY"} {
		if value, set := f.Lookup(name); set {
			all = append(all, name+"="+value)
		}
	}
	return all
}

// Installable reports which versions the installers can install; nil accepts all.
func Installable(installers *install.Installers) model.Installable {
	if installers == nil {
		return nil
	}
	return func(p *model.OpenShiftVersionProperties) error {
		return installers.Can(install.Release{Version: p.Version, Image: p.InstallerImage()})
	}
}
