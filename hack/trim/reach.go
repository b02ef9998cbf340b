package main

import (
	"fmt"
	"go/ast"
)

// reach finds out which declarations are used, by their names alone: a name that
// means something else in its place keeps a declaration that is not needed, and a
// mistake the other way does not compile.
type reach struct {
	source *source
	// used are the names of members that code, as opposed to stubs, mentions.
	used map[string]bool
	// kept are the declarations to be copied, and how much of them.
	kept map[*goPackage]map[*declaration]extent
	err  error
}

// extent is how much of a declaration is needed.
type extent int

const (
	surface extent = 1 + iota // what its callers see
	whole
)

// from keeps what the files use, and what that uses. What is used of stubs depends
// on what all others mention, so it is repeated until nothing is added.
func (r *reach) from(files []*goFile) error {
	for before := -1; before != r.size(); {
		before = r.size()
		r.kept = map[*goPackage]map[*declaration]extent{}
		for _, f := range files {
			r.walk(f.syntax, scope{file: f, code: true})
		}
		if r.err != nil {
			return r.err
		}
	}
	return nil
}

func (r *reach) size() int {
	n := len(r.used)
	for _, kept := range r.kept {
		n += len(kept)
	}
	return n
}

// scope is where names are looked up: in a file, and in its package if that is of
// the module. Code is what runs.
type scope struct {
	file *goFile
	in   *goPackage
	code bool
}

// walk keeps what a piece of syntax names.
func (r *reach) walk(node ast.Node, s scope) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && s.file.imports[x.Name] != "" {
				r.wantFrom(s.file.imports[x.Name], n.Sel.Name, s.code)
			}
			if s.code {
				r.used[n.Sel.Name] = true
			}
			r.walk(n.X, s)
			return false
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && s.code {
				r.used[key.Name] = true
			}
		case *ast.InterfaceType:
			for _, method := range n.Methods.List {
				for _, name := range method.Names {
					r.used[name.Name] = r.used[name.Name] || s.code
				}
			}
		case *ast.Ident:
			if s.in != nil {
				r.want(s.in, n.Name, s.code)
			}
		}
		return true
	})
}

func (r *reach) wantFrom(importPath, name string, code bool) {
	p, err := r.source.load(importPath)
	if err != nil {
		r.err = fmt.Errorf("import %s: %w", importPath, err)
	}
	if p != nil {
		r.want(p, name, code && !p.stub)
	}
}

// want keeps a declaration of a package. Where the code of a stub is needed, a
// variable's first value calls it.
func (r *reach) want(p *goPackage, name string, code bool) {
	d := p.top[name]
	if d == nil {
		return
	}
	if r.kept[p] == nil {
		r.kept[p] = map[*declaration]extent{}
		if !p.stub {
			for _, init := range p.inits {
				r.keep(p, init, whole)
			}
		}
	}
	if code {
		r.keep(p, d, whole)
	} else {
		r.keep(p, d, surface)
	}
}

func (r *reach) keep(p *goPackage, d *declaration, how extent) {
	if !p.stub {
		how = whole
	}
	if r.kept[p][d] >= how {
		return
	}
	r.kept[p][d] = how
	s := scope{file: d.file, in: p, code: how == whole}
	switch n := d.node.(type) {
	case *ast.FuncDecl:
		if n.Recv != nil {
			r.walk(n.Recv, s)
		}
		r.walk(n.Type, s)
		if how == whole && n.Body != nil {
			r.walk(n.Body, s)
		}
	case *ast.TypeSpec:
		if n.TypeParams != nil {
			r.walk(n.TypeParams, s)
		}
		r.walk(r.shape(p, n), s)
		for _, method := range p.methods[n.Name.Name] {
			if f, _ := method.node.(*ast.FuncDecl); !p.stub || r.used[f.Name.Name] {
				r.keep(p, method, how)
			}
		}
	case *ast.ValueSpec:
		r.values(n, s)
	case *ast.GenDecl:
		for _, spec := range n.Specs {
			if value, ok := spec.(*ast.ValueSpec); ok {
				r.values(value, s)
			}
		}
	}
}

// values keeps what variables or constants begin with, even those of stubs.
func (r *reach) values(n *ast.ValueSpec, s scope) {
	if n.Type != nil {
		r.walk(n.Type, s)
	}
	s.code = true
	for _, value := range n.Values {
		r.walk(value, s)
	}
}

// shape is a type without the unused parts of a stub: fields that are neither
// used nor encoded, and methods of interfaces.
func (r *reach) shape(p *goPackage, n *ast.TypeSpec) ast.Expr {
	if !p.stub {
		return n.Type
	}
	switch t := n.Type.(type) {
	case *ast.StructType:
		return &ast.StructType{Struct: t.Struct, Fields: r.mentioned(t.Fields)}
	case *ast.InterfaceType:
		return &ast.InterfaceType{Interface: t.Interface, Methods: r.mentioned(t.Methods)}
	}
	return n.Type
}

func (r *reach) mentioned(fields *ast.FieldList) *ast.FieldList {
	kept := &ast.FieldList{Opening: fields.Opening, Closing: fields.Closing}
	for _, field := range fields.List {
		var names []*ast.Ident
		for _, name := range field.Names {
			if ast.IsExported(name.Name) && (r.used[name.Name] || field.Tag != nil) {
				names = append(names, name)
			}
		}
		if len(names) > 0 || len(field.Names) == 0 {
			kept.List = append(kept.List, &ast.Field{Names: names, Type: field.Type, Tag: field.Tag})
		}
	}
	return kept
}
