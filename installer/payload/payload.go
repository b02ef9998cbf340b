// Package payload has the files that the OpenShift installer's assets read:
// templates of manifests, of scripts and units of the bootstrap machine, and the
// list of operating system images. They are compiled in, so that the program runs
// without the installer's source.
//
// It does not interpret the files.
package payload

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/openshift/installer/data"
	"github.com/openshift/installer/pkg/version"
)

const installerModule = "github.com/openshift/installer"

//go:embed all:data
var files embed.FS

// errNotBuilt is returned by programs that were not compiled by build.sh.
var errNotBuilt = errors.New("the program was built without the installer's data: build it with installer/build.sh")

// Mount gives the installer's assets access to the compiled-in files only.
func Mount() error {
	at, err := Version()
	if err != nil {
		return err
	}
	if linked := linkedVersion(); linked != "" && linked != at {
		return fmt.Errorf("the program was built with the installer's code of %s and data of %s: run installer/build.sh again", linked, at)
	}
	root, err := fs.Sub(files, "data")
	if err != nil {
		return fmt.Errorf("installer's data: %w", err)
	}
	data.Assets = http.FS(root)
	version.Raw = at // stored in the cluster as the version of its installer
	return nil
}

// Version returns the version of the OpenShift installer.
func Version() (string, error) {
	at, err := files.ReadFile("data/VERSION")
	if err != nil {
		return "", errNotBuilt
	}
	return strings.TrimSpace(string(at)), nil
}

// OpenShift returns the minor release that the installer installs. The module of
// the installer has its own major version: v1.4.19-ec5 is of OpenShift 4.19.
func OpenShift() (string, error) {
	at, err := Version()
	if err != nil {
		return "", err
	}
	release, _, _ := strings.Cut(strings.TrimPrefix(at, "v1."), "-")
	parts := strings.Split(release, ".")
	if !strings.HasPrefix(at, "v1.") || len(parts) < 2 {
		return "", fmt.Errorf("the installer's version %s names no release of OpenShift", at)
	}
	return parts[0] + "." + parts[1], nil
}

// linkedVersion returns the linked version; empty if the build does not set it, as
// in tests.
func linkedVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == installerModule {
			return m.Version
		}
	}
	return ""
}
