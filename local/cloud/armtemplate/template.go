// Package armtemplate evaluates ARM templates: parameters, variables, resources with
// loops and conditions, outputs, and the functions of their expressions.
//
// It is pure: what exists in Azure it learns through an Environment, and what is
// to be deployed it returns in the order of dependencies.
package armtemplate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Error says what is wrong with a template.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func invalid(message string, args ...any) error { return &Error{fmt.Sprintf(message, args...)} }

// Template is a template in its environment.
type Template struct {
	// evaluation lets resources be evaluated by several goroutines, one at a time.
	evaluation sync.Mutex
	env        *Environment
	definition map[string]any
	parameters map[string]any // by lower-case name
	secure     map[string]bool
	variables  map[string]any
	resolving  map[string]bool
	resources  []*Resource
}

// Resource is one that the template deploys.
type Resource struct {
	ID, Type, Name, APIVersion string
	// After are the ids of those that must be there before.
	After []string
	// Symbolic is its name in a template with named resources.
	Symbolic string

	loop   string
	source map[string]any
	frame  *frame
}

// New evaluates all of a template that can be known before anything is deployed.
// The parameters are as in a deployment: {"name": {"value": …}}.
func New(definition, parameters map[string]any, env *Environment) (*Template, error) {
	t := &Template{env: env, definition: definition, parameters: map[string]any{}, secure: map[string]bool{}, variables: map[string]any{}, resolving: map[string]bool{}}
	if definition == nil {
		return nil, invalid("Deployment template is missing.")
	}
	if schema, _ := definition["$schema"].(string); !strings.Contains(strings.ToLower(schema), "deploymenttemplate.json") {
		return nil, invalid("Deployment template validation failed: 'Template schema '%s' is not supported.'", schema)
	}
	if err := t.readParameters(parameters); err != nil {
		return nil, err
	}
	if err := t.readResources(); err != nil {
		return nil, err
	}
	if err := t.link(); err != nil {
		return nil, err
	}
	return t, nil
}

// Resources are those to deploy, each after what it depends on.
func (t *Template) Resources() []*Resource { return t.resources }

// Parameters are those in force, without secure ones, as a deployment shows them.
func (t *Template) Parameters() map[string]any {
	shown := map[string]any{}
	definitions, _ := t.definition["parameters"].(map[string]any)
	for name, d := range definitions {
		definition, _ := d.(map[string]any)
		one := map[string]any{"type": definition["type"]}
		if !t.secure[strings.ToLower(name)] {
			one["value"] = t.parameters[strings.ToLower(name)]
		}
		shown[name] = one
	}
	return shown
}

func isSecure(kind string) bool {
	return strings.EqualFold(kind, "securestring") || strings.EqualFold(kind, "secureobject")
}

func (t *Template) readParameters(given map[string]any) error {
	definitions, _ := t.definition["parameters"].(map[string]any)
	for name := range given {
		if _, ok := lookup(definitions, name); !ok {
			return invalid("Deployment template validation failed: 'The following parameters were supplied, but do not correspond to any parameters defined in the template: '%s'.", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		definition, _ := definitions[name].(map[string]any)
		kind, _ := definition["type"].(string)
		value, err := t.given(name, definition, given)
		if err != nil {
			return err
		}
		if err := checkParameter(name, kind, definition, value); err != nil {
			return err
		}
		t.secure[strings.ToLower(name)] = isSecure(kind)
		t.parameters[strings.ToLower(name)] = value
	}
	return nil
}

func (t *Template) given(name string, definition, given map[string]any) (any, error) {
	if g, ok := lookup(given, name); ok {
		if wrapped, ok := g.(map[string]any); ok {
			if value, ok := wrapped["value"]; ok {
				return value, nil
			}
		}
	}
	value, ok := definition["defaultValue"]
	if !ok {
		return nil, invalid("Deployment template validation failed: 'The value for the template parameter '%s' is not provided.'", name)
	}
	value, err := (&frame{Template: t, defaults: true}).value(value)
	if err != nil {
		return nil, invalid("The default value of parameter '%s' cannot be evaluated: %v.", name, err)
	}
	return value, nil
}

func checkParameter(name, kind string, definition map[string]any, value any) error {
	fits := true
	length := -1.0
	switch v := value.(type) {
	case string:
		fits, length = strings.HasSuffix(strings.ToLower(kind), "string"), float64(len(v))
	case float64:
		fits = strings.EqualFold(kind, "int")
		for bound, wrong := range map[string]func(limit float64) bool{"minValue": func(l float64) bool { return v < l }, "maxValue": func(l float64) bool { return v > l }} {
			if limit, ok := definition[bound].(float64); ok && wrong(limit) {
				return invalid("The provided value for the template parameter '%s' is not valid: %s is %s.", name, bound, text(limit))
			}
		}
	case bool:
		fits = strings.EqualFold(kind, "bool")
	case []any:
		fits, length = strings.EqualFold(kind, "array"), float64(len(v))
	case map[string]any:
		fits = strings.HasSuffix(strings.ToLower(kind), "object")
	}
	if !fits {
		return invalid("Template parameter JToken type is not valid. Expected '%s' for the parameter '%s'.", kind, name)
	}
	if limit, ok := definition["minLength"].(float64); ok && length >= 0 && length < limit {
		return invalid("The provided value for the template parameter '%s' is not valid: its length must be at least %s.", name, text(limit))
	}
	if limit, ok := definition["maxLength"].(float64); ok && length > limit {
		return invalid("The provided value for the template parameter '%s' is not valid: its length must be at most %s.", name, text(limit))
	}
	allowed, ok := definition["allowedValues"].([]any)
	if ok && !slices.ContainsFunc(allowed, func(v any) bool { return text(v) == text(value) }) {
		return invalid("The provided value for the template parameter '%s' is not valid. It is not part of the allowed value(s).", name)
	}
	return nil
}

func (t *Template) parameter(name string) (any, error) {
	value, ok := t.parameters[strings.ToLower(name)]
	if !ok {
		return nil, fmt.Errorf("the template parameter '%s' is not found", name)
	}
	return value, nil
}

func (f *frame) variable(name string) (any, error) {
	t, key := f.Template, strings.ToLower(name)
	if value, ok := t.variables[key]; ok {
		return value, nil
	}
	definitions, _ := t.definition["variables"].(map[string]any)
	source, ok := lookup(definitions, name)
	if !ok {
		if source, ok = copiedVariable(definitions, name); !ok {
			return nil, fmt.Errorf("the template variable '%s' is not found", name)
		}
	}
	if t.resolving[key] {
		return nil, fmt.Errorf("the template variable '%s' refers to itself", name)
	}
	t.resolving[key] = true
	defer delete(t.resolving, key)
	value, err := (&frame{Template: t}).value(source)
	if err != nil {
		return nil, fmt.Errorf("variable '%s': %w", name, err)
	}
	if wrapped, ok := value.(map[string]any); ok && isCopied(source) {
		value = wrapped[name]
	}
	t.variables[key] = value
	return value, nil
}

// copiedVariable finds a variable that a loop at the top makes.
func copiedVariable(definitions map[string]any, name string) (any, bool) {
	loops, _ := definitions["copy"].([]any)
	for _, l := range loops {
		loop, _ := l.(map[string]any)
		if n, _ := loop["name"].(string); strings.EqualFold(n, name) {
			return copied{name, loop}, true
		}
	}
	return nil, false
}

type copied struct {
	name string
	loop map[string]any
}

func isCopied(source any) bool { _, ok := source.(copied); return ok }

// Body evaluates the resource as it is to be sent. What it depends on must be there.
func (r *Resource) Body() (map[string]any, error) {
	live := *r.frame
	live.live = true
	return r.body(&live)
}

// Preview is Body as far as it can be known before anything is deployed: what is
// not known stays an expression.
func (r *Resource) Preview() (map[string]any, error) {
	frozen := *r.frame
	frozen.frozen = true
	return r.body(&frozen)
}

func (r *Resource) body(f *frame) (map[string]any, error) {
	f.evaluation.Lock()
	defer f.evaluation.Unlock()
	inner := r.innerTemplate()
	source := map[string]any{}
	for name, value := range r.source {
		switch strings.ToLower(name) {
		case "apiversion", "type", "name", "dependson", "condition", "copy", "resources", "comments", "scope", "existing", "import":
		case "properties":
			source[name] = value
			if inner != nil {
				outer := maps.Clone(value.(map[string]any))
				delete(outer, "template")
				source[name] = outer
			}
		default:
			source[name] = value
		}
	}
	value, err := f.value(source)
	if err != nil {
		return nil, fmt.Errorf("unable to process template language expressions for resource '%s': %w", r.ID, err)
	}
	body, _ := value.(map[string]any)
	if properties, ok := body["properties"].(map[string]any); ok && inner != nil {
		properties["template"] = inner
		delete(properties, "expressionEvaluationOptions")
	}
	return body, nil
}

// innerTemplate is the template of a nested deployment that evaluates it itself,
// nil for everything else.
func (r *Resource) innerTemplate() any {
	properties, _ := r.source["properties"].(map[string]any)
	options, _ := properties["expressionEvaluationOptions"].(map[string]any)
	scope, _ := options["scope"].(string)
	inner, ok := properties["template"]
	if !ok || !strings.EqualFold(r.Type, "Microsoft.Resources/deployments") || !strings.EqualFold(scope, "inner") {
		return nil
	}
	return inner
}

// Outputs evaluates the template's outputs, without secure ones.
func (t *Template) Outputs() (map[string]any, error) {
	f := &frame{Template: t, live: true}
	outputs := map[string]any{}
	definitions, _ := t.definition["outputs"].(map[string]any)
	for name, d := range definitions {
		definition, _ := d.(map[string]any)
		kind, _ := definition["type"].(string)
		if condition, ok := definition["condition"]; ok {
			if holds, err := f.value(condition); err != nil || holds != true {
				if err != nil {
					return nil, invalid("The template output '%s' is not valid: %v.", name, err)
				}
				continue
			}
		}
		source := definition["value"]
		if loop, ok := definition["copy"].(map[string]any); ok {
			source = copied{name, map[string]any{"name": name, "count": loop["count"], "input": loop["input"]}}
		}
		value, err := f.value(source)
		if err != nil {
			return nil, invalid("The template output '%s' is not valid: %v.", name, err)
		}
		if wrapped, ok := value.(map[string]any); ok && isCopied(source) {
			value = wrapped[name]
		}
		outputs[name] = map[string]any{"type": kind, "value": value}
		if isSecure(kind) {
			outputs[name] = map[string]any{"type": kind}
		}
	}
	return outputs, nil
}

// value evaluates all expressions in a value.
func (f *frame) value(v any) (any, error) {
	if f.depth > maxDepth {
		return nil, errors.New("it nests too deep")
	}
	deeper := *f
	deeper.depth++
	switch v := v.(type) {
	case string:
		return deeper.textValue(v)
	case copied:
		return deeper.copies(map[string]any{}, v.loop)
	case []any:
		values := make([]any, len(v))
		for i, e := range v {
			var err error
			if values[i], err = deeper.value(e); err != nil {
				return nil, err
			}
		}
		return values, nil
	case map[string]any:
		return deeper.object(v)
	}
	return v, nil
}

func (f *frame) textValue(s string) (any, error) {
	if !isExpression(s) {
		if strings.HasPrefix(s, "[[") {
			s = s[1:]
		}
		return s, nil
	}
	e, err := parse(s[1 : len(s)-1])
	if err != nil {
		return nil, err
	}
	v, err := e.eval(f)
	if f.frozen && errors.Is(err, errRuntime) {
		return s, nil
	}
	return v, err
}

func (f *frame) object(v map[string]any) (any, error) {
	object := map[string]any{}
	for name, e := range v {
		if loops, ok := e.([]any); ok && strings.EqualFold(name, "copy") {
			for _, l := range loops {
				loop, _ := l.(map[string]any)
				if _, err := f.copies(object, loop); err != nil {
					return nil, err
				}
			}
			continue
		}
		key, err := f.textValue(name)
		if err != nil {
			return nil, err
		}
		if object[text(key)], err = f.value(e); err != nil {
			return nil, err
		}
	}
	return object, nil
}

// copies evaluates a loop within properties into a member of an object.
func (f *frame) copies(into, loop map[string]any) (any, error) {
	name, _ := loop["name"].(string)
	count, err := f.count(loop)
	if err != nil || name == "" {
		return nil, errors.Join(fmt.Errorf("the copy loop '%s' is not valid", name), err)
	}
	values := make([]any, count)
	for i := range values {
		if values[i], err = f.within(name, i).value(loop["input"]); err != nil {
			return nil, err
		}
	}
	into[name] = values
	return into, nil
}

func (f *frame) count(loop map[string]any) (int, error) {
	v, err := f.value(loop["count"])
	if err != nil {
		return 0, err
	}
	n, err := integer(v)
	if err == nil && (n < 0 || n > maxRange) {
		err = fmt.Errorf("it cannot be repeated %d times", n)
	}
	return n, err
}

// within is the frame of one turn of a loop.
func (f *frame) within(loop string, i int) *frame {
	inner := *f
	inner.loops = maps.Clone(f.loops)
	if inner.loops == nil {
		inner.loops = map[string]int{}
	}
	inner.inner = strings.ToLower(loop)
	inner.loops[inner.inner] = i
	return &inner
}
