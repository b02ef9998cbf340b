package emit

import (
	"fmt"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// Routes writes the Version type and its list of operations.
func Routes(d *spec.Document, pkg string) ([]byte, error) {
	comment := fmt.Sprintf("// Package %s implements api-version %s: types, routes, validators and conversions.\n"+
		"// It is generated from the spec. Package model has the rules that a schema cannot express.\n", pkg, d.APIVersion)
	s := newSource(pkg, comment, module+"/validation")
	s.f("// APIVersion is the api-version of this package.\nconst APIVersion = %q\n", d.APIVersion)
	s.f("// Version implements this api-version: routes, validators and conversions. It has no state.")
	s.f("type Version struct{}\n")
	s.f("// APIVersion returns the value of the query parameter.\nfunc (Version) APIVersion() string { return APIVersion }\n")
	s.f("// Operations lists the operations of the spec by id.\nfunc (Version) Operations() []validation.Operation {")
	operations(s, d)
	s.f("}\n")
	return s.formatted()
}

// operations writes the statement that returns the operations of the spec.
func operations(s *source, d *spec.Document) {
	s.f("return []validation.Operation{")
	for _, r := range d.Routes {
		s.f("{ID: %q, Method: %q, Path: %q, Statuses: %#v},", r.OperationID, r.Method, r.Path, r.Statuses)
	}
	s.f("}")
}
