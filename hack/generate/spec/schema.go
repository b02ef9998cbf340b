package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Schema is one schema with everything that it inherits, and the keywords beside
// the reference to it.
type Schema struct {
	// Name of the component, empty for an inline schema.
	Name        string `json:"-"`
	Type        string `json:"type"`
	Format      string `json:"format"`
	Description string `json:"description"`

	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	Minimum   *float64 `json:"minimum"`
	Maximum   *float64 `json:"maximum"`
	MinLength int      `json:"minLength"`
	MaxLength *int     `json:"maxLength"`
	MinItems  int      `json:"minItems"`
	MaxItems  *int     `json:"maxItems"`
	// MaxProperties bounds the entries of a map.
	MaxProperties *int `json:"maxProperties"`

	ReadOnly   bool     `json:"readOnly"`
	Secret     bool     `json:"x-ms-secret"`
	Mutability []string `json:"x-ms-mutability"`
	Default    any      `json:"default"`
	Nullable   bool     `json:"nullable"`

	// Model is the path in the internal model where it differs from the property's own.
	Model string `json:"x-aro-model"`
	// Key is the member that identifies an element of the array.
	Key string `json:"x-aro-key"`
	// Compare is how two strings are compared: "ignore-case" or "location".
	Compare string `json:"x-aro-compare"`
	// Values maps values of the model that are not in this version's enum to values of the
	// enum.
	Values map[string]string `json:"x-aro-values"`
	// Ignored values may be anything in a request; the service ignores them.
	Ignored bool `json:"x-aro-ignored"`

	Properties []Property `json:"-"`
	Items      *Schema    `json:"-"` // of an array
	Elements   *Schema    `json:"-"` // of a map
}

// Property is a named member of an object.
type Property struct {
	Name     string
	Required bool
	*Schema
}

// CreateOnly reports whether the value can be set at creation and not changed later.
func (s *Schema) CreateOnly() bool {
	return s.Mutability != nil && !slices.Contains(s.Mutability, "update")
}

// understood lists the keywords that the generated code implements or can ignore.
// Any other keyword fails the generation.
var understood = keywords(
	"type", "format", "description", "title", "pattern", "enum", "minimum", "maximum", "minLength", "maxLength",
	"minItems", "maxItems", "maxProperties", "readOnly", "default", "nullable", "properties", "required", "items",
	"additionalProperties", "allOf", "$ref", "example",
	"x-ms-secret", "x-ms-mutability", "x-aro-model", "x-aro-key", "x-aro-compare", "x-aro-values", "x-aro-ignored", "x-order",
	"x-ms-enum", "x-ms-identifiers", "x-ms-client-flatten", "x-ms-client-name", "x-ms-azure-resource",
	"x-ms-external", "x-ms-arm-id-details", "x-typespec-name",
)

func keywords(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// Schema resolves a component, or returns nil if the document has none of that name.
func (d *Document) Schema(name string) (*Schema, error) {
	if s, ok := d.cache[name]; ok {
		return s, nil
	}
	node, ok := d.schemas[name].(object)
	if !ok {
		return nil, nil
	}
	s := &Schema{}
	d.cache[name] = s
	resolved, err := d.resolve(node)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	*s = *resolved
	s.Name = name
	return s, nil
}

// Names lists the components.
func (d *Document) Names() []string { return slices.Sorted(maps.Keys(d.schemas)) }

// resolve builds a schema: first the included schemas, then its own keywords.
func (d *Document) resolve(node object) (*Schema, error) {
	if ref := reference(node); ref != "" {
		return d.Schema(lastSegment(ref))
	}
	s := &Schema{}
	parts, _ := node["allOf"].([]any)
	for _, part := range parts {
		included, err := d.resolve(part.(object))
		if err != nil {
			return nil, err
		}
		if len(parts) == 1 {
			*s = *included
			s.Properties = slices.Clone(included.Properties)
			continue
		}
		s.Properties = append(s.Properties, included.Properties...)
	}
	if err := d.own(s, node); err != nil {
		return nil, err
	}
	slices.SortFunc(s.Properties, func(a, b Property) int { return compareNames(a.Name, b.Name) })
	return s, nil
}

// own adds the keywords of node itself.
func (d *Document) own(s *Schema, node object) error {
	for key := range node {
		if !understood[key] {
			return fmt.Errorf("keyword %s is not understood", key)
		}
	}
	data, err := json.Marshal(node)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, s); err != nil {
		return err
	}
	required, _ := node["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(member(node, "properties"))) {
		p, err := d.resolve(member(node, "properties")[name].(object))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if p == nil {
			return fmt.Errorf("%s: reference to nothing", name)
		}
		s.Properties = append(s.Properties, Property{Name: name, Required: slices.Contains(required, any(name)), Schema: p})
	}
	if s.Properties != nil && s.Type == "" {
		s.Type = "object"
	}
	if err := s.checkEnum(); err != nil {
		return err
	}
	return d.children(s, node)
}

// checkEnum fails if a default or a substitute is not a value of the schema's enum.
func (s *Schema) checkEnum() error {
	if len(s.Enum) == 0 {
		return nil
	}
	if text, ok := s.Default.(string); ok && !slices.Contains(s.Enum, text) {
		return fmt.Errorf("the default %q is not in the enum", text)
	}
	for _, word := range s.Values {
		if !slices.Contains(s.Enum, word) {
			return fmt.Errorf("x-aro-values: %q is not in the enum", word)
		}
	}
	return nil
}

func (d *Document) children(s *Schema, node object) (err error) {
	if items, ok := node["items"].(object); ok {
		if s.Items, err = d.resolve(items); err != nil {
			return err
		}
	}
	if values, ok := node["additionalProperties"].(object); ok {
		if s.Elements, err = d.resolve(values); err != nil {
			return err
		}
	}
	return nil
}

func compareNames(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
