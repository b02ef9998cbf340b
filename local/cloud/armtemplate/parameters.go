package armtemplate

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// readParameters resolves all parameters: the given ones, and the defaults of others.
func (t *Template) readParameters() error {
	definitions := t.definition.Map("parameters")
	for _, name := range t.given.Names() {
		if _, ok := definitions.Find(name); !ok {
			return invalid("Deployment template validation failed: 'The following parameters were supplied, but do not correspond to any parameters defined in the template: '%s'. The parameters defined in the template are: '%s'.'", name, strings.Join(definitions.Names(), ", "))
		}
	}
	for _, name := range definitions.Names() {
		if _, err := t.parameter(name); err != nil && !Runtime(err) {
			if _, ok := err.(*Error); ok { //nolint:errorlint // only if it is one itself
				return err
			}
			return invalid("The template parameter '%s' is not valid: %v.", name, err)
		}
	}
	return nil
}

// parameter is the value of a parameter. Defaults may use other parameters.
func (t *Template) parameter(name string) (any, error) {
	key := strings.ToLower(name)
	if v, ok := t.parameters[key]; ok {
		if v == (Unknown{}) {
			return nil, errRuntime
		}
		return v, nil
	}
	definitions := t.definition.Map("parameters")
	found, ok := definitions.Find(name)
	definition, isObject := found.(*value.Object)
	if !ok {
		return nil, fmt.Errorf("the template parameter '%s' is not found", name)
	}
	if !isObject {
		return nil, invalid("The template parameter '%s' is not valid: its definition is not an object.", name)
	}
	resolved, err := t.resolve(definition, 0)
	if err != nil {
		return nil, invalid("The template parameter '%s' is not valid: %v.", name, err)
	}
	if t.resolving["parameter "+key] {
		return nil, fmt.Errorf("the template parameter '%s' refers to itself", name)
	}
	t.resolving["parameter "+key] = true
	defer delete(t.resolving, "parameter "+key)
	t.secure[key] = isSecure(resolved.Text("type"))
	v, err := t.provided(name, resolved)
	if err != nil {
		return nil, err
	}
	t.parameters[key] = v
	if v == (Unknown{}) {
		return nil, errRuntime
	}
	return v, t.fits(place{name, "parameter"}, resolved, v, 0)
}

// provided is the value that the deployment gives a parameter, or its default.
func (t *Template) provided(name string, definition *value.Object) (any, error) {
	if given, ok := t.given.Find(name); ok {
		wrapped, _ := given.(*value.Object)
		if v, ok := wrapped.Find("value"); ok {
			return v, nil
		}
		if reference := wrapped.Map("reference"); reference != nil {
			t.secure[strings.ToLower(name)] = true
			return t.secret(name, reference)
		}
		if _, ok := wrapped.Find("expression"); ok {
			return nil, invalid("The parameter '%s' is given as an expression, which is not supported here.", name)
		}
	}
	source, ok := definition.Find("defaultValue")
	switch {
	case ok:
		v, err := (&frame{Template: t, defaults: true}).value(source)
		if err != nil && !Runtime(err) {
			return nil, invalid("The default value of parameter '%s' cannot be evaluated: %v.", name, err)
		}
		return v, err
	case nullable(definition):
		return nil, nil //nolint:nilnil // null is a value of the language
	}
	return nil, invalid("Deployment template validation failed: 'The value for the template parameter '%s' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.'", name)
}

func (t *Template) secret(name string, reference *value.Object) (any, error) {
	if t.env.Secret == nil {
		return nil, invalid("The parameter '%s' refers to a key vault, which is not supported here.", name)
	}
	v, err := t.env.Secret(reference.Map("keyVault").Text("id"), reference.Text("secretName"), reference.Text("secretVersion"))
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Parameters are those in force, without secure ones, as a deployment shows them.
func (t *Template) Parameters() *value.Object {
	shown := &value.Object{}
	for name, d := range t.definition.Map("parameters").All() {
		definition, _ := d.(*value.Object)
		one := value.NewObject("type", t.shownType(definition))
		if v := t.parameters[strings.ToLower(name)]; !t.secure[strings.ToLower(name)] && v != (Unknown{}) {
			one.Set("value", v)
		}
		shown.Set(lowerFirst(name), one)
	}
	return shown
}

// lowerFirst is how Azure shows names of parameters and outputs.
func lowerFirst(name string) string {
	runes := []rune(name)
	for i, r := range runes {
		// Runs of capitals become small up to the one that begins a word.
		if !unicode.IsUpper(r) || i > 0 && i+1 < len(runes) && !unicode.IsUpper(runes[i+1]) {
			break
		}
		runes[i] = unicode.ToLower(r)
	}
	return string(runes)
}

// shownType is how Azure shows the type of a parameter or output.
func (t *Template) shownType(definition *value.Object) string {
	resolved, err := t.resolve(definition, 0)
	if err != nil {
		return ""
	}
	switch kind := strings.ToLower(resolved.Text("type")); kind {
	case "securestring":
		return "SecureString"
	case "secureobject":
		return "SecureObject"
	case "":
		return ""
	default:
		return strings.ToUpper(kind[:1]) + kind[1:]
	}
}

func isSecure(kind string) bool {
	return arm.EqualFold(kind, "securestring") || arm.EqualFold(kind, "secureobject")
}

func (f *frame) variable(name string) (any, error) {
	t, key := f.Template, strings.ToLower(name)
	if v, ok := t.variables[key]; ok {
		return v, nil
	}
	definitions := t.definition.Map("variables")
	source, ok := definitions.Find(name)
	if !ok || arm.EqualFold(name, "copy") && isLoops(source) {
		if source, ok = loopNamed(definitions, name); !ok {
			return nil, fmt.Errorf("the template variable '%s' is not found", name)
		}
	}
	if t.resolving["variable "+key] {
		return nil, fmt.Errorf("the template variable '%s' refers to itself", name)
	}
	t.resolving["variable "+key] = true
	defer delete(t.resolving, "variable "+key)
	v, err := (&frame{Template: t}).value(source)
	if err != nil {
		return nil, fmt.Errorf("variable '%s': %w", name, err)
	}
	t.variables[key] = v
	return v, nil
}

// loopNamed finds a variable that a loop at the top makes.
func loopNamed(definitions *value.Object, name string) (any, bool) {
	for _, l := range definitions.List("copy") {
		if loop, ok := l.(*value.Object); ok && arm.EqualFold(loop.Text("name"), name) {
			return repeated{loop}, true
		}
	}
	return nil, false
}

// repeated is a value that a loop makes.
type repeated struct{ loop *value.Object }

func isLoops(v any) bool {
	loops, ok := v.([]any)
	if !ok || len(loops) == 0 {
		return false
	}
	for _, l := range loops {
		loop, _ := l.(*value.Object)
		_, counted := loop.Find("count")
		_, named := loop.Find("name")
		if !counted || !named {
			return false
		}
	}
	return true
}
