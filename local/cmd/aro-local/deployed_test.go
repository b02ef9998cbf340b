package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestABuildHasOneInstallerBesideAroOrSeveralInADirectory(t *testing.T) {
	from := t.TempDir()
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	aro, one, other := file("aro", 0o755), file("one/aro-installer", 0o755), file("other/aro-installer", 0o755)
	file("one/notes", 0o644)
	data := t.TempDir()
	for _, c := range []struct {
		installer []string
		want      string
	}{
		{[]string{one}, "aro aro-installer"},
		{[]string{filepath.Dir(one)}, "aro aro-installer installers/0-aro-installer"},
		{[]string{"4.19=" + one, other}, "aro aro-installer installers/0-aro-installer installers/1-aro-installer"},
		{[]string{other}, "aro aro-installer"},
	} {
		if err := (cloudCommand{Program: aro, Installer: c.installer, Build: "v1"}).provide(data); err != nil {
			t.Fatal(err)
		}
		have := map[string]string{}
		for _, pattern := range []string{"*", "*/*"} {
			files, _ := filepath.Glob(filepath.Join(data, pattern))
			for _, path := range files {
				if content, err := os.ReadFile(path); err == nil {
					name, _ := filepath.Rel(data, path)
					have[name] = string(content)
				}
			}
		}
		if got := strings.Join(slices.Sorted(maps.Keys(have)), " "); got != c.want {
			t.Errorf("%v: the build has %s, want %s", c.installer, got, c.want)
		}
		if c.want == "aro aro-installer" && !strings.HasPrefix(c.installer[0], filepath.Join(from, filepath.Dir(have["aro-installer"]))) {
			t.Errorf("%v: the installer is %s", c.installer, have["aro-installer"])
		}
	}
	if err := (cloudCommand{Program: aro, Installer: []string{filepath.Join(from, "absent")}, Build: "v1"}).provide(data); err == nil || !strings.Contains(err.Error(), "--installer") {
		t.Errorf("an installer that is absent: %v", err)
	}
}

func TestAClusterOfTheCloudRunsTheOperator(t *testing.T) {
	beside := t.TempDir()
	for _, name := range []string{"aro", "aro-installer", operatorImage} {
		if err := os.WriteFile(filepath.Join(beside, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, wanted := range []bool{true, false} {
		run := (cloudCommand{Operator: wanted}).base()
		if err := run.findPrograms(beside); err != nil {
			t.Fatal(err)
		}
		if has := run.Programs[operatorImage] != ""; has != wanted {
			t.Errorf("--operator=%t: the operator has a program: %t", wanted, has)
		}
	}
}
