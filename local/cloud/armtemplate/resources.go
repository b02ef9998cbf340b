package armtemplate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readResources finds out which resources there are: loops, conditions, names.
func (t *Template) readResources() error {
	root := &frame{Template: t}
	switch sources := t.definition["resources"].(type) {
	case []any:
		for _, source := range sources {
			object, _ := source.(map[string]any)
			if err := t.readResource(root, object, "", nil); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(sources)) {
			object, _ := sources[name].(map[string]any)
			if err := t.readResource(root, object, name, nil); err != nil {
				return err
			}
		}
	case nil:
		return invalid("Deployment template validation failed: 'Required property 'resources' not found in JSON.'")
	}
	return nil
}

// readResource adds a resource, once for each turn of its loop.
func (t *Template) readResource(f *frame, source map[string]any, symbolic string, parent *Resource) error {
	loop, _ := source["copy"].(map[string]any)
	if loop == nil {
		return t.readOne(f, source, symbolic, "", parent)
	}
	name, _ := loop["name"].(string)
	count, err := f.count(loop)
	if err != nil {
		return invalid("The template resource copy '%s' is not valid: %v.", name, err)
	}
	for i := range count {
		if err := t.readOne(f.within(name, i), source, symbolic, name, parent); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) readOne(f *frame, source map[string]any, symbolic, loop string, parent *Resource) error {
	if condition, ok := source["condition"]; ok {
		holds, err := f.value(condition)
		if err != nil {
			return invalid("The template condition of a resource is not valid: %v.", err)
		}
		if holds != true {
			return nil
		}
	}
	if existing, _ := source["existing"].(bool); existing {
		return nil
	}
	r := &Resource{Symbolic: symbolic, loop: loop, source: source, frame: f}
	for member, into := range map[string]*string{"type": &r.Type, "name": &r.Name, "apiVersion": &r.APIVersion} {
		value, err := f.value(source[member])
		if err != nil {
			return invalid("Unable to process template language expressions for the %s of a resource: %v.", member, err)
		}
		*into, _ = value.(string)
		if *into == "" {
			return invalid("Deployment template validation failed: 'The template resource has no %s.'", member)
		}
	}
	if parent != nil {
		r.Type, r.Name = parent.Type+"/"+r.Type, parent.Name+"/"+r.Name
		r.After = append(r.After, parent.ID)
	}
	var err error
	if r.ID, err = t.id(f, r); err != nil {
		return err
	}
	for _, other := range t.resources {
		if strings.EqualFold(other.ID, r.ID) {
			return invalid("Deployment template validation failed: 'The resource '%s' is defined multiple times in a template.'", r.ID)
		}
	}
	t.resources = append(t.resources, r)
	children, _ := source["resources"].([]any)
	for _, child := range children {
		object, _ := child.(map[string]any)
		if err := t.readResource(f, object, "", r); err != nil {
			return err
		}
	}
	return nil
}

// id of a resource at its scope: that of the deployment unless it says otherwise.
func (t *Template) id(f *frame, r *Resource) (string, error) {
	base := "/subscriptions/" + text(t.env.Subscription["subscriptionId"])
	if value, err := f.value(r.source["subscriptionId"]); err == nil && value != nil {
		base = "/subscriptions/" + text(value)
	}
	group := ""
	if t.env.Group != nil {
		group = text(t.env.Group["name"])
	}
	if value, err := f.value(r.source["resourceGroup"]); err == nil && value != nil {
		group = text(value)
	}
	if group != "" {
		base += "/resourceGroups/" + group
	}
	if source, ok := r.source["scope"]; ok {
		scope, err := f.value(source)
		if err != nil {
			return "", invalid("Unable to process template language expressions for the scope of resource '%s': %v.", r.Name, err)
		}
		base = t.scope(base, text(scope))
	}
	types, names := strings.Split(r.Type, "/"), strings.Split(r.Name, "/")
	// Extension resources of old templates have their target's type and name before them.
	if i := slices.IndexFunc(types[1:], func(s string) bool { return strings.EqualFold(s, "providers") }); i > 0 {
		return t.extensionID(base, types, names, i+1)
	}
	if len(types) != len(names)+1 {
		return "", invalid("Deployment template validation failed: 'The template resource '%s' of type '%s' has an incorrect segment length. A nested resource type must have identical number of segments as its resource name.'", r.Name, r.Type)
	}
	if strings.EqualFold(r.Type, "Microsoft.Resources/resourceGroups") {
		return base + "/resourceGroups/" + r.Name, nil
	}
	id := base + "/providers/" + types[0]
	for i, name := range names {
		id += "/" + types[i+1] + "/" + name
	}
	return id, nil
}

func (t *Template) scope(base, scope string) string {
	if strings.HasPrefix(scope, "/") {
		return strings.TrimRight(scope, "/")
	}
	// Relative scopes are types and names in turn, after a namespace.
	return base + "/providers/" + scope
}

// extensionID makes the id of NS/type/providers/roleAssignments with the name
// target/Microsoft.Authorization/name.
func (t *Template) extensionID(base string, types, names []string, at int) (string, error) {
	if len(names) < at || len(types) != len(names) {
		return "", invalid("Deployment template validation failed: 'The extension resource '%s' has an incorrect segment length.'", strings.Join(names, "/"))
	}
	id := base + "/providers/" + types[0]
	for i := 1; i < at; i++ {
		id += "/" + types[i] + "/" + names[i-1]
	}
	id += "/providers/" + names[at-1]
	for i := at + 1; i < len(types); i++ {
		id += "/" + types[i] + "/" + names[i-1]
	}
	return id, nil
}

// link finds out what each resource comes after, and sorts them.
func (t *Template) link() error {
	for _, r := range t.resources {
		named, err := r.frame.value(r.source["dependsOn"])
		if err != nil {
			return invalid("Unable to process the dependencies of resource '%s': %v.", r.ID, err)
		}
		dependencies, _ := named.([]any)
		for _, d := range dependencies {
			found := t.named(text(d))
			if len(found) == 0 && !t.omitted(text(d)) {
				return invalid("Deployment template validation failed: 'The resource '%s' is not defined in the template.'", text(d))
			}
			r.After = append(r.After, found...)
		}
		t.implied(r, r.source["properties"])
		r.After = slices.DeleteFunc(r.After, func(id string) bool { return strings.EqualFold(id, r.ID) })
		slices.Sort(r.After)
		r.After = slices.Compact(r.After)
	}
	return t.sort()
}

// named are the ids of the resources in the template that a dependency means.
func (t *Template) named(name string) []string {
	var found []string
	trimmed := strings.Trim(name, "/")
	for _, r := range t.resources {
		switch {
		case strings.EqualFold(strings.Trim(r.ID, "/"), trimmed), r.Symbolic != "" && strings.EqualFold(r.Symbolic, name),
			r.loop != "" && strings.EqualFold(r.loop, name), strings.EqualFold(r.Name, name), strings.EqualFold(r.Type+"/"+r.Name, trimmed):
			found = append(found, r.ID)
		}
	}
	return found
}

// omitted tells whether a dependency may be on a resource whose condition does not
// hold, or on a loop without turns.
func (t *Template) omitted(name string) bool {
	all, _ := t.definition["resources"].([]any)
	if named, ok := t.definition["resources"].(map[string]any); ok {
		for _, v := range named {
			all = append(all, v)
		}
		if _, ok := lookup(named, name); ok {
			return true
		}
	}
	for _, v := range all {
		source, _ := v.(map[string]any)
		loop, _ := source["copy"].(map[string]any)
		if n, _ := loop["name"].(string); n != "" && strings.EqualFold(n, name) {
			return true
		}
		if _, conditional := source["condition"]; !conditional {
			continue
		}
		r := &Resource{source: source}
		f := &frame{Template: t}
		kind, err := f.value(source["type"])
		own, err2 := f.value(source["name"])
		if err != nil || err2 != nil {
			continue
		}
		r.Type, r.Name = text(kind), text(own)
		if id, err := t.id(f, r); err == nil && (strings.EqualFold(id, name) || strings.EqualFold(r.Name, name) || strings.EqualFold(r.Type+"/"+r.Name, name)) {
			return true
		}
	}
	return false
}

// implied adds what a value refers to with reference() and the list functions.
func (t *Template) implied(r *Resource, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, e := range v {
			t.implied(r, e)
		}
	case []any:
		for _, e := range v {
			t.implied(r, e)
		}
	case string:
		if !isExpression(v) {
			return
		}
		e, err := parse(v[1 : len(v)-1])
		if err != nil {
			return // evaluation will say so
		}
		walk(e, func(c call) {
			if c.name != "reference" && !strings.HasPrefix(c.name, "list") || len(c.arguments) == 0 {
				return
			}
			if of, err := c.arguments[0].eval(r.frame); err == nil {
				r.After = append(r.After, t.named(text(of))...)
			}
		})
	}
}

// find is the id and api-version of what reference() names.
func (t *Template) find(name string) (id, apiVersion string) {
	id = name
	for _, found := range t.named(name) {
		id = found
		break
	}
	for _, r := range t.resources {
		if strings.EqualFold(r.ID, id) {
			return r.ID, r.APIVersion
		}
	}
	return id, "2024-03-01"
}

// sort puts each resource after those that it depends on.
func (t *Template) sort() error {
	byID := map[string]*Resource{}
	for _, r := range t.resources {
		byID[strings.ToLower(r.ID)] = r
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
			return invalid("Deployment template validation failed: 'Circular dependency detected on resource: '%s'.'", r.ID)
		}
		marks[r] = visiting
		for _, id := range r.After {
			if before := byID[strings.ToLower(id)]; before != nil {
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

// Evaluate evaluates one value of the template language by itself.
func Evaluate(value any, env *Environment) (any, error) {
	f := &frame{Template: &Template{env: env, definition: map[string]any{}}, live: true}
	result, err := f.value(value)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("evaluate %v", value), err)
	}
	return result, nil
}
