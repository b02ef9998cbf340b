package emit

import (
	"fmt"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// Version writes the package of one api-version, by file name.
func Version(d *spec.Document, pkg string) (map[string][]byte, error) {
	files, structs, err := common(d, pkg, ByName)
	if err != nil {
		return nil, err
	}
	if files["routes.gen.go"], err = Routes(d, pkg); err != nil {
		return nil, fmt.Errorf("routes: %w", err)
	}
	if files["validate.gen.go"], err = Validators(d, pkg); err != nil {
		return nil, fmt.Errorf("validators: %w", err)
	}
	if files["convert.gen.go"], err = Conversions(d, pkg, structs); err != nil {
		return nil, fmt.Errorf("conversions: %w", err)
	}
	return files, nil
}

// Unversioned writes the package of an API without an api-version: types and echo server.
func Unversioned(d *spec.Document, pkg string) (map[string][]byte, error) {
	files, _, err := common(d, pkg, Typed)
	if err != nil {
		return nil, err
	}
	doc := newSource(pkg, "// Package "+pkg+" has the types and routes of the API of that name, from its spec.\n"+
		"// Package "+pkg+" of the service implements them.\n", module+"/validation")
	doc.f("// Operations lists the operations of the spec by id.\nfunc Operations() []validation.Operation {")
	operations(doc, d)
	doc.f("}")
	files["doc.gen.go"], err = doc.formatted()
	return files, err
}

// common writes the code of oapi-codegen and checks that no property was lost.
func common(d *spec.Document, pkg string, parameters Parameters) (map[string][]byte, Structs, error) {
	types, err := Types(d, pkg, parameters)
	if err != nil {
		return nil, nil, err
	}
	server, err := Server(d, pkg, parameters)
	if err != nil {
		return nil, nil, err
	}
	structs, err := ParseStructs(types)
	if err != nil {
		return nil, nil, err
	}
	if err := CheckFields(d, structs); err != nil {
		return nil, nil, err
	}
	return map[string][]byte{"types.gen.go": types, "server.gen.go": server}, structs, nil
}
