package emit

import (
	"fmt"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// Routes writes the Version type and its list of operations.
func Routes(d *spec.Document, pkg string) ([]byte, error) {
	comment := fmt.Sprintf("// Package %s speaks api-version %s: its types, routes, validators and its words\n"+
		"// for the model. All of it is generated from the spec; rules of meaning live in model.\n", pkg, d.APIVersion)
	s := newSource(pkg, comment, module+"/validation")
	s.f("// APIVersion is the api-version that this package speaks.\nconst APIVersion = %q\n", d.APIVersion)
	s.f("// Version is this api-version: its routes, its validators, its words for the model. It has no state.")
	s.f("type Version struct{}\n")
	s.f("// APIVersion is the value of the query parameter.\nfunc (Version) APIVersion() string { return APIVersion }\n")
	s.f("// Operations lists what the spec offers, by operation id.\nfunc (Version) Operations() []validation.Operation {")
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
