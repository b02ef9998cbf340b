package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
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
	parser, err := kong.New(&commands{}, helpVars())
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, command := range parser.Model.Children {
		for _, flag := range command.Flags {
			if len(flag.Envs) != 1 {
				t.Errorf("--%s has the variables %v, want exactly one", flag.Name, flag.Envs)
				continue
			}
			checked++
			value, ok := values[flag.Envs[0]]
			if !ok {
				t.Errorf("env.example lacks %s of --%s", flag.Envs[0], flag.Name)
			}
			if flag.HasDefault && value != flag.Default {
				t.Errorf("env.example says %s=%s, but the default is %s", flag.Envs[0], value, flag.Default)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no flag was checked")
	}
}
