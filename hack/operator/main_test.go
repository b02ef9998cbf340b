package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPagesAreFresh(t *testing.T) {
	want, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	have, err := filepath.Glob(filepath.Join("..", "..", pages, "*.md"))
	if err != nil || len(have) != len(want) {
		t.Errorf("there are %d pages, want %d (%v): run `go run ./hack/operator`", len(have), len(want), err)
	}
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join("..", "..", pages, name)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s is stale: run `go run ./hack/operator`", name)
		}
	}
}

func TestRolesAreFresh(t *testing.T) {
	want, err := rights()
	if err != nil {
		t.Fatal(err)
	}
	if have, err := os.ReadFile(filepath.Join("..", "..", rolesFile)); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is stale: run `go run ./hack/operator`", rolesFile)
	}
}

func TestGeneratedAPIIsFresh(t *testing.T) {
	dir := t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "run", generator, "object", "crd", "paths="+types, "output:crd:dir="+dir, "output:object:stdout")
	command.Dir = filepath.Join("..", "..")
	copies, err := command.Output()
	if err != nil {
		t.Fatalf("controller-gen: %v", err)
	}
	made, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	have, _ := filepath.Glob(filepath.Join("..", "..", definitions, "*.yaml"))
	if len(made) == 0 || len(made) != len(have) {
		t.Errorf("there are %d definitions, want %d", len(have), len(made))
	}
	for _, file := range made {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("..", "..", definitions, filepath.Base(file))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run `go run ./hack/operator`", filepath.Base(file))
		}
	}
	files, _ := filepath.Glob(filepath.Join("..", "..", "operator", "apis", "*", "*", "zz_generated.deepcopy.go"))
	if len(files) != 2 {
		t.Fatalf("there are %d files of deep copies, want 2", len(files))
	}
	for _, file := range files {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(copies), string(got)) {
			t.Errorf("%s is stale: run `go run ./hack/operator`", file)
		}
	}
}
