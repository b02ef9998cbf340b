package service

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/model"
)

func TestInstallersAreFoundAtStart(t *testing.T) {
	find := func(f Installers) (*install.Installers, error) {
		f.Lookup = os.LookupEnv
		return f.Find(t.Context(), slog.New(slog.DiscardHandler))
	}
	if got, err := find(Installers{}); got != nil || err != nil {
		t.Errorf("beside a test there is none, got %v, %v", got, err)
	}
	for name, says := range map[string]string{filepath.Join(t.TempDir(), "none"): "no such file", "/bin/echo": "no aro-installer"} {
		if _, err := find(Installers{Installer: []string{name}}); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "--installer") {
			t.Errorf("%s: got %v", name, err)
		}
	}

	// A runtime is found by name, and gets the environment of the machine that it
	// needs.
	bin := t.TempDir()
	program(t, filepath.Join(bin, "podman"), "exit 1")
	t.Setenv("PATH", bin)
	t.Setenv("ARO_CLIENT_SECRET", "hunter2")
	made := program(t, filepath.Join(bin, "aro-installer"), `echo '{"version":"b","openshift":"4.19","installer":"v1.4.19"}'`)
	found, err := find(Installers{Installer: []string{"4.19=" + made}})
	if err != nil || found.Programs["4.19"].Path != made || found.Runtime == nil || found.Runtime.Path != filepath.Join(bin, "podman") {
		t.Fatalf("got %+v (%v)", found, err)
	}
	if env := strings.Join(found.Runtime.Env, " "); !strings.Contains(env, "PATH="+bin) || strings.Contains(env, "hunter2") {
		t.Errorf("the runtime gets %s", env)
	}
	if _, err := find(Installers{Installer: []string{made}, ContainerRuntime: "cri"}); err == nil || !strings.Contains(err.Error(), "--container-runtime") {
		t.Errorf("a runtime that is not there: %v", err)
	}
	why := Installable(found).Why
	for _, test := range []struct{ version, image, says string }{
		{"4.19.24", "", ""}, {"4.18.26", "", "no installer of OpenShift 4.18"}, {"4.18.26", "i@x", ""},
		{"4.18.26", "r", "no installer of OpenShift 4.18"}, // the release image is not an installer's
	} {
		p := model.OpenShiftVersionProperties{Version: test.version, OpenShiftPullspec: "r", InstallerPullspec: test.image}
		if got := why(&p); (got == "") != (test.says == "") || !strings.Contains(got, test.says) {
			t.Errorf("%+v: got %q, want %q", test, got, test.says)
		}
	}
}

// program writes a script and returns its path.
func program(t *testing.T, path, does string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+does+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
