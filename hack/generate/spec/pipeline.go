package spec

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Document is the contract of one api-version.
type Document struct {
	// APIVersion as in the query parameter; empty for the admin API.
	APIVersion string
	// OpenAPI is the document after the overlays, references resolved.
	OpenAPI *openapi3.T
	// AnyCase reports whether member names in requests match in any case.
	AnyCase bool
	// Routes are the operations, sorted by id.
	Routes []Route

	schemas object
	cache   map[string]*Schema
}

// Route is one operation of a spec.
type Route struct {
	OperationID, Method, Path string
	// Statuses are the declared success statuses, ascending.
	Statuses []int
}

// Read runs the Swagger file at path through the whole pipeline: bundle, normalise,
// convert, compare, overlay, order. Overlays apply to the form of the published file;
// changes for oapi-codegen come after them.
func Read(path string, overlays ...*Overlay) (*Document, error) {
	doc, err := Convert(path)
	if err != nil {
		return nil, err
	}
	for _, o := range overlays {
		if doc, err = o.Apply(doc); err != nil {
			return nil, err
		}
	}
	KeepSiblings(doc) // an overlay may have put keywords beside a $ref
	Inherit(doc)
	if err := keepOrder(doc, path); err != nil {
		return nil, err
	}
	return New(doc)
}

// Convert returns the published file as OpenAPI 3, after a check that nothing was
// lost.
func Convert(path string) (map[string]any, error) {
	swagger, err := Bundle(path)
	if err != nil {
		return nil, err
	}
	published, err := clone(swagger)
	if err != nil {
		return nil, err
	}
	KeepSiblings(swagger)
	doc, err := ToOpenAPI3(swagger)
	if err != nil {
		return nil, err
	}
	return doc, Compare(published, doc)
}

// New returns the document from which code is generated.
func New(doc map[string]any) (*Document, error) {
	if err := dropUnusedParameters(doc); err != nil {
		return nil, err
	}
	loaded, err := Load(doc)
	if err != nil {
		return nil, err
	}
	version, _ := member(doc, "info")["version"].(string)
	names, stated := member(doc, "info")["x-aro-names"]
	if stated && names != "ignore-case" {
		return nil, fmt.Errorf("x-aro-names %q is not known", names)
	}
	return &Document{
		APIVersion: version, AnyCase: stated, OpenAPI: loaded, Routes: routes(doc),
		schemas: member(member(doc, "components"), "schemas"), cache: map[string]*Schema{},
	}, nil
}

// ReadVersion reads the spec of an api-version below root with its overlays.
func ReadVersion(root, version string, shared, own *Overlay) (*Document, error) {
	d, err := Read(filepath.Join(root, "arm", version, "redhatopenshift.json"), shared, own)
	if err != nil {
		return nil, fmt.Errorf("api-version %s: %w", version, err)
	}
	if d.APIVersion != version {
		return nil, fmt.Errorf("api-version %s: the spec has version %s", version, d.APIVersion)
	}
	return d, nil
}

// dropUnusedParameters removes shared parameters that no operation refers to: they
// would become unused Go types.
func dropUnusedParameters(doc object) error {
	paths, err := json.Marshal(doc["paths"])
	if err != nil {
		return err
	}
	parameters := member(member(doc, "components"), "parameters")
	for name := range parameters {
		if !strings.Contains(string(paths), "\"#/components/parameters/"+name+"\"") {
			delete(parameters, name)
		}
	}
	return nil
}

func routes(doc object) []Route {
	var list []Route
	for path, item := range member(doc, "paths") {
		for method, operation := range item.(object) {
			if id, ok := operation.(object)["operationId"].(string); ok {
				list = append(list, Route{OperationID: id, Method: strings.ToUpper(method), Path: path, Statuses: statuses(operation.(object))})
			}
		}
	}
	slices.SortFunc(list, func(a, b Route) int { return strings.Compare(a.OperationID, b.OperationID) })
	return list
}

// statuses returns the numeric names of an operation's responses; errors are all
// below the name default.
func statuses(operation object) []int {
	var list []int
	for name := range member(operation, "responses") {
		if status, err := strconv.Atoi(name); err == nil {
			list = append(list, status)
		}
	}
	slices.Sort(list)
	return list
}
