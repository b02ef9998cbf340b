package rules

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// vague matches words that this project once used in senses of its own, or that
// treat programs as persons. Each has a plain technical word.
var vague = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
	`(tells|says) (whether|how many)`,                               // reports whether, returns the number of …
	`(is|are|was|were) (told|asked)`,                                // gets, is called with
	`whom`, `whoever`, `anybody`, `nobody`, `somebody`, `everybody`, // callers, users, clients
	`blames?`, `judges?`, `judged`, // reports, validates
	`(is|are) wanted`, // desired
	`by turns`, `anew`, `goes on (with|to|until)`, `of no use`,
}, "|") + `)\b`)

func TestCommentsArePlainEnglish(t *testing.T) {
	for _, p := range packages(t) {
		if p.generated {
			continue
		}
		for _, file := range slices.Concat(p.files, p.tests) {
			for _, group := range file.Comments {
				reportVague(t, p.set.Position(group.Pos()).String(), group)
			}
		}
	}
}

func reportVague(t *testing.T, at string, group *ast.CommentGroup) {
	t.Helper()
	if found := vague.FindString(strings.Join(strings.Fields(group.Text()), " ")); found != "" {
		t.Errorf("%s: %q: use a plain technical word, as the documentation of Kubernetes and Azure does", at, found)
	}
}

func TestDocumentsArePlainEnglish(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../../docs/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range slices.Concat(pages, more, []string{"../../README.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md"}) {
		text, err := os.ReadFile(page) //nolint:gosec // a page of the repository
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := vague.FindString(line); found != "" {
				t.Errorf("%s:%d: %q: use a plain technical word, as the documentation of Kubernetes and Azure does", page, i+1, found)
			}
		}
	}
}
