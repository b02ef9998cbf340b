package rules

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// The budgets of hand-written code.
const (
	maxFiles     = 25  // of a package, without tests
	maxLines     = 150 // of any function
	p99Lines     = 100 // of 99 functions in 100
	maxParams    = 5
	maxInterface = 10   // methods; only contracts with a suite reach it
	maxFileLines = 500  // without tests
	documented   = 0.95 // of the exported names
)

func TestPackagesHaveFewFiles(t *testing.T) {
	for _, p := range handwritten(t) {
		if len(p.files) > maxFiles {
			t.Errorf("%s has %d files, at most %d", p.name, len(p.files), maxFiles)
		}
	}
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	var lengths []int
	for _, p := range handwritten(t) {
		for _, file := range p.files {
			if n := p.set.Position(file.End()).Line; n > maxFileLines && !ast.IsGenerated(file) {
				t.Errorf("%s has %d lines, at most %d", p.set.Position(file.Pos()).Filename, n, maxFileLines)
			}
		}
		functions(p.files, func(fn *ast.FuncDecl) {
			from, to := p.set.Position(fn.Pos()), p.set.Position(fn.End())
			n := to.Line - from.Line + 1
			lengths = append(lengths, n)
			if n > maxLines {
				t.Errorf("%s: %s has %d lines, at most %d", from, fn.Name.Name, n, maxLines)
			}
		})
	}
	slices.Sort(lengths)
	if p99 := lengths[len(lengths)*99/100]; p99 > p99Lines {
		t.Errorf("99 of 100 functions have up to %d lines, want up to %d", p99, p99Lines)
	}
}

// maxCommandLines is the most that a file of cmd/aro has: flags and what is opened with
// them; what a process does is elsewhere.
const maxCommandLines = 100

func TestCommandsAreShort(t *testing.T) {
	for _, p := range packages(t) {
		for _, file := range p.files {
			if n := p.set.Position(file.End()).Line; p.name == "cmd/aro" && n > maxCommandLines {
				t.Errorf("%s has %d lines, at most %d", p.set.Position(file.Pos()).Filename, n, maxCommandLines)
			}
		}
	}
}

// manyParameters are the functions that may have more parameters, with the reason.
var manyParameters = map[string]string{
	"GetMarketplaceImage": "an interface of the OpenShift installer",
	"Update":              "an interface of Kubernetes' API servers (local/controlplane/projects)",
	"ExecInContainer":     "an interface of kubelets (local/hypervisor/pods)",
	"AttachContainer":     "an interface of kubelets (local/hypervisor/pods)",
	"call":                "the parts of an HTTP request (local/cloud/deployments)",
}

func TestFunctionsHaveFewParameters(t *testing.T) {
	for _, p := range handwritten(t) {
		functions(p.files, func(fn *ast.FuncDecl) {
			if n := fn.Type.Params.NumFields(); n > maxParams && manyParameters[fn.Name.Name] == "" {
				t.Errorf("%s: %s has %d parameters, at most %d", p.set.Position(fn.Pos()), fn.Name.Name, n, maxParams)
			}
		})
	}
}

func TestInterfacesAreSmall(t *testing.T) {
	for _, p := range handwritten(t) {
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > maxInterface {
					t.Errorf("%s: an interface has %d methods, at most %d", p.set.Position(i.Pos()), i.Methods.NumFields(), maxInterface)
				}
				return true
			})
		}
	}
}

func TestNoInitAndNoEnvironmentOutsideCommands(t *testing.T) {
	for _, p := range packages(t) {
		functions(p.files, func(fn *ast.FuncDecl) {
			if fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s: init() hides what starts when", p.set.Position(fn.Pos()))
			}
		})
		if strings.HasPrefix(p.name, "cmd/") || strings.HasPrefix(p.name, "local/cmd/") || strings.HasPrefix(p.name, "hack/") {
			continue
		}
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && isName(s.X, "os") && slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, s.Sel.Name) {
					t.Errorf("%s: only commands read the environment", p.set.Position(s.Pos()))
				}
				return true
			})
		}
	}
}

// TestNamesCompareAsTheyDoToARM: to strings.EqualFold the Kelvin sign is a k, and the
// long s an s. The installer's module does not import ours, and gets what was checked.
func TestNamesCompareAsTheyDoToARM(t *testing.T) {
	for _, p := range packages(t) {
		if allowed([]string{"installer/...", "hack/..."}, p.name) {
			continue
		}
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "EqualFold" && (isName(s.X, "strings") || isName(s.X, "bytes")) {
					t.Errorf("%s: letters of other scripts are not ASCII ones: compare with arm.EqualFold", p.set.Position(s.Pos()))
				}
				return true
			})
		}
	}
}

func isName(e ast.Expr, name string) bool {
	i, ok := e.(*ast.Ident)
	return ok && i.Name == name
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	shelves := []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "shared", "lib", "types"}
	for _, p := range packages(t) {
		name := p.name[strings.LastIndexByte(p.name, '/')+1:]
		if slices.Contains(shelves, name) {
			t.Errorf("%s is a shelf, not a noun", p.name)
		}
		if len(p.files) > 0 && !slices.ContainsFunc(p.files, func(f *ast.File) bool { return f.Doc.Text() != "" }) {
			t.Errorf("%s has no package comment", p.name)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	total, without := 0, []string(nil)
	for _, p := range handwritten(t) {
		for _, file := range p.files {
			for name, has := range exported(file) {
				total++
				if !has {
					without = append(without, p.name+"."+name)
				}
			}
		}
	}
	if share := 1 - float64(len(without))/float64(total); share < documented {
		t.Errorf("%.1f %% of %d exported names are documented, want %.0f %%; missing: %s", 100*share, total, 100*documented, strings.Join(without, ", "))
	}
}

// exported returns for each exported top-level name of a file whether it has a
// comment.
func exported(file *ast.File) map[string]bool {
	names := map[string]bool{}
	note := func(i *ast.Ident, docs ...*ast.CommentGroup) {
		if i.IsExported() {
			names[i.Name] = slices.ContainsFunc(docs, func(c *ast.CommentGroup) bool { return c.Text() != "" })
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiverExported(d) {
				note(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					note(s.Name, s.Doc, s.Comment, d.Doc)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						note(name, s.Doc, s.Comment, d.Doc)
					}
				}
			}
		}
	}
	return names
}

func receiverExported(d *ast.FuncDecl) bool {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}
