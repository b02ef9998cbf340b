package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/store"
)

const release = "quay.io/openshift-release-dev/ocp-release:"

// versionsStore is a store that a rpCommand opened before.
func versionsStore(t *testing.T) service.Database {
	t.Helper()
	return service.Database{Store: "sqlite:" + filepath.Join(t.TempDir(), "aro.db")}
}

func stored(t *testing.T, f service.Database) catalogue.Set {
	t.Helper()
	driver, err := f.Open(t.Context(), false, service.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(driver, keys)
	defer s.Close()
	all, err := catalogue.New(s, nil, nil).Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVersionsAreTheFiles(t *testing.T) {
	f := versionsStore(t)
	file := filepath.Join(t.TempDir(), "versions.json")
	for _, round := range []struct {
		text string
		want string // version:enabled:default, in order
	}{
		{`{"versions":[{"version":"4.18.26","openShiftPullspec":"a","enabled":true,"default":true},{"version":"4.19.24","openShiftPullspec":"b","enabled":true}]}`, "4.18.26:true:true 4.19.24:true:false"},
		{`{"versions":[{"version":"4.19.24","openShiftPullspec":"b","installerPullspec":"i","enabled":true,"default":true},{"version":"4.20.1","openShiftPullspec":"c"}]}`, "4.19.24:true:true 4.20.1:false:false"},
	} {
		if err := os.WriteFile(file, []byte(round.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time changes nothing
			if err := (&versionsCommand{Database: f, File: file}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := summary(stored(t, f)); got != round.want {
			t.Errorf("got %s, want %s", got, round.want)
		}
	}
	if p := stored(t, f)["4.19.24"]; p.InstallerPullspec != "i" || p.OpenShiftPullspec != "b" {
		t.Errorf("got %+v", p)
	}
}

func TestVersionsChangeByFlags(t *testing.T) {
	f := versionsStore(t)
	run := func(c versionsCommand) error {
		c.Database = f
		return c.Run(t.Context())
	}
	if err := run(versionsCommand{Release: map[string]string{"4.18.26": release + "a", "4.19.24": release + "b"}, Default: "4.18.26"}); err != nil {
		t.Fatal(err)
	}
	if err := run(versionsCommand{Default: "4.19.24", Disable: []string{"4.18.26"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := summary(stored(t, f)), "4.18.26:false:false 4.19.24:true:true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	only419 := service.Installers{Installer: []string{program(t, filepath.Join(t.TempDir(), "i"), `echo '{"version":"b","openshift":"4.19","installer":"v1.4.19"}'`)}}
	for reason, test := range map[string]struct {
		command versionsCommand
		want    string
	}{
		"the default stays enabled":    {versionsCommand{Disable: []string{"4.19.24"}}, "cannot be disabled"},
		"a default exists":             {versionsCommand{Default: "4.99.0"}, "exactly one"},
		"unknown versions are refused": {versionsCommand{Enable: []string{"4.99.0"}}, "add it with --release"},
		"a version has three numbers":  {versionsCommand{Release: map[string]string{"4.19": "x"}}, "major.minor.patch"},
		"without leading zeros":        {versionsCommand{Release: map[string]string{"04.019.1": "x"}}, "without leading zeros"},
		"what nothing installs":        {versionsCommand{Installers: only419, Enable: []string{"4.18.26"}}, "no installer of OpenShift 4.18"},
		"nor is it new":                {versionsCommand{Installers: only419, Release: map[string]string{"4.20.1": "x"}, Enable: []string{"4.20.1"}}, "no installer of OpenShift 4.20"},
		"a file is the whole truth":    {versionsCommand{File: "f", Default: "4.19.24"}, "use it alone"},
	} {
		if err := run(test.command); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", reason, err, test.want)
		}
	}
	if got, want := summary(stored(t, f)), "4.18.26:false:false 4.19.24:true:true"; got != want {
		t.Errorf("after refusals: got %s, want %s", got, want)
	}
}

func summary(all catalogue.Set) string {
	var words []string
	for version, p := range all {
		words = append(words, fmt.Sprintf("%s:%v:%v", version, p.Enabled, p.Default))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// program writes a script and gives its path back.
func program(t *testing.T, path, does string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+does+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
