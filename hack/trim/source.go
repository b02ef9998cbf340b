package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// source is a module as its author wrote it. Its packages are read when they
// are first imported.
type source struct {
	module, dir string
	platform    *build.Context
	stub        *regexp.Regexp
	packages    map[string]*goPackage
	files       token.FileSet
}

// goPackage is one package, its declarations by name.
type goPackage struct {
	path, dir string
	stub      bool
	files     []*goFile
	top       map[string]*declaration
	methods   map[string][]*declaration // by the receiver's type
	inits     []*declaration
}

type goFile struct {
	name    string
	text    []byte
	syntax  *ast.File
	imports map[string]string // local name to path
	order   []*declaration
}

// declaration is a function, a type, a variable or a group of constants.
type declaration struct {
	file  *goFile
	names []string
	node  ast.Node // *ast.FuncDecl, *ast.TypeSpec, *ast.ValueSpec, or *ast.GenDecl of constants
	doc   *ast.CommentGroup
}

// load reads a package of the module; nil for others.
func (s *source) load(importPath string) (*goPackage, error) {
	if importPath != s.module && !strings.HasPrefix(importPath, s.module+"/") {
		return nil, nil
	}
	if p := s.packages[importPath]; p != nil {
		return p, nil
	}
	below := strings.TrimPrefix(importPath, s.module)
	p := &goPackage{path: importPath, dir: filepath.Join(s.dir, filepath.FromSlash(below)), stub: s.stub.MatchString(below),
		top: map[string]*declaration{}, methods: map[string][]*declaration{}}
	s.packages[importPath] = p
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		if matches, err := s.platform.MatchFile(p.dir, e.Name()); err != nil || !matches {
			continue
		}
		f, err := s.parse(filepath.Join(p.dir, e.Name()))
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
		for _, d := range f.syntax.Decls {
			p.declare(f, d)
		}
	}
	return p, nil
}

func (s *source) parse(name string) (*goFile, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	syntax, err := parser.ParseFile(&s.files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &goFile{name: filepath.Base(name), text: text, syntax: syntax, imports: map[string]string{}}
	for _, spec := range syntax.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		f.imports[localName(spec, importPath)] = importPath
	}
	return f, nil
}

var version = regexp.MustCompile(`^v[0-9]+$`)

// localName is the name of an import in its file. Where the file does not say
// it, the package is called like the end of its path: goimports writes others.
func localName(spec *ast.ImportSpec, importPath string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	base := path.Base(importPath)
	if version.MatchString(base) && strings.Count(importPath, "/") > 1 && !strings.Contains(importPath, "api/") {
		base = path.Base(path.Dir(importPath))
	}
	base, _, _ = strings.Cut(base, ".v")
	return strings.ReplaceAll(strings.TrimPrefix(base, "go-"), "-", "")
}

// declare files a declaration under its names.
func (p *goPackage) declare(f *goFile, node ast.Decl) {
	add := func(d *declaration) {
		f.order = append(f.order, d)
		for _, name := range d.names {
			p.top[name] = d
		}
	}
	switch n := node.(type) {
	case *ast.FuncDecl:
		d := &declaration{file: f, node: n, doc: n.Doc}
		switch {
		case n.Recv != nil:
			base := receiver(n.Recv.List[0].Type)
			p.methods[base] = append(p.methods[base], d)
		case n.Name.Name == "init":
			p.inits = append(p.inits, d)
		default:
			d.names = []string{n.Name.Name}
		}
		add(d)
	case *ast.GenDecl:
		if n.Tok == token.CONST {
			d := &declaration{file: f, node: n, doc: n.Doc}
			for _, spec := range n.Specs {
				d.names = append(d.names, valueNames(spec)...)
			}
			add(d)
			return
		}
		for _, spec := range n.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				add(&declaration{file: f, node: spec, names: []string{spec.Name.Name}})
			case *ast.ValueSpec:
				add(&declaration{file: f, node: spec, names: valueNames(spec), doc: firstDoc(spec.Doc, n.Doc)})
			}
		}
	}
}

// firstDoc is the comment of a variable, which may embed files.
func firstDoc(docs ...*ast.CommentGroup) *ast.CommentGroup {
	for _, d := range docs {
		if d != nil {
			return d
		}
	}
	return nil
}

// valueNames are the names that a specification declares, but for blank ones.
func valueNames(spec ast.Spec) (names []string) {
	value, ok := spec.(*ast.ValueSpec)
	if !ok {
		return nil
	}
	for _, name := range value.Names {
		if name.Name != "_" {
			names = append(names, name.Name)
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	}
	return ""
}

// users are the files below a folder, tests among them, that may use the module.
func (s *source) users(root string) (files []*goFile, err error) {
	err = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && name != root && strings.HasPrefix(e.Name(), ".") {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := s.parse(name)
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	return files, err
}
