package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/aro-rp/aro"

// source is one package of the root module, parsed.
type source struct {
	// name is the folder below the root.
	name      string
	generated bool
	imports   []string // of ours, without tests
	set       *token.FileSet
	files     []*ast.File // without tests
	tests     []*ast.File
}

// listed is the part of `go list -json` that we read.
type listed struct {
	Dir, ImportPath                                    string
	GoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
	Imports                                            []string
}

// packages parses every package of the root module.
func packages(t *testing.T) []source {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=Dir,ImportPath,GoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []source
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, read(t, l))
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

func read(t *testing.T, l listed) source {
	t.Helper()
	s := source{name: strings.TrimPrefix(strings.TrimPrefix(l.ImportPath, module), "/"), set: token.NewFileSet()}
	s.generated = strings.HasPrefix(s.name, "generated/")
	for _, imported := range l.Imports {
		if name, ours := strings.CutPrefix(imported, module+"/"); ours {
			s.imports = append(s.imports, name)
		}
	}
	parse := func(names []string) (files []*ast.File) {
		for _, name := range names {
			file, err := parser.ParseFile(s.set, filepath.Join(l.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		return files
	}
	s.files = parse(append(l.GoFiles, l.IgnoredGoFiles...))
	s.tests = parse(append(l.TestGoFiles, l.XTestGoFiles...))
	return s
}

// handwritten are the packages that people wrote.
func handwritten(t *testing.T) []source {
	var all []source
	for _, p := range packages(t) {
		if !p.generated {
			all = append(all, p)
		}
	}
	return all
}

// functions calls f for every function of the files.
func functions(files []*ast.File, f func(*ast.FuncDecl)) {
	for _, file := range files {
		if ast.IsGenerated(file) {
			continue
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				f(fn)
			}
		}
	}
}
