package main

import (
	"os"
	"strings"
	"testing"
)

func TestEveryFlagHasAVariableThatEnvExampleDocumentsWithItsDefault(t *testing.T) {
	documented, err := os.ReadFile("../../env.example")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(documented)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			values[name] = value
		}
	}
	checked := 0
	for _, flag := range cli().Flags(&commands{}) {
		if flag.Env == "" {
			t.Errorf("--%s has no variable", flag.Name)
			continue
		}
		checked++
		own, _, _ := strings.Cut(flag.Env, ",") // others are those of a standard
		value, ok := values[own]
		if !ok {
			t.Errorf("env.example lacks %s of --%s", own, flag.Name)
		}
		if flag.HasDefault && value != flag.Default {
			t.Errorf("env.example says %s=%s, but the default is %s", own, value, flag.Default)
		}
	}
	if checked == 0 {
		t.Fatal("no flag was checked")
	}
}
