package armtemplate

import (
	"fmt"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// check reads every expression of the template, so that what cannot be is refused even
// where it would not be evaluated yet.
func (t *Template) check() error {
	for name, p := range t.definition.Map("parameters").All() {
		definition, _ := p.(*value.Object)
		if v, ok := definition.Find("defaultValue"); ok {
			if err := t.checkAll(v, checks{where: "parameter '" + name + "'", defaults: true, offline: true}); err != nil {
				return err
			}
		}
	}
	for name, v := range t.definition.Map("variables").All() {
		if err := t.checkAll(v, checks{where: "variable '" + name + "'", offline: true}); err != nil {
			return err
		}
	}
	for _, u := range t.functions {
		if err := t.checkAll(member(u.output, "value"), checks{where: "function '" + u.name + "'", offline: true, within: u}); err != nil {
			return err
		}
	}
	for name, o := range t.definition.Map("outputs").All() {
		if err := t.checkAll(o, checks{where: "output '" + name + "'"}); err != nil {
			return err
		}
	}
	return t.checkAll(member(t.definition, "resources"), checks{where: "resource"})
}

// checks list where expressions may occur, and what they may contain.
type checks struct {
	where             string
	defaults, offline bool
	within            *userFunction
}

func (t *Template) checkAll(v any, c checks) error {
	switch v := v.(type) {
	case string:
		return t.checkText(v, c)
	case []any:
		for _, e := range v {
			if err := t.checkAll(e, c); err != nil {
				return err
			}
		}
	case *value.Object:
		inner := t.isInner(v)
		if kind := v.Text("type"); strings.Contains(kind, "/") && v.Text("name") != "" && c.where[:3] == "res" {
			c.where = "resource '" + v.Text("name") + "' of type '" + kind + "'"
		}
		for name, e := range v.All() {
			if properties, ok := e.(*value.Object); ok && inner && arm.EqualFold(name, "properties") {
				properties = properties.Clone()
				if key, ok := properties.Key("template"); ok {
					properties.Delete(key) // it is checked when it is deployed itself
				}
				e = properties
			}
			if err := t.checkText(name, c); err != nil {
				return err
			}
			if err := t.checkAll(e, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Template) checkText(s string, c checks) error {
	if !expression.Is(s) {
		return nil
	}
	n, err := expression.Parse(s)
	if err != nil {
		return invalid("Deployment template language expression evaluation failed in %s: '%v'.", c.where, err)
	}
	expression.Walk(n, func(call expression.Call) {
		if err == nil {
			err = t.checkCall(call, c)
		}
	})
	if err != nil {
		return invalid("Deployment template validation failed in %s: '%v'. The expression is '%s'.", c.where, err, s)
	}
	return nil
}

// offline are the functions that read from Azure, which variables and defaults may not use.
var offline = map[string]bool{"reference": true, "references": true}

func (t *Template) checkCall(call expression.Call, c checks) error {
	key := strings.ToLower(call.Name)
	n := len(call.Arguments)
	isList := strings.HasPrefix(key, "list")
	switch {
	case (key == "newguid" || key == "utcnow") && !c.defaults:
		return fmt.Errorf("the template function '%s' is not expected at this location: it is allowed in default values of parameters only", call.Name)
	case c.offline && (offline[key] || isList && t.functions[key] == nil):
		return fmt.Errorf("the template function '%s' is not expected at this location: the value is only known while resources are deployed", call.Name)
	}
	if s, ok := specials()[key]; ok {
		if err := s.Arity(n); err != nil {
			return err
		}
		return t.checkName(key, call, c)
	}
	if u, ok := t.functions[key]; ok {
		return u.arity(n)
	}
	if p, ok := pure()[key]; ok {
		return p.Arity(n)
	}
	if isList {
		return nil
	}
	return unknownFunction(call.Name)
}

// checkName refuses names of parameters and variables that do not exist.
func (t *Template) checkName(key string, call expression.Call, c checks) error {
	if key != "parameters" && key != "variables" {
		return nil
	}
	literal, _ := call.Arguments[0].(expression.Literal)
	name, ok := literal.Value.(string)
	if !ok {
		return nil
	}
	known := false
	switch {
	case c.within != nil && key == "parameters":
		for _, p := range c.within.parameters {
			known = known || arm.EqualFold(p.Text("name"), name)
		}
	case c.within != nil:
		return fmt.Errorf("variables are not available in functions of the template")
	case key == "parameters":
		_, known = t.definition.Map("parameters").Find(name)
	default:
		variables := t.definition.Map("variables")
		_, known = variables.Find(name)
		if !known {
			_, known = loopNamed(variables, name)
		}
	}
	if !known {
		return fmt.Errorf("the template %s '%s' is not found", strings.TrimSuffix(key, "s"), name)
	}
	return nil
}
