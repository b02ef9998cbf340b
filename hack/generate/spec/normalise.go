package spec

// Two forms of Swagger that later stages lose are rewritten here: keywords beside
// $ref, which openapi2conv drops, and properties beside allOf, which make
// oapi-codegen drop what allOf includes.

// KeepSiblings wraps every $ref that has keywords beside it in an allOf.
func KeepSiblings(doc map[string]any) { eachSchema(doc, wrapReference) }

// Inherit moves the properties beside an allOf into it, as its last part.
func Inherit(doc map[string]any) { eachSchema(doc, moveBesideAllOf) }

// nameNullable gives x-nullable its OpenAPI 3 name where openapi2conv leaves it,
// which is below additionalProperties.
func nameNullable(schema object) {
	if value, ok := schema["x-nullable"]; ok {
		schema["nullable"] = value
		delete(schema, "x-nullable")
	}
}

// eachSchema calls rewrite with every schema of the document, the outer first.
func eachSchema(doc object, rewrite func(object)) {
	for _, section := range []object{member(doc, "definitions"), member(member(doc, "components"), "schemas")} {
		for _, schema := range section {
			walkSchema(schema, rewrite)
		}
	}
}

func walkSchema(node any, rewrite func(object)) {
	schema, ok := node.(object)
	if !ok {
		return
	}
	rewrite(schema)
	for _, property := range member(schema, "properties") {
		walkSchema(property, rewrite)
	}
	walkSchema(schema["items"], rewrite)
	walkSchema(schema["additionalProperties"], rewrite)
	parts, _ := schema["allOf"].([]any)
	for _, part := range parts {
		if reference(part) == "" {
			walkSchema(part, rewrite)
		}
	}
}

// wrapReference turns {$ref, siblings…} into {allOf: [{$ref}], siblings…}.
func wrapReference(schema object) {
	ref, ok := schema["$ref"]
	if !ok || len(schema) == 1 {
		return
	}
	delete(schema, "$ref")
	schema["allOf"] = []any{object{"$ref": ref}}
}

// moveBesideAllOf moves properties and required beside allOf into a further member of it.
func moveBesideAllOf(schema object) {
	all, ok := schema["allOf"].([]any)
	if !ok || (schema["properties"] == nil && schema["required"] == nil) {
		return
	}
	part := object{"type": "object"}
	if schema["properties"] != nil && schema["type"] == nil {
		schema["type"] = "object"
	}
	for _, key := range []string{"properties", "required"} {
		if value, ok := schema[key]; ok {
			part[key] = value
			delete(schema, key)
		}
	}
	schema["allOf"] = append(all, part)
}

// reference returns the target of the node's reference, or empty text.
func reference(node any) string {
	o, _ := node.(object)
	ref, _ := o["$ref"].(string)
	return ref
}
