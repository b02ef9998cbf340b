// Package armtemplate evaluates ARM templates: parameters, variables, resources with loops and
// conditions, outputs, and the functions of their expressions.
//
// It has no side effects: it reads the state of Azure through an Environment, and returns the
// resources to deploy in the order of dependencies. It rejects, by name, what it does not support.
package armtemplate

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// Error describes what is wrong with a template.
type Error struct {
	Message string
	cause   error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.cause }

// invalid makes an Error; the last argument is its cause if it is an error.
func invalid(message string, args ...any) error {
	e := &Error{Message: fmt.Sprintf(message, args...)}
	if len(args) > 0 {
		e.cause, _ = args[len(args)-1].(error)
	}
	return e
}

// Template is a template in its environment.
type Template struct {
	// evaluation lets resources be evaluated by several goroutines, one at a time.
	evaluation sync.Mutex
	env        *Environment
	definition *value.Object
	// symbolic templates have languageVersion 2.0: resources with symbolic names.
	symbolic   bool
	given      *value.Object
	parameters map[string]any // by lower-case name
	secure     map[string]bool
	variables  map[string]any
	resolving  map[string]bool
	functions  map[string]*userFunction
	resources  []*Resource
	existing   []*Resource
	omitted    []*Resource
}

// Unknown is the value of a parameter that is only known when resources are deployed.
type Unknown struct{}

// members of a template.
var members = []string{"$schema", "contentVersion", "apiProfile", "languageVersion", "definitions", "parameters", "functions", "variables", "resources", "outputs", "metadata", "imports", "extensions"}

// New evaluates all of a template that can be known before anything is deployed.
// The parameters are as in a deployment: {"name": {"value": …}}.
func New(definition, parameters *value.Object, env *Environment) (*Template, error) {
	t := &Template{env: env, definition: definition, given: parameters, parameters: map[string]any{}, secure: map[string]bool{}, variables: map[string]any{}, resolving: map[string]bool{}}
	if definition == nil {
		return nil, invalid("Deployment template is missing.")
	}
	for _, step := range []func() error{t.readHeader, t.readFunctions, t.check, t.readParameters, t.readResources, t.link, t.judgeOutputs} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// readHeader reads and validates the schema, version and language of a template.
func (t *Template) readHeader() error {
	schema := strings.ToLower(strings.TrimSuffix(t.definition.Text("$schema"), "#"))
	switch file := schema[strings.LastIndex(schema, "/")+1:]; file {
	case "deploymenttemplate.json", "subscriptiondeploymenttemplate.json", "deploymentparameters.json":
	case "managementgroupdeploymenttemplate.json", "tenantdeploymenttemplate.json":
		return invalid("Deployment template validation failed: 'Template schema '%s' is not supported here: deployments are to resource groups and subscriptions only.'", t.definition.Text("$schema"))
	default:
		return invalid("Deployment template validation failed: 'Template schema '%s' is not supported.'", t.definition.Text("$schema"))
	}
	for _, name := range t.definition.Names() {
		known := false
		for _, member := range members {
			known = known || arm.EqualFold(member, name)
		}
		if !known {
			return invalid("Deployment template parse failed: 'Could not find member '%s' on object of type 'Template'.'", name)
		}
	}
	for _, name := range []string{"imports", "extensions", "apiProfile"} {
		if v, ok := t.definition.Find(name); ok && !emptyMember(v) {
			return invalid("Deployment template validation failed: 'The member '%s' of templates is not supported here.'", name)
		}
	}
	switch version := t.definition.Text("languageVersion"); version {
	case "", "1.0", "1.0-experimental":
	case "2.0":
		t.symbolic = true
	case "1.9-experimental", "1.10-experimental", "2.1-experimental", "2.2-experimental":
		t.symbolic = true
	default:
		return invalid("Deployment template validation failed: 'The language version '%s' is not supported.'", version)
	}
	_, named := member(t.definition, "resources").(*value.Object)
	if named != t.symbolic && member(t.definition, "resources") != nil && (named || len(t.definition.List("resources")) > 0) {
		return invalid("Deployment template validation failed: 'Resources are an object with languageVersion 2.0, an array without it.'")
	}
	return nil
}

func member(o *value.Object, name string) any {
	v, _ := o.Find(name)
	return v
}

func emptyMember(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case *value.Object:
		return v.Len() == 0
	}
	return false
}

// Resources are those to deploy, each after what it depends on.
func (t *Template) Resources() []*Resource { return t.resources }

// Runtime reports whether err is because a value is only known while resources are deployed.
func Runtime(err error) bool { return errors.Is(err, errRuntime) }

// Evaluate evaluates one value of the template language by itself.
func Evaluate(v any, env *Environment) (any, error) {
	t := &Template{env: env, definition: &value.Object{}, variables: map[string]any{}, resolving: map[string]bool{}}
	f := &frame{Template: t, live: true}
	result, err := f.value(v)
	if err != nil {
		return nil, fmt.Errorf("evaluate %v: %w", v, err)
	}
	return result, nil
}
