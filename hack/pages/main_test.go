package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPagesAreCurrent(t *testing.T) {
	const portal = "../../portal"
	files, err := generate(portal)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := below(portal, "_templ.go")
	if err != nil || len(committed) != len(files) || len(files) == 0 {
		t.Errorf("%d files are committed, %d generated (%v); run: make generate", len(committed), len(files), err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(portal, name)); err != nil || string(got) != string(want) {
			t.Errorf("portal/%s is stale (%v); run: make generate", name, err)
		}
	}
}
