package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Compare reports every property and keyword of schemas, parameters and responses
// that is in the bundled Swagger document and is missing or different in the
// converted one.
func Compare(swagger, converted map[string]any) error {
	before, after := statements(swagger), statements(converted)
	var lost []string
	for _, s := range slices.Sorted(maps.Keys(before)) {
		if !after[s] {
			lost = append(lost, "lost: "+s)
		}
	}
	for _, s := range slices.Sorted(maps.Keys(after)) {
		if !before[s] {
			lost = append(lost, "gained: "+s)
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("the conversion changed the spec:\n\t%s", strings.Join(lost, "\n\t"))
	}
	return nil
}

// statements returns the schemas and operations of a document as a set of "path
// keyword=value", independent of how the document writes them.
func statements(doc object) map[string]bool {
	r := recorder{doc: doc, seen: map[string]bool{}}
	schemas := member(doc, "definitions")
	if schemas == nil {
		schemas = member(member(doc, "components"), "schemas")
	}
	r.schemas = schemas
	for name, schema := range schemas {
		r.definition(name, schema.(object))
	}
	for path, item := range member(doc, "paths") {
		for method, operation := range item.(object) {
			if op, ok := operation.(object); ok && method != "parameters" {
				r.operation(method+" "+path, op)
			}
		}
	}
	return r.seen
}

type recorder struct {
	doc, schemas object
	seen         map[string]bool
}

// structural keywords are followed, not compared.
var structural = map[string]bool{
	"allOf": true, "properties": true, "required": true, "items": true, "additionalProperties": true, "$ref": true,
}

// record records a keyword. False booleans are the default, and x-nullable is OpenAPI 3's
// nullable.
func (r *recorder) record(at, key string, value any) {
	if value == false {
		return
	}
	if key == "x-nullable" {
		key = "nullable"
	}
	data, _ := json.Marshal(value)
	r.seen[at+" "+key+"="+string(data)] = true
}

func (r *recorder) keywords(at string, schema object) {
	for key, value := range schema {
		if !structural[key] {
			r.record(at, key, value)
		}
	}
	if schema["properties"] != nil && schema["type"] == nil {
		r.record(at, "type", "object")
	}
}

func (r *recorder) definition(at string, schema object) {
	r.keywords(at, schema)
	r.members(at, schema)
	r.inherited(at, schema)
}

// inherited records the flattened members of everything that allOf includes.
func (r *recorder) inherited(at string, schema object) {
	parts, _ := schema["allOf"].([]any)
	for _, part := range parts {
		p := part.(object)
		if ref := reference(p); ref != "" {
			p = member(r.schemas, lastSegment(ref))
		}
		r.members(at, p)
		r.inherited(at, p)
	}
}

func (r *recorder) members(at string, schema object) {
	for name, property := range member(schema, "properties") {
		r.value(at+"."+name, property.(object))
	}
	if required, ok := schema["required"].([]any); ok {
		for _, name := range required {
			r.seen[at+"."+name.(string)+" required"] = true
		}
	}
	if items, ok := schema["items"].(object); ok {
		r.value(at+"[]", items)
	}
	switch values := schema["additionalProperties"].(type) {
	case object:
		r.value(at+"{}", values)
	case bool:
		r.record(at, "additionalProperties", values)
	}
}

// value records the schema of a property; a reference is named, not followed.
func (r *recorder) value(at string, schema object) {
	r.keywords(at, schema)
	if ref := reference(schema); ref != "" {
		r.record(at, "ref", lastSegment(ref))
		return
	}
	if parts, ok := schema["allOf"].([]any); ok && len(parts) == 1 && reference(parts[0]) != "" {
		r.record(at, "ref", lastSegment(reference(parts[0])))
		return
	}
	r.members(at, schema)
	r.inherited(at, schema)
}

func (r *recorder) operation(at string, operation object) {
	for key, value := range operation {
		if strings.HasPrefix(key, "x-ms-") || key == "operationId" || key == "description" || key == "summary" {
			r.record(at, key, value)
		}
	}
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		r.parameter(at, r.resolve(p.(object)))
	}
	if body := r.resolve(member(operation, "requestBody")); body != nil {
		if body["required"] == true {
			r.seen[at+" body required"] = true
		}
		r.content(at+" body", body)
	}
	for status, response := range member(operation, "responses") {
		res := r.resolve(response.(object))
		r.record(at+" "+status, "description", res["description"])
		if schema, ok := res["schema"].(object); ok {
			r.value(at+" "+status, schema)
		}
		r.content(at+" "+status, res)
	}
}

// content records the JSON schema of an OpenAPI 3 body.
func (r *recorder) content(at string, body object) {
	if schema, ok := member(member(body, "content"), "application/json")["schema"].(object); ok {
		r.value(at, schema)
	}
}

// parameter records a parameter: Swagger keeps its schema inline, OpenAPI 3 below "schema".
func (r *recorder) parameter(at string, p object) {
	if p["in"] == "body" {
		if p["required"] == true {
			r.seen[at+" body required"] = true
		}
		r.value(at+" body", member(p, "schema"))
		return
	}
	at = fmt.Sprintf("%s %v:%v", at, p["in"], p["name"])
	for key, value := range p {
		if key != "schema" && key != "name" && key != "in" {
			r.record(at, key, value)
		}
	}
	r.keywords(at, member(p, "schema"))
}

// resolve follows a reference to a shared parameter, body or response.
func (r *recorder) resolve(o object) object {
	ref := reference(o)
	if ref == "" {
		return o
	}
	found := r.doc
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		found = member(found, part)
	}
	return found
}

func lastSegment(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
