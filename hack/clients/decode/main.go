// Command decode makes the models of a generated Go client decodable by
// encoding/json alone: it adds the JSON name of each member as a tag and removes
// the generated UnmarshalJSON, which splits every object into raw members first and
// so reads each member as often as it is nested. Without the
// method a GET takes half the time. A model with special members, such as times,
// keeps its method.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	for _, dir := range os.Args[1:] {
		if err := simplify(dir); err != nil {
			fmt.Fprintln(os.Stderr, "decode:", err)
			os.Exit(1)
		}
	}
}

// members are the JSON names of a model's fields.
type members map[string]string

func simplify(dir string) error {
	models := map[string]members{}
	err := edit(filepath.Join(dir, "models_serde.go"), func(file *ast.File) (edits []change) {
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "UnmarshalJSON" {
				continue
			}
			if read, plain := membersOf(fn); plain {
				models[fn.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name] = read
				edits = append(edits, change{from: fn.Doc.Pos(), to: fn.End()})
			}
		}
		return edits
	})
	if err != nil {
		return err
	}
	return edit(filepath.Join(dir, "models.go"), func(file *ast.File) (edits []change) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			model, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, field := range model.Fields.List {
				if name, ok := models[spec.Name.Name][field.Names[0].Name]; ok {
					edits = append(edits, change{field.Type.End(), field.Type.End(), fmt.Sprintf(" `json:%q`", name)})
				}
			}
			return false
		})
		return edits
	})
}

// membersOf returns the JSON names in an UnmarshalJSON. plain is true if it handles
// all members in the same way.
func membersOf(fn *ast.FuncDecl) (read members, plain bool) {
	read, plain = members{}, true
	ast.Inspect(fn, func(n ast.Node) bool {
		member, ok := n.(*ast.CaseClause)
		if !ok {
			return true
		}
		call, ok := member.Body[0].(*ast.AssignStmt).Rhs[0].(*ast.CallExpr)
		if reader, named := call.Fun.(*ast.Ident); !ok || !named || reader.Name != "unpopulate" {
			plain = false
			return false
		}
		field := call.Args[2].(*ast.UnaryExpr).X.(*ast.SelectorExpr).Sel.Name
		name := member.List[0].(*ast.BasicLit).Value
		read[field] = name[1 : len(name)-1]
		return false
	})
	return read, plain
}

// change replaces the text between two offsets of a file.
type change struct {
	from, to token.Pos
	text     string
}

func edit(path string, changes func(*ast.File) []change) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		return err
	}
	all := changes(file)
	slices.SortFunc(all, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	var out bytes.Buffer
	at := 0
	for _, c := range all {
		out.Write(source[at:set.Position(c.from).Offset])
		out.WriteString(c.text)
		at = set.Position(c.to).Offset
	}
	out.Write(source[at:])
	formatted, err := format.Source(out.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, formatted, 0o644)
}
