package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestGeneratedFilesAreCurrent(t *testing.T) {
	const committed = "../../generated"
	fresh := t.TempDir()
	if err := generate("../../openapi", fresh); err != nil {
		t.Fatal(err)
	}
	want, have := files(t, fresh), files(t, committed)
	for name, text := range want {
		if have[name] != text {
			t.Errorf("generated/%s is stale; run: make generate", name)
		}
	}
	for name := range have {
		if _, ok := want[name]; !ok {
			t.Errorf("generated/%s comes from no spec; run: make generate", name)
		}
	}
}

func TestGenerationIsDeterministic(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, out := range []string{first, second} {
		if err := generate("../../openapi", out); err != nil {
			t.Fatal(err)
		}
	}
	a, b := files(t, first), files(t, second)
	if len(a) < 50 {
		t.Errorf("only %d files were generated", len(a))
	}
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s differs between two runs", name)
		}
	}
}

func TestGenerationRemovesFilesOfSpecsThatAreGone(t *testing.T) {
	out := t.TempDir()
	stale := filepath.Join(out, "v20180101", "types.gen.go")
	if err := os.MkdirAll(filepath.Dir(stale), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stale, []byte("package v20180101\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(out, map[string][]byte{"v20190101/types.gen.go": []byte("package v20190101\n")}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", stale, err)
	}
}

// files reads every generated file below root.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "*", "*.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(text)
	}
	return found
}
