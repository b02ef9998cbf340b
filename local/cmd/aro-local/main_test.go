package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"k8s.io/klog/v2"
)

func TestKubernetesLibrariesSayOnlyWhatIsWrong(t *testing.T) {
	var said strings.Builder
	quietKubernetes(&said)
	t.Cleanup(klog.ClearLogger)
	klog.InfoS("a cache is filled")
	if said.Len() > 0 {
		t.Errorf("said %q", said.String())
	}
	klog.ErrorS(nil, "a watch failed")
	if got := said.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "component=kubernetes") {
		t.Errorf("said %q", got)
	}
}

func TestEveryFlagHasAVariableThatEnvExampleDocuments(t *testing.T) {
	documented, err := os.ReadFile("../../../env.example")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&commands{}, kong.Vars{"version": version})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, command := range parser.Model.Children {
		for _, flag := range command.Flags {
			if command.Hidden || command.Name == "completion" { // which is a library's
				continue
			}
			checked++
			if len(flag.Envs) != 1 || !strings.Contains(string(documented), "\n"+flag.Envs[0]+"=") {
				t.Errorf("--%s has the variables %v, want one that env.example documents", flag.Name, flag.Envs)
			}
		}
	}
	if checked == 0 {
		t.Fatal("no flag was checked")
	}
}

func TestAnEmptyVariableIsTheSameAsNone(t *testing.T) {
	t.Setenv("ARO_ADDRESSES", "")
	t.Setenv("ARO_RP", "")
	t.Setenv("ARO_LISTEN", "127.0.0.1:1")
	forgetEmpty()
	var c commands
	parser, err := kong.New(&c, kong.Vars{"version": version})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil || c.Run.Addresses != 0 || c.Run.RP != "" || c.Run.Listen != "127.0.0.1:1" {
		t.Errorf("got %+v, %v", c.Run, err)
	}
}
