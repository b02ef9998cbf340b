package flags

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTheServiceDoesWithoutKong, which would make it a third larger; see the
// comment of this package.
func TestTheServiceDoesWithoutKong(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "../cmd/aro")
	packages, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(packages)) {
		if strings.TrimSpace(name) == "github.com/alecthomas/kong" {
			t.Error("cmd/aro links kong")
		}
	}
}
