package emit

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// urlMembers are read-only members of the cluster that the URL determines.
var urlMembers = map[string]string{
	"id": "MismatchingResourceID", "name": "MismatchingResourceName", "type": "MismatchingResourceType",
}

func functionName(o *spec.Schema, echo bool) string {
	if echo {
		return "echo" + goName(o.Name)
	}
	return "write" + goName(o.Name)
}

// function writes the function that writes a schema's type to the model type t at
// the JSON path at, or only compares the two if the object is read-only as a whole.
// In a nil object every member is absent.
func (c *conversions) function(o *spec.Schema, t reflect.Type, at string, echo bool) error {
	name := functionName(o, echo)
	todo, err := c.owns(o, t, name)
	if err != nil || !todo {
		return err
	}
	var s source
	s.f("func %s(w *conversion.Write, in *%s, m *model.%s) {", name, goName(o.Name), t.Name())
	if !echo {
		s.f("if in == nil {\nin = &%s{}\n}", goName(o.Name))
	}
	for _, p := range readOnlyFirst(o.Properties) {
		lines, err := c.property(o, p, t, at, echo)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", o.Name, p.Name, err)
		}
		if lines != "" {
			s.f("%s", lines)
		}
	}
	s.f("}\n")
	c.functions[name] = s.String()
	return nil
}

// readOnlyFirst sorts read-only members first, so that they are compared before the
// values that they depend on change.
func readOnlyFirst(properties []spec.Property) []spec.Property {
	sorted := slices.Clone(properties)
	slices.SortStableFunc(sorted, func(a, b spec.Property) int {
		switch {
		case a.ReadOnly == b.ReadOnly:
			return 0
		case a.ReadOnly:
			return -1
		}
		return 1
	})
	return sorted
}

// member is a property that is being written to the model.
type member struct {
	spec.Property
	owner *spec.Schema
	t     reflect.Type // of the owner's model
	in    string       // expression of the sent value, a pointer
	to    place
	at    string
	echo  bool
}

func (c *conversions) property(o *spec.Schema, p spec.Property, t reflect.Type, at string, echo bool) (string, error) {
	to, ok, err := find(o.Name, p, t, at)
	if err != nil || !ok {
		return "", err
	}
	field := c.structs[goName(o.Name)][p.Name]
	m := member{Property: p, owner: o, t: t, in: "in." + field.Name, to: to, at: prefix(at) + p.Name, echo: echo || p.ReadOnly}
	if !field.Pointer {
		m.in = "&" + m.in
	}
	switch {
	case p.Ignored:
		return "", nil
	case o.Name == clusterSchema && p.ReadOnly && urlMembers[p.Name] != "":
		return fmt.Sprintf("conversion.URLText(w, %q, %s, %s, arm.%s)", p.Name, m.in, to.expr, urlMembers[p.Name]), nil
	case to.typ == reflect.TypeFor[*time.Time]():
		if !m.echo {
			return "", fmt.Errorf("a time that a client may set")
		}
		return fmt.Sprintf("conversion.EchoTime(w, %q, %s, %s)", p.Name, m.in, to.expr), nil
	case p.Properties != nil:
		return c.object(m)
	case p.Type == "array":
		return c.array(m)
	case p.Elements != nil:
		return c.entries(m)
	case p.Type == "string":
		return c.text(m, field)
	case p.Type == "integer":
		return number(m)
	case p.Type == "boolean":
		return boolean(m)
	}
	return "", fmt.Errorf("no conversion for type %q", p.Type)
}

func (c *conversions) object(m member) (string, error) {
	t := pointee(m.to.typ)
	if err := c.function(m.Schema, t, m.at, m.echo); err != nil {
		return "", err
	}
	call := func(model string) string {
		return fmt.Sprintf("w.In(%q)\n%s(w, %s, %s)\nw.Out()", m.Name, functionName(m.Schema, m.echo), m.in, model)
	}
	pointer := m.to.typ.Kind() == reflect.Pointer
	switch {
	case m.echo && pointer:
		return fmt.Sprintf("if %s != nil {\n%s\n}", m.in, call("conversion.OrZero("+m.to.expr+")")), nil
	case m.echo:
		return fmt.Sprintf("if %s != nil {\n%s\n}", m.in, call("&"+m.to.expr)), nil
	case !pointer:
		return call("&" + m.to.expr), nil
	case keeps(m.Schema, t):
		return c.none(m) + fmt.Sprintf("if %s != nil && %s == nil {\n%s = &model.%s{}\n}\nif %s != nil {\n%s\n}",
			m.in, m.to.expr, m.to.expr, t.Name(), m.to.expr, call(m.to.expr)), nil
	}
	return fmt.Sprintf("if %s == nil {\n%s = nil\n} else {\n%s = conversion.OrZero(%s)\n%s\n}",
		m.in, m.to.expr, m.to.expr, m.to.expr, call(m.to.expr)), nil
}

// none writes the statement that treats an identity of type None as an absent
// identity.
func (c *conversions) none(m member) string {
	if m.Schema.Name != identitySchema {
		return ""
	}
	return fmt.Sprintf("if %[1]s != nil && %[2]s == nil && %[1]s.Type == None && len(*conversion.OrZero(%[1]s.UserAssignedIdentities)) == 0 {\n%[1]s = nil\n}\n", m.in, m.to.expr)
}

func (c *conversions) array(m member) (string, error) {
	items, t := m.Items, m.to.typ.Elem()
	if items.Properties == nil || m.Default != nil {
		return "", fmt.Errorf("an array of values, or with a default, has no conversion")
	}
	if err := c.function(items, t, m.at, m.echo); err != nil {
		return "", err
	}
	literal, fixed, err := c.arrayLiteral(m, t)
	if err != nil {
		return "", err
	}
	switch {
	case m.echo:
		return fmt.Sprintf("%s.Echo(w, %s, %s)", literal, m.in, m.to.expr), nil
	case fixed || m.CreateOnly():
		return fmt.Sprintf("%s.Fixed(w, %s, &%s)", literal, m.in, m.to.expr), nil
	}
	return fmt.Sprintf("%s.Mutable(w, %s, &%s)", literal, m.in, m.to.expr), nil
}

// arrayLiteral returns the conversion.Array of a property. It is fixed if the
// member that identifies an element is.
func (c *conversions) arrayLiteral(m member, t reflect.Type) (literal string, fixed bool, err error) {
	items := m.Items
	var s source
	s.f("conversion.Array[%s, model.%s]{\nName: %q,", goName(items.Name), t.Name(), m.Name)
	if m.Key != "" {
		i := slices.IndexFunc(items.Properties, func(p spec.Property) bool { return p.Name == m.Key })
		stored, ok := fieldByJSON(t, m.Key)
		if i < 0 || !ok {
			return "", false, fmt.Errorf("x-aro-key %s is not a member of the elements", m.Key)
		}
		key := items.Properties[i]
		fixed = key.CreateOnly()
		s.f("SentKey: func(e *%s) string { return conversion.Text(e.%s) },", goName(items.Name), c.structs[goName(items.Name)][m.Key].Name)
		s.f("StoredKey: func(e *model.%s) string { return e.%s },", t.Name(), stored.Name)
		s.f("Same: conversion.%s,", map[bool]string{true: "IgnoreCase", false: "Exact"}[key.Compare == "ignore-case"])
	}
	s.f("Write: %s,\n}", functionName(items, m.echo))
	return s.String()[:s.Len()-1], fixed, nil
}

func (c *conversions) entries(m member) (string, error) {
	if m.echo || m.CreateOnly() || m.Default != nil {
		return "", fmt.Errorf("a map that a client may not change, or with a default, has no conversion")
	}
	if m.Elements.Type == "string" {
		return fmt.Sprintf("conversion.MutableStrings(%s, &%s)", m.in, m.to.expr), nil
	}
	if err := c.function(m.Elements, pointee(m.to.typ.Elem()), m.at, false); err != nil {
		return "", err
	}
	same, ok := map[string]string{"": "Exact", "ignore-case": "IgnoreCase"}[m.Compare]
	if !ok {
		return "", fmt.Errorf("x-aro-compare %q is not known for the keys of a map", m.Compare)
	}
	return fmt.Sprintf("conversion.Map[%s, model.%s]{Name: %q, Same: conversion.%s, Write: %s}.%s(w, %s, &%s)",
		goName(m.Elements.Name), pointee(m.to.typ.Elem()).Name(), m.Name, same, functionName(m.Elements, false),
		entriesFunction("Mutable", m.Schema), m.in, m.to.expr), nil
}

func (c *conversions) text(m member, field Field) (string, error) {
	kind, err := textKind(m.Schema)
	if err != nil {
		return "", err
	}
	initial, ok := m.Default.(string)
	if !ok && m.Default != nil {
		return "", fmt.Errorf("the default is not a string")
	}
	switch {
	case m.echo && kind != "Location":
		have := m.to.expr
		if len(m.Values) > 0 {
			have = fmt.Sprintf("encode%s(%s)", field.Type, have)
		}
		return fmt.Sprintf("conversion.Echo%s(w, %q, %s, %s)", kind, m.Name, m.in, have), nil
	case len(m.Values) > 0:
		return "", fmt.Errorf("x-aro-values on a property that a client may set")
	case m.Secret && m.CreateOnly():
		return fmt.Sprintf("conversion.FixedSecret(w, %q, %s, &%s)", m.Name, m.in, m.to.expr), nil
	case m.Secret:
		return fmt.Sprintf("conversion.Secret(%s, &%s)", m.in, m.to.expr), nil
	case m.CreateOnly():
		return fmt.Sprintf("conversion.Fixed%s(w, %q, %s, &%s, %q)", kind, m.Name, m.in, m.to.expr, initial), nil
	case kind == "Location":
		return "", fmt.Errorf("a location that is not fixed at creation has no conversion")
	}
	call := fmt.Sprintf("conversion.Mutable%s(%s, &%s, %q)", kind, m.in, m.to.expr, initial)
	if described := c.describes(m); described != "" {
		return fmt.Sprintf("if %s {\n// They describe what the former id named.\n%s\n}", call, described), nil
	}
	return call, nil
}

// textKind returns the suffix of the conversion functions for a text that compares
// as the spec defines.
func textKind(s *spec.Schema) (string, error) {
	kind, ok := map[string]string{"": "Text", "ignore-case": "ID", "location": "Location"}[s.Compare]
	if s.Format == "uuid" && s.Compare == "" {
		kind = "ID"
	}
	if !ok {
		return "", fmt.Errorf("x-aro-compare %q is not known", s.Compare)
	}
	return kind, nil
}

// describes writes the statements that clear the read-only members beside a mutable
// resource id: they describe the resource before the change.
func (c *conversions) describes(m member) string {
	if m.Compare != "ignore-case" {
		return ""
	}
	var s source
	for _, p := range m.owner.Properties {
		if p.ReadOnly && p.Type == "string" {
			if f, ok := fieldByJSON(m.t, p.Name); ok {
				s.f("m.%s = \"\"", f.Name)
			}
		}
	}
	if s.Len() == 0 {
		return ""
	}
	return s.String()[:s.Len()-1]
}

func number(m member) (string, error) {
	initial := 0
	if m.Default != nil {
		n, ok := m.Default.(float64)
		if !ok {
			return "", fmt.Errorf("the default is not a number")
		}
		initial = int(n)
	}
	switch {
	case m.echo:
		return fmt.Sprintf("conversion.EchoNumber(w, %q, %s, %s)", m.Name, m.in, m.to.expr), nil
	case m.CreateOnly():
		return fmt.Sprintf("conversion.FixedNumber(w, %q, %s, &%s, %d)", m.Name, m.in, m.to.expr, initial), nil
	}
	return fmt.Sprintf("conversion.MutableNumber(%s, &%s, %d)", m.in, m.to.expr, initial), nil
}

func boolean(m member) (string, error) {
	initial, ok := m.Default.(bool)
	switch {
	case !ok && m.Default != nil:
		return "", fmt.Errorf("the default is not a boolean")
	case m.to.typ.Kind() != reflect.Bool:
		return "", fmt.Errorf("a boolean cannot hold %s", m.to.typ)
	case m.echo:
		return fmt.Sprintf("conversion.EchoBool(w, %q, %s, %s)", m.Name, m.in, m.to.expr), nil
	case m.CreateOnly():
		return fmt.Sprintf("conversion.FixedBool(w, %q, %s, &%s, %t)", m.Name, m.in, m.to.expr, initial), nil
	}
	return fmt.Sprintf("conversion.MutableBool(%s, &%s, %t)", m.in, m.to.expr, initial), nil
}
