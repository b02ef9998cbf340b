package spec

import (
	"fmt"
	"os"

	"gopkg.in/yaml.v3"
)

// keepOrder gives each property the place that it has in the published file at
// path, by the keyword with which oapi-codegen sorts the fields of a struct:
// answers have their members in this order. What the file includes from others
// comes in the order of the overlay.
func keepOrder(doc object, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var published struct { // JSON is YAML
		Definitions map[string]struct{ Properties yaml.Node }
	}
	if err := yaml.Unmarshal(file, &published); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	schemas := member(member(doc, "components"), "schemas")
	for name, definition := range published.Definitions {
		names := definition.Properties.Content // keys and values in turn
		for i := 0; i < len(names); i += 2 {
			if property := ownProperty(member(schemas, name), names[i].Value); property != nil {
				property["x-order"] = i/2 + 1
			}
		}
	}
	return nil
}

// ownProperty is a property that stands in the schema, or beside what it includes.
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
