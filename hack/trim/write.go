package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// write copies what is kept of a package.
func (r *reach) write(p *goPackage, root string) error {
	below, err := filepath.Rel(r.source.dir, p.dir)
	if err != nil {
		return err
	}
	to := filepath.Join(root, below)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, f := range p.files {
		text, err := r.text(p, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if text == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(to, f.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// text is what is kept of a file; nil if nothing is.
func (r *reach) text(p *goPackage, f *goFile) ([]byte, error) {
	var body bytes.Buffer
	imports := map[string]bool{}
	for _, d := range f.order {
		how := r.kept[p][d]
		if how == 0 {
			continue
		}
		if err := r.declaration(&body, p, d); err != nil {
			return nil, err
		}
		r.importsOf(p, d, imports)
	}
	if body.Len() == 0 {
		return nil, nil
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "package %s\n\n", f.syntax.Name.Name)
	for _, spec := range f.syntax.Imports {
		importPath, _ := strconv.Unquote(spec.Path.Value) // it was parsed before
		name := localName(spec, importPath)
		if !imports[name] && (name != "_" || p.stub) {
			continue
		}
		fmt.Fprintf(&text, "import %s\n", r.cut(f, spec))
	}
	text.Write(body.Bytes())
	return format.Source(text.Bytes())
}

// cut is the author's text of a piece of syntax.
func (r *reach) cut(f *goFile, n ast.Node) []byte {
	return f.text[r.source.files.Position(n.Pos()).Offset:r.source.files.Position(n.End()).Offset]
}

func (r *reach) declaration(to *bytes.Buffer, p *goPackage, d *declaration) error {
	fmt.Fprintln(to)
	if d.doc != nil {
		for _, line := range d.doc.List {
			if strings.HasPrefix(line.Text, "//go:") {
				fmt.Fprintln(to, line.Text)
			}
		}
	}
	switch n := d.node.(type) {
	case *ast.FuncDecl:
		if r.kept[p][d] == whole {
			fmt.Fprintf(to, "%s\n", r.undocumented(d.file, n, n.Type.Func))
			return nil
		}
		signature := d.file.text[r.source.files.Position(n.Type.Func).Offset:r.source.files.Position(n.Type.End()).Offset]
		fmt.Fprintf(to, "%s { panic(%q) }\n", signature, p.path+"."+n.Name.Name+" is not built in")
	case *ast.TypeSpec:
		if !p.stub {
			fmt.Fprintf(to, "type %s\n", r.undocumented(d.file, n, n.Name.Pos()))
			return nil
		}
		spec := *n
		spec.Doc, spec.Comment, spec.Type = nil, nil, r.shape(p, n)
		fmt.Fprint(to, "type ")
		if err := printer.Fprint(to, token.NewFileSet(), &spec); err != nil {
			return err
		}
		fmt.Fprintln(to)
	case *ast.ValueSpec:
		fmt.Fprintf(to, "var %s\n", r.undocumented(d.file, n, n.Names[0].Pos()))
	case *ast.GenDecl:
		fmt.Fprintf(to, "%s\n", r.undocumented(d.file, n, n.TokPos))
	}
	return nil
}

func (r *reach) undocumented(f *goFile, n ast.Node, from token.Pos) []byte {
	return f.text[r.source.files.Position(from).Offset:r.source.files.Position(n.End()).Offset]
}

// importsOf adds the local names of imports that what is kept of a declaration
// uses.
func (r *reach) importsOf(p *goPackage, d *declaration, names map[string]bool) {
	note := func(node ast.Node) {
		ast.Inspect(node, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := selector.X.(*ast.Ident); ok {
					names[x.Name] = true
				}
			}
			return true
		})
	}
	switch n := d.node.(type) {
	case *ast.FuncDecl:
		if n.Recv != nil {
			note(n.Recv)
		}
		note(n.Type)
		if r.kept[p][d] == whole && n.Body != nil {
			note(n.Body)
		}
	case *ast.TypeSpec:
		if n.TypeParams != nil {
			note(n.TypeParams)
		}
		note(r.shape(p, n))
	default:
		note(n)
	}
	for _, line := range docLines(d) {
		if strings.HasPrefix(line, "//go:embed") {
			names["embed"] = true
		}
	}
}

func docLines(d *declaration) (lines []string) {
	if d.doc == nil {
		return nil
	}
	for _, line := range d.doc.List {
		lines = append(lines, line.Text)
	}
	return lines
}
