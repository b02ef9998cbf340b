package controlplane

import "testing"

func TestPagesOfTheProgramAreLetGo(t *testing.T) {
	if err := unload(); err != nil {
		t.Fatal(err)
	}
}
