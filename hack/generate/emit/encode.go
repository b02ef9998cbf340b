package emit

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// encode writes the function that returns a schema's type for the model type t at
// the JSON path at.
func (c *conversions) encode(o *spec.Schema, t reflect.Type, at string) error {
	name := "encode" + goName(o.Name)
	todo, err := c.owns(o, t, name)
	if err != nil || !todo {
		return err
	}
	var s source
	s.f("func %s(m *model.%s) %s {\nreturn %s{", name, t.Name(), goName(o.Name), goName(o.Name))
	for _, p := range o.Properties {
		if p.Secret {
			continue
		}
		from, ok, err := find(o.Name, p, t, at)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		field := c.structs[goName(o.Name)][p.Name]
		expr, err := c.encodeValue(p.Schema, field, from, prefix(at)+p.Name)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", o.Name, p.Name, err)
		}
		s.f("%s: %s,", field.Name, expr)
	}
	s.f("}\n}\n")
	c.functions[name] = s.String()
	return nil
}

// encodeValue returns the expression of a field's value.
func (c *conversions) encodeValue(s *spec.Schema, f Field, from place, at string) (string, error) {
	switch {
	case from.typ == reflect.TypeFor[*time.Time]():
		return from.expr, nil
	case s.Properties != nil:
		return c.encodeObject(s, from, at)
	case s.Type == "array":
		if err := c.encode(s.Items, from.typ.Elem(), at); err != nil {
			return "", err
		}
		return fmt.Sprintf("conversion.Elements(%s, encode%s)", from.expr, goName(s.Items.Name)), nil
	case s.Elements != nil && s.Elements.Type == "string":
		return fmt.Sprintf("conversion.Strings[%s](%s)", f.Type, from.expr), nil
	case s.Elements != nil:
		if err := c.encode(s.Elements, pointee(from.typ.Elem()), at); err != nil {
			return "", err
		}
		return fmt.Sprintf("conversion.%s(%s, encode%s)", entriesFunction("Entries", s), from.expr, goName(s.Elements.Name)), nil
	case s.Type == "string":
		return c.encodeText(s, f, from)
	case s.Type == "integer":
		return fmt.Sprintf("conversion.Number[%s](%s)", f.Type, from.expr), nil
	case s.Type == "boolean" && f.Pointer:
		return fmt.Sprintf("conversion.Bool(%s)", from.expr), nil
	case s.Type == "boolean":
		return from.expr, nil
	}
	return "", fmt.Errorf("no conversion for type %q", s.Type)
}

func (c *conversions) encodeObject(s *spec.Schema, from place, at string) (string, error) {
	if err := c.encode(s, pointee(from.typ), at); err != nil {
		return "", err
	}
	if from.typ.Kind() == reflect.Pointer {
		return fmt.Sprintf("conversion.Maybe(%s, encode%s)", from.expr, goName(s.Name)), nil
	}
	return fmt.Sprintf("conversion.Object(encode%s(&%s))", goName(s.Name), from.expr), nil
}

// encodeText returns a pointer to the model's text if both have the same values.
func (c *conversions) encodeText(s *spec.Schema, f Field, from place) (string, error) {
	switch {
	case from.typ.Kind() != reflect.String:
		return "", fmt.Errorf("a string cannot hold %s", from.typ)
	case len(s.Values) > 0:
		return fmt.Sprintf("conversion.Value(%s(%s))", c.translation(s, f, from), from.expr), nil
	case !f.Pointer && f.Type == "string" && from.typ.Name() == "string":
		return from.expr, nil
	case !f.Pointer:
		return fmt.Sprintf("%s(%s)", f.Type, from.expr), nil
	case f.Type == from.typ.Name():
		if from.typ.PkgPath() == "" {
			return fmt.Sprintf("conversion.Present(&%s)", from.expr), nil
		}
	}
	return fmt.Sprintf("(*%s)(conversion.Present(&%s))", f.Type, from.expr), nil
}

// translation writes the function that encodes a model's value with the enum of this
// version.
func (c *conversions) translation(s *spec.Schema, f Field, from place) string {
	name := "encode" + f.Type
	var b source
	b.f("// %s uses the closest value where this version lacks one.", name)
	b.f("func %s(m model.%s) %s {\nswitch m {", name, from.typ.Name(), f.Type)
	for _, value := range slices.Sorted(maps.Keys(s.Values)) {
		b.f("case %q:\nreturn %q", value, s.Values[value])
	}
	b.f("}\nreturn %s(m)\n}\n", f.Type)
	c.functions[name] = b.String()
	return name
}

func entriesFunction(name string, s *spec.Schema) string {
	if s.Elements.Nullable {
		if name == "Entries" {
			return "NullableEntries"
		}
		return "MutableNullable"
	}
	return name
}
