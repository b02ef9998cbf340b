package armtemplate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/functions"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// link determines the dependencies of each resource, and sorts the resources.
func (t *Template) link() error {
	for _, r := range t.resources {
		if err := t.linkOne(r); err != nil {
			return err
		}
	}
	return t.sort()
}

func (t *Template) linkOne(r *Resource) error {
	after, err := t.dependencies(r, map[*Resource]bool{})
	if err != nil {
		return err
	}
	r.After = append(r.After, after...)
	children := r.source.Clone()
	children.Delete("resources")
	t.calls(children, func(c expression.Call) {
		name := strings.ToLower(c.Name)
		if name != "reference" && name != "references" && (!strings.HasPrefix(name, "list") || t.functions[name] != nil) || len(c.Arguments) == 0 {
			return
		}
		if of, err := expression.Evaluate(c.Arguments[0], r.frame); err == nil {
			for _, before := range t.named(functions.Text(of)) {
				r.After = append(r.After, before.ID)
			}
		}
	})
	if err := t.batch(r); err != nil {
		return err
	}
	r.After = slices.DeleteFunc(r.After, func(id string) bool { return arm.EqualFold(id, r.ID) })
	slices.Sort(r.After)
	r.After = slices.Compact(r.After)
	return nil
}

// dependencies are the ids that a resource depends on by its own words; those of an
// existing resource are those that the existing one depends on.
func (t *Template) dependencies(r *Resource, seen map[*Resource]bool) ([]string, error) {
	if seen[r] {
		return nil, nil
	}
	seen[r] = true
	v, err := r.frame.value(member(r.source, "dependsOn"))
	if err != nil {
		return nil, invalid("Unable to process the dependencies of the resource '%s': %v.", r.ID, err)
	}
	all, ok := v.([]any)
	if !ok && v != nil {
		return nil, invalid("Deployment template validation failed: 'The dependencies of the resource '%s' are not an array.'", r.ID)
	}
	var ids []string
	for _, d := range all {
		name, ok := d.(string)
		if !ok {
			return nil, invalid("Deployment template validation failed: 'A dependency of the resource '%s' is not a string.'", r.ID)
		}
		found := t.named(name)
		known := len(found) > 0 || slices.ContainsFunc(t.omitted, func(o *Resource) bool { return o.calledBy(name) })
		for _, before := range found {
			ids = append(ids, before.ID)
		}
		for _, e := range t.existing {
			if e.calledBy(name) {
				known = true
				more, err := t.dependencies(e, seen)
				if err != nil {
					return nil, err
				}
				ids = append(ids, more...)
			}
		}
		if !known {
			return nil, invalid("Deployment template validation failed: 'The resource '%s' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.'", name)
		}
	}
	return ids, nil
}

// batch lets a turn of a serial loop come after the batch before it.
func (t *Template) batch(r *Resource) error {
	loop := r.source.Map("copy")
	mode := loop.Text("mode")
	switch {
	case loop == nil || mode == "" || arm.EqualFold(mode, "parallel"):
		return nil
	case !arm.EqualFold(mode, "serial"):
		return invalid("Deployment template validation failed: 'The mode '%s' of the copy '%s' is not known; it is serial or parallel.'", mode, r.loop)
	}
	size, err := r.frame.value(member(loop, "batchSize"))
	if err != nil {
		return invalid("The template resource copy '%s' is not valid: %v.", r.loop, err)
	}
	n, ok := size.(int64)
	if size == nil {
		n, ok = 1, true
	}
	if !ok || n < 1 {
		return invalid("Deployment template validation failed: 'The batch size of the copy '%s' must be a positive integer.'", r.loop)
	}
	for _, other := range t.resources {
		if other.source == r.source && other.index/n == r.index/n-1 {
			r.After = append(r.After, other.ID)
		}
	}
	return nil
}

// sort puts each resource after those that it depends on.
func (t *Template) sort() error {
	byID := map[string]*Resource{}
	for _, r := range t.resources {
		byID[arm.ToLower(r.ID)] = r
	}
	const visiting, done = 1, 2
	marks := map[*Resource]int{}
	var sorted []*Resource
	var visit func(*Resource) error
	visit = func(r *Resource) error {
		switch marks[r] {
		case done:
			return nil
		case visiting:
			return invalid("Deployment template validation failed: 'Circular dependency detected on resource: '%s'. Please see https://aka.ms/arm-syntax-resources for usage details.'", r.ID)
		}
		marks[r] = visiting
		for _, id := range r.After {
			if before := byID[arm.ToLower(id)]; before != nil {
				if err := visit(before); err != nil {
					return err
				}
			}
		}
		marks[r] = done
		sorted = append(sorted, r)
		return nil
	}
	for _, r := range t.resources {
		if err := visit(r); err != nil {
			return err
		}
	}
	t.resources = sorted
	return nil
}

// Body evaluates the body of the resource's PUT. Its dependencies must exist.
func (r *Resource) Body() (*value.Object, error) {
	live := *r.frame
	live.live = true
	return r.body(&live)
}

// Preview is Body as far as it can be known before anything is deployed: what is
// not known stays an expression.
func (r *Resource) Preview() (*value.Object, error) {
	frozen := *r.frame
	frozen.frozen = true
	return r.body(&frozen)
}

// Options are the deployment options of the resource in a template, such as those of Bicep's
// decorators.
func (r *Resource) Options() *value.Object { return r.source.Map("@options") }

// Expanded reports whether the body may have secrets of this template in it: those of
// nested deployments whose templates this one evaluates.
func (r *Resource) Expanded() bool {
	if !arm.EqualFold(r.Type, deploymentType) || r.frame.isInner(r.source) {
		return false
	}
	for _, secure := range r.frame.secure {
		if secure {
			return true
		}
	}
	return false
}

func (r *Resource) body(f *frame) (*value.Object, error) {
	f.evaluation.Lock()
	defer f.evaluation.Unlock()
	nested := arm.EqualFold(r.Type, deploymentType)
	inner := f.isInner(r.source)
	source := &value.Object{}
	for name, v := range r.source.All() {
		switch strings.ToLower(name) {
		case "apiversion", "type", "name", "dependson", "condition", "copy", "resources", "comments", "scope", "existing", "import", "@options":
		case "resourcegroup", "subscriptionid":
			if !nested {
				source.Set(name, v)
			}
		case "properties":
			if properties, ok := v.(*value.Object); ok && inner {
				properties = properties.Clone()
				if key, ok := properties.Key("template"); ok {
					properties.Delete(key)
				}
				v = properties
			}
			source.Set(name, v)
		default:
			source.Set(name, v)
		}
	}
	v, err := f.value(source)
	if err != nil {
		return nil, fmt.Errorf("unable to process template language expressions for resource '%s': %w", r.ID, err)
	}
	body, _ := v.(*value.Object)
	if properties := body.Map("properties"); nested && properties != nil {
		if inner {
			properties.Set("template", member(r.source.Map("properties"), "template"))
		}
		if key, ok := properties.Key("expressionEvaluationOptions"); ok {
			properties.Delete(key)
		}
	}
	return body, nil
}
