package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-json-experiment/json/jsontext"
)

// keepOrder gives each property its position in the published file at path, by the
// keyword with which oapi-codegen sorts the fields of a struct, so that responses
// have their members in this order. Properties included from other files have the
// order of the overlay.
func keepOrder(doc object, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var published struct {
		Definitions map[string]struct{ Properties jsontext.Value }
	}
	if err := json.Unmarshal(file, &published); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	schemas := member(member(doc, "components"), "schemas")
	for name, definition := range published.Definitions {
		names, err := memberNames(definition.Properties)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
		for i, own := range names {
			if property := ownProperty(member(schemas, name), own); property != nil {
				property["x-order"] = i + 1
			}
		}
	}
	return nil
}

// memberNames returns the names of an object's members, in order.
func memberNames(text jsontext.Value) ([]string, error) {
	if text.Kind() != jsontext.KindBeginObject {
		return nil, nil
	}
	var names []string
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	for decoder.PeekKind() != jsontext.KindEndObject {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		names = append(names, name.String())
		if err := decoder.SkipValue(); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// ownProperty returns a property of the schema itself, not of those that it
// includes.
func ownProperty(schema object, name string) object {
	if property := member(member(schema, "properties"), name); property != nil {
		return property
	}
	parts, _ := schema["allOf"].([]any)
	for _, part := range parts {
		if property := member(member(part.(object), "properties"), name); property != nil {
			return property
		}
	}
	return nil
}
