package emit

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// Routes writes the Version type, its list of operations and the adapter from
// the echo server interface, whose source is given, to one function.
func Routes(d *spec.Document, pkg string, server []byte) ([]byte, error) {
	methods, err := interfaceMethods(server, "ServerInterface")
	if err != nil {
		return nil, err
	}
	comment := fmt.Sprintf("// Package %s speaks api-version %s: its types, routes, validators and its words\n"+
		"// for the model. All of it is generated from the spec; rules of meaning live in model.\n", pkg, d.APIVersion)
	s := newSource(pkg, comment, "github.com/labstack/echo/v4", "", module+"/shape")
	s.f("// APIVersion is the api-version that this package speaks.\nconst APIVersion = %q\n", d.APIVersion)
	s.f("// Version is this api-version: its routes, its validators, its words for the model. It has no state.")
	s.f("type Version struct{}\n")
	s.f("// APIVersion is the value of the query parameter.\nfunc (Version) APIVersion() string { return APIVersion }\n")
	s.f("// Operations lists what the spec offers, by operation id.\nfunc (Version) Operations() []shape.Operation {\nreturn []shape.Operation{")
	for _, r := range d.Routes {
		s.f("{ID: %q, Method: %q, Path: %q, Statuses: %#v},", r.OperationID, r.Method, r.Path, r.Statuses)
	}
	s.f("}\n}\n")
	s.f("// Routes registers the paths of the spec; each calls handle with its operation id.")
	s.f("func (Version) Routes(r EchoRouter, handle func(c echo.Context, operationID string) error) {")
	s.f("RegisterHandlers(r, routes{handle})\n}\n")
	s.f("// routes answers every operation with one function.")
	s.f("type routes struct {\nhandle func(c echo.Context, operationID string) error\n}\n")
	for _, r := range d.Routes {
		method := strings.ReplaceAll(r.OperationID, "_", "")
		parameters, ok := methods[method]
		if !ok {
			return nil, fmt.Errorf("the echo server has no method for operation %s", r.OperationID)
		}
		s.f("func (r routes) %s(%s) error { return r.handle(c, %q) }\n", method, parameters, r.OperationID)
	}
	return s.formatted()
}

// interfaceMethods gives the parameter list of every method, the first named c.
func interfaceMethods(src []byte, name string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "server.gen.go", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	methods := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		t, ok := n.(*ast.TypeSpec)
		if !ok || t.Name.Name != name {
			return true
		}
		for _, m := range t.Type.(*ast.InterfaceType).Methods.List {
			methods[m.Names[0].Name] = parameterList(m.Type.(*ast.FuncType))
		}
		return false
	})
	return methods, nil
}

func parameterList(f *ast.FuncType) string {
	var b bytes.Buffer
	for i, p := range f.Params.List {
		if i == 0 {
			b.WriteString("c ")
		} else {
			b.WriteString(", _ ")
		}
		b.WriteString(types.ExprString(p.Type))
	}
	return b.String()
}
