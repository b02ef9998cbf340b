package arm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
)

// declaredCodes reads from the source the name of each Code the package exports.
func declaredCodes(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	for _, decl := range file.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			value := spec.(*ast.ValueSpec)
			for i, name := range value.Names {
				if code := codeName(value.Values[i]); code != "" && name.IsExported() {
					codes[name.Name] = code
				}
			}
		}
	}
	return codes
}

// codeName is the first member of a Code literal, empty for anything else.
func codeName(e ast.Expr) string {
	literal, ok := e.(*ast.CompositeLit)
	if !ok || len(literal.Elts) == 0 {
		return ""
	}
	if kind, ok := literal.Type.(*ast.Ident); !ok || kind.Name != "Code" {
		return ""
	}
	text, ok := literal.Elts[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	name, _ := strconv.Unquote(text.Value)
	return name
}

func TestEveryCodeIsInTheCatalogue(t *testing.T) {
	type entry struct {
		name   string
		status int
	}
	listed, times := map[entry]bool{}, map[string]int{}
	for _, code := range arm.Catalogue() {
		e := entry{code.Name, code.Status}
		if listed[e] {
			t.Errorf("%s is listed twice with status %d", code.Name, code.Status)
		}
		listed[e] = true
		times[code.Name]++
	}
	declared := declaredCodes(t)
	if len(declared) < 30 {
		t.Fatalf("read only %d codes from the source: the reading is broken", len(declared))
	}
	for variable, name := range declared {
		if times[name] == 0 {
			t.Errorf("%s (%s) is not listed", variable, name)
		}
	}
	if len(listed) != len(declared) {
		t.Errorf("%d codes are listed, %d declared", len(listed), len(declared))
	}
}

func TestCatalogueEntriesAreComplete(t *testing.T) {
	pascal := regexp.MustCompile(`^([A-Z][a-zA-Z]+)$`)
	for _, code := range arm.Catalogue() {
		if !pascal.MatchString(code.Name) {
			t.Errorf("%q is not PascalCase (C07)", code.Name)
		}
		if code.Status < 400 || http.StatusText(code.Status) == "" {
			t.Errorf("%s: %d is no status of an error", code.Name, code.Status)
		}
		for _, text := range []string{code.When, code.Remedy} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is no sentence", code.Name, text)
			}
		}
	}
}
