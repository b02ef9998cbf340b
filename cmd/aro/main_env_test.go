package main

import "testing"

func TestAnEmptyVariableIsTheSameAsNone(t *testing.T) {
	t.Setenv("ARO_VERSIONS_FILE", "")
	t.Setenv("ARO_STORE", "sqlite:some.db")
	forgetEmpty()
	var c commands
	if _, err := cli().Parse(&c, []string{"versions"}, nil); err != nil || c.Versions.File != "" || c.Versions.Store != "sqlite:some.db" {
		t.Errorf("got %+v, %v", c.Versions, err)
	}
}
