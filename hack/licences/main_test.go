package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryLinkedModuleHasALicence covers all programs; it fails for a module that comes
// in without a licence.
func TestEveryLinkedModuleHasALicence(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("lists all packages")
	}
	root := filepath.Join("..", "..")
	for _, p := range programs {
		modules, err := linked(root, []program{p})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := write(&text, modules); err != nil {
			t.Error(err)
		}
		if len(modules) < 20 {
			t.Errorf("%s links only %d modules", p.path, len(modules))
		}
		for _, m := range modules {
			if !strings.Contains(text.String(), "\n"+m.name+": ") {
				t.Errorf("%s: %s is missing", p.path, m.name)
			}
		}
	}
}

func TestAModuleWithoutALicenceIsNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	err := write(&bytes.Buffer{}, []*module{{name: "example.com/none v1.0.0", root: folder, folders: []string{folder}}})
	if err == nil || !strings.Contains(err.Error(), "example.com/none v1.0.0") {
		t.Error(err)
	}
}
