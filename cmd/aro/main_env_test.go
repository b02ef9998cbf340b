package main

import (
	"testing"

	"github.com/alecthomas/kong"
)

func TestAnEmptyVariableIsTheSameAsNone(t *testing.T) {
	t.Setenv("ARO_VERSIONS_FILE", "")
	t.Setenv("ARO_STORE", "sqlite:some.db")
	forgetEmpty()
	var c commands
	parser, err := kong.New(&c, kong.Vars{"version": version})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"versions"}); err != nil || c.Versions.File != "" || c.Versions.Store != "sqlite:some.db" {
		t.Errorf("got %+v, %v", c.Versions, err)
	}
}
