package armtemplate_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aro-rp/aro/local/cloud/armtemplate"
)

// document is the page that tells people what there is of the language.
const document = "../../../docs/templates.md"

func TestTheDocumentationListsEveryFunction(t *testing.T) {
	content, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, f := range armtemplate.Functions() {
		status, group := "supported", f.Group
		if f.Refused != "" {
			status, group = "refused: "+f.Refused, "-"
		}
		table.WriteString("| `" + f.Name + "` | " + group + " | " + status + " |\n")
	}
	if !strings.Contains(string(content), "|---|---|---|\n"+table.String()+"\n") {
		t.Errorf("the table of functions in %s is not this:\n%s", document, table.String())
	}
}

// Every function but those that need a deployment around them has a value in the tests.
func TestEveryFunctionIsTried(t *testing.T) {
	var all strings.Builder
	for _, e := range expressions {
		all.WriteString(strings.ToLower(e.expression))
	}
	for _, c := range templates {
		all.WriteString(strings.ToLower(c.template))
	}
	for _, f := range armtemplate.Functions() {
		name := strings.ToLower(strings.TrimSuffix(f.Name, "*"))
		switch name {
		case "references", "resourceinfo", "newguid", "fail", "tological", "list":
			continue // in tests of their own
		}
		if f.Refused == "" && !strings.Contains(all.String(), name+"(") {
			t.Errorf("%s is not tried", f.Name)
		}
	}
	if len(expressions) < 150 {
		t.Errorf("%d expressions", len(expressions))
	}
}
