package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// exposed is one metric that the source makes for Prometheus.
type exposed struct {
	name, help, kind, folder string
	labels                   []string
}

// sent is one call that sends a metric to MDM.
type sent struct {
	// name has <x> where the source has no literal.
	name, at string
}

// source is what of metrics is in the source.
type source struct {
	exposed []exposed
	sent    []sent
}

// skipped are the folders without metrics of the service: tests, other modules, and the
// packages that pass metrics on.
var skipped = []string{"test", "local", "installer", "registry", "prometheus", "clients", "alerts", "hack", "findings", "generated", "node_modules", ".git", ".cache", "metrics/sink"}

// scan reads the source below root. A call that it cannot read is an error, so that
// nothing is left out of the documentation.
func scan(root string) (*source, error) {
	s := &source{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if slices.Contains(skipped, filepath.ToSlash(folder)) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		return s.file(path, filepath.ToSlash(filepath.Dir(folder)))
	})
	slices.SortFunc(s.exposed, func(a, b exposed) int { return cmp.Compare(a.name, b.name) })
	s.exposed = slices.CompactFunc(s.exposed, func(a, b exposed) bool { return a.name == b.name })
	return s, err
}

func (s *source) file(path, folder string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	var faults error
	constants := constantsOf(file)
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		chosen, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		at := fmt.Sprintf("%s:%d", path, set.Position(call.Pos()).Line)
		name := chosen.Sel.Name
		if of, _ := chosen.X.(*ast.Ident); of != nil && of.Name == "prometheus" {
			m, is, err := constructor(name, call)
			if err != nil {
				faults = cmp.Or(faults, fmt.Errorf("%s: %w", at, err))
			} else if m.folder = folder; is {
				s.exposed = append(s.exposed, m)
			}
		}
		if emits(name) && len(call.Args) >= 2 {
			s.sent = append(s.sent, sent{spelled(call.Args[0], constants), at})
		}
		return true
	})
	return faults
}

// emits reports whether a function of that name takes the name of a metric first.
func emits(name string) bool {
	return slices.Contains([]string{"EmitGauge", "EmitFloat", "gauge", "guarded"}, name)
}

// kinds are the types of metrics by the functions that make them.
var kinds = map[string]string{"NewCounter": "counter", "NewCounterVec": "counter", "NewGauge": "gauge", "NewGaugeVec": "gauge", "NewGaugeFunc": "gauge", "NewCounterFunc": "counter",
	"NewHistogram": "histogram", "NewHistogramVec": "histogram", "NewDesc": ""}

// constructor reads a call that makes a metric.
func constructor(name string, call *ast.CallExpr) (m exposed, is bool, err error) {
	kind, is := kinds[name]
	if !is {
		return m, false, nil
	}
	if name == "NewDesc" {
		return described(call)
	}
	m.kind = kind
	options, _ := call.Args[0].(*ast.CompositeLit)
	if options == nil {
		return m, false, fmt.Errorf("prometheus.%s needs its options as a literal, to be documented", name)
	}
	for _, e := range options.Elts {
		pair, _ := e.(*ast.KeyValueExpr)
		switch key := pair.Key.(*ast.Ident).Name; key {
		case "Name":
			m.name = text(pair.Value)
		case "Help":
			m.help = text(pair.Value)
		case "ConstLabels":
			m.labels = keys(pair.Value)
		case "Namespace", "Subsystem":
			return m, false, fmt.Errorf("%s: write the whole name, so that it can be searched for", key)
		}
	}
	if strings.HasSuffix(name, "Vec") {
		m.labels = append(m.labels, texts(call.Args[1])...)
	}
	if m.name == "" || m.help == "" {
		return m, false, fmt.Errorf("prometheus.%s needs Name and Help as literals", name)
	}
	return m, true, nil
}

// described reads prometheus.NewDesc(name, help, variableLabels, constLabels).
func described(call *ast.CallExpr) (m exposed, is bool, err error) {
	m = exposed{name: text(call.Args[0]), help: text(call.Args[1]), labels: texts(call.Args[2]), kind: "gauge"}
	if strings.HasSuffix(m.name, "_total") {
		m.kind = "counter"
	}
	if _, given := call.Args[3].(*ast.Ident); given && call.Args[3].(*ast.Ident).Name != "nil" {
		m.labels = append(m.labels, "kind")
	}
	if m.name == "" || m.help == "" {
		return m, false, fmt.Errorf("prometheus.NewDesc needs name and help as literals")
	}
	return m, true, nil
}

// constantsOf are the texts of a file's constants.
func constantsOf(file *ast.File) map[string]string {
	all := map[string]string{}
	for _, d := range file.Decls {
		general, _ := d.(*ast.GenDecl)
		if general == nil || general.Tok != token.CONST {
			continue
		}
		for _, spec := range general.Specs {
			value := spec.(*ast.ValueSpec)
			for i, name := range value.Names {
				if i < len(value.Values) {
					all[name.Name] = text(value.Values[i])
				}
			}
		}
	}
	return all
}

// spelled is a name as the source has it, with <x> for what is not a literal.
func spelled(e ast.Expr, constants map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return text(e)
	case *ast.Ident:
		if known := constants[e.Name]; known != "" {
			return known
		}
	case *ast.BinaryExpr:
		return spelled(e.X, constants) + spelled(e.Y, constants)
	}
	return "<x>"
}

func text(e ast.Expr) string {
	literal, _ := e.(*ast.BasicLit)
	if literal == nil || literal.Kind != token.STRING {
		return ""
	}
	value, _ := strconv.Unquote(literal.Value)
	return value
}

func texts(e ast.Expr) (all []string) {
	if list, ok := e.(*ast.CompositeLit); ok {
		for _, one := range list.Elts {
			all = append(all, text(one))
		}
	}
	return all
}

func keys(e ast.Expr) (all []string) {
	if list, ok := e.(*ast.CompositeLit); ok {
		for _, one := range list.Elts {
			if pair, ok := one.(*ast.KeyValueExpr); ok {
				all = append(all, text(pair.Key))
			}
		}
	}
	return all
}
