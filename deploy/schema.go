package deploy

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Schema is the JSON schema of the configuration file, for editors.
func Schema() ([]byte, error) {
	settings := object{"type": "object", "additionalProperties": false, "properties": properties(reflect.TypeFor[Settings]())}
	file := properties(reflect.TypeFor[File]())
	file["defaults"] = object{"description": file["defaults"].(object)["description"], "$ref": "#/$defs/settings"}
	file["regions"] = object{"description": file["regions"].(object)["description"], "type": "object", "additionalProperties": object{"$ref": "#/$defs/settings"}}
	content, err := json.MarshalIndent(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Configuration of aro deploy",
		"type": "object", "additionalProperties": false, "required": []string{"regions"},
		"properties": file, "$defs": object{"settings": settings},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return append(content, '\n'), nil
}

// properties of a struct's fields.
func properties(t reflect.Type) object {
	all := object{}
	for i := range t.NumField() {
		field := t.Field(i)
		one := object{"description": field.Tag.Get("help")}
		switch field.Type.Kind() {
		case reflect.Bool:
			one["type"] = "boolean"
		case reflect.Int:
			one["type"] = "integer"
		case reflect.Slice:
			one["type"], one["items"] = "array", object{"type": "string"}
		case reflect.Map:
			one["type"], one["additionalProperties"] = "object", object{"type": "string"}
		case reflect.String:
			one["type"] = "string"
		}
		if text := field.Tag.Get("byDefault"); text != "" {
			var value any = text
			if field.Type.Kind() == reflect.Int {
				value = json.Number(text)
			}
			one["default"] = value
		}
		all[keyOf(field)] = one
	}
	return all
}
