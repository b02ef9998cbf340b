package install_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/backend/install"
)

// installerOf is a program that says what it installs and makes a cluster.
func installerOf(t *testing.T, minor string) string {
	t.Helper()
	return program(t, fmt.Sprintf(`if [ "$1" = version ]; then echo '{"version":"b-%[1]s","openshift":"%[1]s","installer":"v1.%[1]s"}'; exit; fi; cat >/dev/null; cat %[2]s`, minor, resultFile(t)))
}

func TestInstallersSayWhatTheyInstall(t *testing.T) {
	dir := t.TempDir()
	for _, minor := range []string{"4.18", "4.19"} {
		if err := os.Symlink(installerOf(t, minor), filepath.Join(dir, "installer-"+minor)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "README"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	one := installerOf(t, "4.20")
	found, err := install.Find(t.Context(), []string{dir, "4.20=" + one})
	if err != nil || len(found) != 3 || found["4.20"].Path != one || found["4.18"].Build.String() != "aro-installer b-4.18 (OpenShift installer v1.4.18)" {
		t.Errorf("got %+v (%v)", found, err)
	}
	for why, test := range map[string]struct {
		names []string
		says  string
	}{
		"absent":              {[]string{filepath.Join(dir, "none")}, "no such file"},
		"no program":          {[]string{filepath.Join(dir, "README")}, "is not an executable file"},
		"an empty directory":  {[]string{t.TempDir()}, "contains no installer"},
		"another minor":       {[]string{"4.18=" + one}, "installs OpenShift 4.20, not 4.18"},
		"two of one minor":    {[]string{dir, installerOf(t, "4.19")}, "both install OpenShift 4.19"},
		"one that fails":      {[]string{program(t, "exit 3")}, "cannot say what it installs: exit status 3"},
		"something else":      {[]string{"/bin/echo"}, "it is no aro-installer"},
		"an installer of old": {[]string{program(t, `echo '{"error":{"message":"x"}}'`)}, "or an old one"},
	} {
		if _, err := install.Find(t.Context(), test.names); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %q", why, err, test.says)
		}
	}
}

func TestTheVersionChoosesTheInstaller(t *testing.T) {
	programs, err := install.Find(t.Context(), []string{installerOf(t, "4.18"), installerOf(t, "4.19")})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	all := &install.Installers{Programs: programs, Log: slog.New(slog.NewJSONHandler(&log, nil))}
	req := read[install.Request](t, example(t, requests[0]))
	for version, want := range map[string]string{"4.18.3": "aro-installer b-4.18 (OpenShift installer v1.4.18)", "4.19.24": "aro-installer b-4.19 (OpenShift installer v1.4.19)"} {
		result, err := all.Run(t.Context(), install.Release{Version: version}, req)
		if err != nil || result.Installer != want || !strings.Contains(log.String(), want) {
			t.Errorf("%s: got %v (%v)", version, result, err)
		}
	}
	for _, test := range []struct {
		release install.Release
		says    string
	}{
		{install.Release{Version: "4.16.48"}, "no installer of OpenShift 4.16, only of 4.18, 4.19"},
		{install.Release{Version: "4.1.9"}, "no installer of OpenShift 4.1,"},
		{install.Release{Version: "4.19.24", Image: "r.example/i@sha256:1"}, "no container runtime"},
	} {
		if err := all.Can(test.release); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: got %v, want %q", test.release, err, test.says)
		}
		if _, err := all.Run(t.Context(), test.release, req); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v ran: %v", test.release, err)
		}
	}
	if err := (&install.Installers{}).Can(install.Release{Version: "4.19.24"}); err == nil || !strings.Contains(err.Error(), "only of none") {
		t.Errorf("got %v", err)
	}
}

func TestAnImageIsRunByTheMachinesRuntime(t *testing.T) {
	dir := t.TempDir()
	runtime := func(minor string) *install.Runtime {
		return &install.Runtime{Env: []string{"RUNTIME_SETTING=x"}, Path: program(t, `echo "$* $RUNTIME_SETTING" >>`+dir+`/calls
[ "$6" = version ] && { echo '{"version":"c","openshift":"`+minor+`","installer":"v1.`+minor+`"}'; exit; }
cat >`+dir+`/stdin; cat `+resultFile(t))}
	}
	const image = "registry.example.com/installer@sha256:0123"
	req := read[install.Request](t, example(t, requests[0]))
	var log bytes.Buffer
	all := &install.Installers{Runtime: runtime("4.18"), Log: slog.New(slog.NewJSONHandler(&log, nil))}
	release := install.Release{Version: "4.18.26", Image: image}
	if err := all.Can(release); err != nil {
		t.Error(err)
	}
	result, err := all.Run(t.Context(), release, req)
	if err != nil || result.Installer != image+": aro-installer c (OpenShift installer v1.4.18)" {
		t.Fatalf("got %v (%v)", result, err)
	}
	calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
	if want := "run --rm --interactive --network=none " + image; string(calls) != want+" version x\n"+want+" x\n" {
		t.Errorf("the runtime was told %s", calls)
	}
	got, _ := os.ReadFile(filepath.Join(dir, "stdin"))
	same(t, got, example(t, requests[0]))

	all.Runtime = runtime("4.19")
	var said *install.Error
	if _, err := all.Run(t.Context(), release, req); !errors.As(err, &said) || !strings.Contains(err.Error(), "installs OpenShift 4.19, not 4.18") {
		t.Errorf("an image of another release: %v", err)
	}
	all.Runtime = &install.Runtime{Path: program(t, "echo pull failed >&2; exit 125")}
	if _, err := all.Run(t.Context(), release, req); err == nil || errors.As(err, &said) || !strings.Contains(err.Error(), image) {
		t.Errorf("an image that cannot be pulled: %v", err)
	}
}

func TestARefusalKeepsItsFields(t *testing.T) {
	var log bytes.Buffer
	does := `echo '{"error":{"message":"m","asset":"*a","refused":[{"field":"baseDomain","message":"too long"}]}}'; exit 1`
	_, err := installer(program(t, does), &log).Run(t.Context(), install.Request{})
	var said *install.Error
	if !errors.As(err, &said) || len(said.Refused) != 1 || said.Refused[0] != (install.Refusal{Field: "baseDomain", Message: "too long"}) {
		t.Errorf("got %#v", err)
	}
}
