package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheAssetsAreWhatTheGoSays(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join("../..", folder, name))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s/%s is stale (%v): run go run ./hack/deploy", folder, name, err)
		}
	}
	have, err := os.ReadDir(filepath.Join("../..", folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range have {
		if want[file.Name()] == nil {
			t.Errorf("%s/%s is made by nothing", folder, file.Name())
		}
	}
}
