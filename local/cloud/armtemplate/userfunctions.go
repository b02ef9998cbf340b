package armtemplate

import (
	"fmt"
	"strings"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// userFunction is one that the template defines.
type userFunction struct {
	name       string
	parameters []*value.Object
	output     *value.Object
}

// readFunctions reads what functions the template defines.
func (t *Template) readFunctions() error {
	t.functions = map[string]*userFunction{}
	for _, n := range t.definition.List("functions") {
		namespace, _ := n.(*value.Object)
		prefix := namespace.Text("namespace")
		if prefix == "" {
			return invalid("Deployment template validation failed: 'A namespace of functions has no name.'")
		}
		for name, m := range namespace.Map("members").All() {
			definition, _ := m.(*value.Object)
			f := &userFunction{name: prefix + "." + name, output: definition.Map("output")}
			if f.output == nil {
				return invalid("Deployment template validation failed: 'The template function '%s' has no output.'", f.name)
			}
			for _, p := range definition.List("parameters") {
				parameter, _ := p.(*value.Object)
				if parameter.Text("name") == "" {
					return invalid("Deployment template validation failed: 'A parameter of the template function '%s' has no name.'", f.name)
				}
				if _, ok := parameter.Find("defaultValue"); ok {
					return invalid("Deployment template validation failed: 'The parameter '%s' of the template function '%s' cannot have a default value.'", parameter.Text("name"), f.name)
				}
				f.parameters = append(f.parameters, parameter)
			}
			key := strings.ToLower(f.name)
			if t.functions[key] != nil {
				return invalid("Deployment template validation failed: 'The template function '%s' is defined twice.'", f.name)
			}
			t.functions[key] = f
		}
	}
	return nil
}

func (u *userFunction) arity(n int) error {
	if n != len(u.parameters) {
		return fmt.Errorf("the template function '%s' expects %d arguments, %d are given", u.name, len(u.parameters), n)
	}
	return nil
}

// callUser evaluates a function of the template. It knows its arguments and nothing else.
func (f *frame) callUser(u *userFunction, arguments []any) (any, error) {
	if err := u.arity(len(arguments)); err != nil {
		return nil, err
	}
	if f.arguments != nil && !f.symbolic {
		return nil, fmt.Errorf("functions of the template cannot call each other, without languageVersion 2.0")
	}
	inner := &frame{Template: f.Template, arguments: map[string]any{}, depth: f.depth}
	for i, p := range u.parameters {
		name := p.Text("name")
		judge := p.Clone()
		judge.Delete("name")
		if err := f.fits(place{name, "function parameter"}, judge, arguments[i], 0); err != nil {
			return nil, err
		}
		inner.arguments[strings.ToLower(name)] = arguments[i]
	}
	v, err := inner.value(member(u.output, "value"))
	if err != nil {
		return nil, err
	}
	return v, f.fits(place{u.name, "function output"}, u.output, v, 0)
}
