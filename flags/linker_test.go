package flags

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestProgramsDoWithoutKong, which would make them a third larger; see the comment of this package. A
// quarter of the operator's memory would be pages of what the linker keeps for kong and for text/template.
func TestProgramsDoWithoutKong(t *testing.T) {
	for program, without := range map[string][]string{
		"../cmd/aro":          {"github.com/alecthomas/kong"},
		"../cmd/aro-operator": {"github.com/alecthomas/kong", "text/template", "html/template"},
	} {
		packages, err := exec.CommandContext(t.Context(), "go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		for name := range strings.Lines(string(packages)) {
			if slices.Contains(without, strings.TrimSpace(name)) {
				t.Errorf("%s links %s", program, name)
			}
		}
	}
}
