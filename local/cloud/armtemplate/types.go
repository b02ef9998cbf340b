package armtemplate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/functions"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// place is the location of a value that a type is applied to.
type place struct {
	path string
	what string
}

func (p place) in(step string) place { return place{p.path + step, p.what} }

func (p place) wrong(message string, args ...any) error {
	return invalid("Deployment template validation failed: 'The provided value for the template %s '%s' is not valid. %s'", p.what, p.path, fmt.Sprintf(message, args...))
}

const maxTypeDepth = 50

// resolve follows the $ref of a type. Members beside the $ref override those of the referenced
// type.
func (t *Template) resolve(definition *value.Object, depth int) (*value.Object, error) {
	reference := definition.Text("$ref")
	if reference == "" {
		return definition, nil
	}
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("the type '%s' refers to itself", reference)
	}
	name, ok := strings.CutPrefix(reference, "#/definitions/")
	target := t.definition.Map("definitions").Map(strings.NewReplacer("~1", "/", "~0", "~", "%20", " ").Replace(name))
	if !ok || target == nil {
		return nil, fmt.Errorf("the type '%s' is not defined in the template", reference)
	}
	resolved, err := t.resolve(target, depth+1)
	if err != nil {
		return nil, err
	}
	merged := resolved.Clone()
	for name, v := range definition.All() {
		if !arm.EqualFold(name, "$ref") {
			merged.Set(name, v)
		}
	}
	return merged, nil
}

func nullable(definition *value.Object) bool { return member(definition, "nullable") == true }

// constraints that types may have.
var constraints = []string{"type", "$ref", "metadata", "defaultValue", "allowedValues", "minLength", "maxLength", "minValue", "maxValue", "nullable",
	"properties", "additionalProperties", "items", "prefixItems", "discriminator", "sealed", "value", "condition", "copy"}

// fits validates a value against a type.
func (t *Template) fits(at place, definition *value.Object, v any, depth int) error {
	if depth > maxTypeDepth {
		return at.wrong("It nests too deep.")
	}
	definition, err := t.resolve(definition, 0)
	if err != nil {
		return at.wrong("%v.", err)
	}
	for _, name := range definition.Names() {
		if !slices.ContainsFunc(constraints, func(c string) bool { return arm.EqualFold(c, name) }) {
			return at.wrong("The constraint '%s' of its type is not supported.", name)
		}
	}
	if v == nil && nullable(definition) {
		return nil
	}
	expected, fitting := kindOf(definition.Text("type"), v)
	switch {
	case expected == "":
		return at.wrong("The type '%s' is not known.", definition.Text("type"))
	case !fitting:
		return invalid("Deployment template validation failed: 'Template %s JToken type is not valid. Expected '%s'. Actual '%s'. The %s is '%s'.'", at.what, expected, functions.Kind(v), at.what, at.path)
	}
	if err := allowed(at, definition, v); err != nil {
		return err
	}
	if err := bounds(at, definition, v); err != nil {
		return err
	}
	switch v := v.(type) {
	case []any:
		return t.elementsFit(at, definition, v, depth)
	case *value.Object:
		return t.membersFit(at, definition, v, depth)
	}
	return nil
}

// kindOf is what Azure calls the values of a type, and whether v is one.
func kindOf(kind string, v any) (string, bool) {
	switch strings.ToLower(kind) {
	case "string", "securestring":
		_, ok := v.(string)
		return "String, Uri", ok
	case "int":
		_, ok := v.(int64)
		return "Integer", ok
	case "bool":
		_, ok := v.(bool)
		return "Boolean", ok
	case "array":
		_, ok := v.([]any)
		return "Array", ok
	case "object", "secureobject":
		_, ok := v.(*value.Object)
		return "Object", ok
	case "any":
		return "Any", true
	}
	return "", false
}

func allowed(at place, definition *value.Object, v any) error {
	list, ok := member(definition, "allowedValues").([]any)
	if !ok {
		return nil
	}
	within := func(v any) bool {
		return slices.ContainsFunc(list, func(a any) bool { return value.Equal(a, v) })
	}
	fits := within(v)
	if elements, ok := v.([]any); ok && !fits {
		fits = !slices.ContainsFunc(elements, func(e any) bool { return !within(e) })
	}
	if !fits {
		texts := make([]string, len(list))
		for i, a := range list {
			texts[i] = functions.Text(a)
		}
		return at.wrong("The value is not part of the allowed value(s): '%s'.", strings.Join(texts, ","))
	}
	return nil
}

func bounds(at place, definition *value.Object, v any) error {
	size, what := int64(0), "length"
	switch v := v.(type) {
	case int64:
		size, what = v, "value"
	case string:
		n, err := functions.All()["length"].Call([]any{v})
		if err != nil {
			return err
		}
		size, _ = n.(int64)
	case []any:
		size = int64(len(v))
	default:
		return nil
	}
	suffix := map[string]string{"value": "Value", "length": "Length"}[what]
	if limit, ok := member(definition, "min"+suffix).(int64); ok && size < limit {
		return at.wrong("Its %s is '%d'. It must be greater than or equal to '%d' (min%s).", what, size, limit, suffix)
	}
	if limit, ok := member(definition, "max"+suffix).(int64); ok && size > limit {
		return at.wrong("Its %s is '%d'. It must be less than or equal to '%d' (max%s).", what, size, limit, suffix)
	}
	return nil
}

func (t *Template) elementsFit(at place, definition *value.Object, v []any, depth int) error {
	prefix := definition.List("prefixItems")
	if len(v) < len(prefix) {
		return at.wrong("The array must have at least %d elements.", len(prefix))
	}
	for i, e := range v {
		step := at.in(fmt.Sprintf("[%d]", i))
		judge, _ := member(definition, "items").(*value.Object)
		if i < len(prefix) {
			judge, _ = prefix[i].(*value.Object)
		} else if member(definition, "items") == false {
			return step.wrong("The array must have exactly %d elements.", len(prefix))
		}
		if judge == nil {
			continue
		}
		if err := t.fits(step, judge, e, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) membersFit(at place, definition *value.Object, v *value.Object, depth int) error {
	if discriminator := definition.Map("discriminator"); discriminator != nil {
		return t.variantFits(at, discriminator, v, depth)
	}
	properties := definition.Map("properties")
	for name, p := range properties.All() {
		judge, _ := p.(*value.Object)
		e, found := v.Find(name)
		if !found {
			resolved, err := t.resolve(judge, 0)
			if err != nil {
				return at.wrong("%v.", err)
			}
			if !nullable(resolved) {
				return at.in("."+name).wrong("The required property '%s' is missing.", name)
			}
			continue
		}
		if err := t.fits(at.in("."+name), judge, e, depth+1); err != nil {
			return err
		}
	}
	for name, e := range v.All() {
		if _, known := properties.Find(name); known {
			continue
		}
		switch judge := member(definition, "additionalProperties").(type) {
		case bool:
			if !judge {
				return at.in("."+name).wrong("The property '%s' is not one of its type: '%s'.", name, strings.Join(properties.Names(), ", "))
			}
		case *value.Object:
			if err := t.fits(at.in("."+name), judge, e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// variantFits validates an object against the type that one of its properties names.
func (t *Template) variantFits(at place, discriminator, v *value.Object, depth int) error {
	name := discriminator.Text("propertyName")
	which, ok := member(v, name).(string)
	if !ok {
		return at.in("."+name).wrong("The required property '%s' is missing.", name)
	}
	variant, ok := discriminator.Map("mapping").Get(which).(*value.Object)
	if !ok {
		return at.in("."+name).wrong("'%s' is not one of '%s'.", which, strings.Join(discriminator.Map("mapping").Names(), ", "))
	}
	resolved, err := t.resolve(variant, 0)
	if err != nil {
		return at.wrong("%v.", err)
	}
	if _, named := resolved.Map("properties").Find(name); !named {
		rest := v.Clone()
		if key, ok := rest.Key(name); ok {
			rest.Delete(key)
		}
		v = rest
	}
	return t.fits(at, resolved, v, depth+1)
}
