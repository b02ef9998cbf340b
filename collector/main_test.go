package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func validate(t *testing.T, file string) error {
	t.Helper()
	command := newCommand()
	command.SetArgs([]string{"validate", "--config=" + file})
	return command.Execute()
}

func TestTheConfigurationOfMachinesIsValid(t *testing.T) {
	t.Setenv("HOST_IP", "10.0.0.4")
	const example = "../deploy/assets/collector.example.yaml"
	if err := validate(t, example); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{"limit_percentage: 80", "limit_percentag: 80"}, {"json_parser", "jsn_parser"}, {"- otlphttp", "- otlp"}} {
		file := filepath.Join(t.TempDir(), "wrong.yaml")
		if err := os.WriteFile(file, []byte(strings.Replace(string(content), change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := validate(t, file); err == nil {
			t.Errorf("with %q in place of %q it is valid, too", change[1], change[0])
		}
	}
}
