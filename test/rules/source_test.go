package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/aro-rp/aro"

// source is one package of a module of ours, parsed from its files whatever their
// build tags.
type source struct {
	// name is the folder below the root.
	name      string
	generated bool
	imports   []string // of ours, without tests
	set       *token.FileSet
	files     []*ast.File // without tests
	tests     []*ast.File
}

// packages returns every package of every module but the generated clients.
func packages(t *testing.T) []source {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 60 {
		t.Fatalf("only %d packages were found", len(all))
	}
	return all
}

// rootPackages returns those of the root module.
func rootPackages(t *testing.T) []source {
	t.Helper()
	return slices.DeleteFunc(slices.Clone(packages(t)), func(s source) bool {
		return allowed([]string{"local/...", "installer/..."}, s.name)
	})
}

var parsed = sync.OnceValues(func() ([]source, error) {
	root := filepath.Join("..", "..")
	found := map[string]*source{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Base(path)
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"node_modules", "bin", "clients", "testdata", "data"}, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		if found[folder] == nil {
			found[folder] = &source{name: folder, set: token.NewFileSet(), generated: strings.HasPrefix(folder, "generated/") || strings.HasPrefix(folder, "local/generated/")}
		}
		return found[folder].add(path)
	})
	var all []source
	for _, s := range found {
		slices.Sort(s.imports)
		s.imports = slices.Compact(s.imports)
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return all, err
})

func (s *source) add(path string) error {
	file, err := parser.ParseFile(s.set, path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, "_test.go") {
		s.tests = append(s.tests, file)
		return nil
	}
	s.files = append(s.files, file)
	for _, imported := range file.Imports {
		if name, ours := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), module+"/"); ours {
			s.imports = append(s.imports, name)
		}
	}
	return nil
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
