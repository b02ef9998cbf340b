package armtemplate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

const (
	groupType      = "Microsoft.Resources/resourceGroups"
	deploymentType = "Microsoft.Resources/deployments"
)

// Resource is one that the template deploys.
type Resource struct {
	ID, Type, Name, APIVersion string
	// After are the ids of those that must be there before.
	After []string
	// Symbolic is its name in a template with named resources.
	Symbolic string

	loop   string
	index  int64
	source *value.Object
	frame  *frame
}

// readResources evaluates loops, conditions and names of the resources.
func (t *Template) readResources() error {
	root := &frame{Template: t}
	switch sources := member(t.definition, "resources").(type) {
	case []any:
		for i, source := range sources {
			object, ok := source.(*value.Object)
			if !ok {
				return invalid("Deployment template parse failed: 'The resource with the index %d is not an object.'", i)
			}
			if err := t.readResource(root, object, "", nil); err != nil {
				return err
			}
		}
	case *value.Object:
		for name, source := range sources.All() {
			object, ok := source.(*value.Object)
			if !ok {
				return invalid("Deployment template parse failed: 'The resource '%s' is not an object.'", name)
			}
			if err := t.readResource(root, object, name, nil); err != nil {
				return err
			}
		}
	case nil:
		return invalid("Deployment template validation failed: 'Required property 'resources' not found in JSON.'")
	default:
		return invalid("Deployment template parse failed: 'The resources are neither an array nor an object.'")
	}
	return nil
}

// readResource adds a resource, once for each turn of its loop.
func (t *Template) readResource(f *frame, source *value.Object, symbolic string, parent *Resource) error {
	loop := source.Map("copy")
	if loop == nil {
		return t.readOne(f, source, &Resource{Symbolic: symbolic, index: -1}, parent)
	}
	name := loop.Text("name")
	count, err := f.count(loop)
	if err != nil {
		return invalid("The template resource copy '%s' is not valid: %v.", name, err)
	}
	if name == "" {
		return invalid("Deployment template validation failed: 'The copy of a resource has no name.'")
	}
	if count == 0 {
		t.omitted = append(t.omitted, &Resource{Symbolic: symbolic, loop: name, index: -1})
	}
	for i := range count {
		if err := t.readOne(f.within(name, i), source, &Resource{Symbolic: symbolic, loop: name, index: i}, parent); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) readOne(f *frame, source *value.Object, r *Resource, parent *Resource) error {
	r.source, r.frame = source, f
	condition := true
	if c, ok := source.Find("condition"); ok {
		v, err := f.value(c)
		if err != nil {
			return invalid("The template condition of the resource '%s' is not valid: %v.", source.Text("name"), err)
		}
		if condition, ok = v.(bool); !ok {
			return invalid("The template condition of the resource '%s' is not valid: it is not a bool.", source.Text("name"))
		}
	}
	existing := member(source, "existing") == true
	if existing && !t.symbolic {
		return invalid("Deployment template validation failed: 'Existing resources need languageVersion 2.0.'")
	}
	if err := t.readIdentity(r, parent); err != nil {
		if !condition {
			t.omitted = append(t.omitted, r)
			return nil
		}
		return err
	}
	switch {
	case !condition:
		t.omitted = append(t.omitted, r)
		return nil
	case existing:
		t.existing = append(t.existing, r)
		return nil
	}
	for _, other := range t.resources {
		if arm.EqualFold(other.ID, r.ID) {
			return invalid("Deployment template validation failed: 'The resource '%s' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.'", r.ID)
		}
	}
	t.resources = append(t.resources, r)
	for _, child := range source.List("resources") {
		object, ok := child.(*value.Object)
		if !ok {
			return invalid("Deployment template parse failed: 'A child of the resource '%s' is not an object.'", r.Name)
		}
		if err := t.readResource(f, object, "", r); err != nil {
			return err
		}
	}
	return nil
}

// readIdentity evaluates what a resource is called.
func (t *Template) readIdentity(r *Resource, parent *Resource) error {
	for _, m := range []struct {
		name string
		into *string
	}{{"type", &r.Type}, {"name", &r.Name}, {"apiVersion", &r.APIVersion}} {
		v, err := r.frame.value(member(r.source, m.name))
		if err != nil {
			return invalid("Unable to process template language expressions for the %s of the resource '%s': '%v'", m.name, r.source.Text("name"), err)
		}
		*m.into, _ = v.(string)
		if *m.into == "" {
			return invalid("Deployment template validation failed: 'The template resource '%s' has no %s.'", r.source.Text("name"), m.name)
		}
	}
	if parent != nil {
		r.Type, r.Name = parent.Type+"/"+r.Type, parent.Name+"/"+r.Name
		r.After = append(r.After, parent.ID)
	}
	id, err := t.id(r)
	r.ID = id
	return err
}

// base is the scope that a resource is deployed to: the deployment's scope, unless the resource has
// its own.
func (t *Template) base(r *Resource) (string, error) {
	at := map[string]string{}
	for _, name := range []string{"subscriptionId", "resourceGroup", "scope"} {
		v, err := r.frame.value(member(r.source, name))
		if err != nil {
			return "", invalid("Unable to process template language expressions for the %s of the resource '%s': '%v'", name, r.Name, err)
		}
		s, ok := v.(string)
		if !ok && v != nil {
			return "", invalid("The %s of the resource '%s' is not a string.", name, r.Name)
		}
		at[name] = s
	}
	subscription, group := t.env.subscription(), t.env.group()
	if at["subscriptionId"] != "" {
		subscription, group = at["subscriptionId"], ""
	}
	if at["resourceGroup"] != "" {
		group = at["resourceGroup"]
	}
	base := "/subscriptions/" + subscription
	if group != "" {
		base += "/resourceGroups/" + group
	}
	switch scope := at["scope"]; {
	case scope == "":
		return base, nil
	case strings.HasPrefix(strings.ToLower(scope), "/subscriptions/"):
		return strings.TrimRight(scope, "/"), nil
	case strings.HasPrefix(scope, "/"), strings.HasPrefix(strings.ToLower(scope), "microsoft.management/"):
		return "", invalid("Deployment template validation failed: 'The scope '%s' of the resource '%s' is not supported here: deployments are to resource groups and subscriptions only.'", scope, r.Name)
	default:
		return base + "/providers/" + strings.TrimRight(scope, "/"), nil
	}
}

// id of a resource at its scope.
func (t *Template) id(r *Resource) (string, error) {
	base, err := t.base(r)
	if err != nil {
		return "", err
	}
	types, names := strings.Split(r.Type, "/"), strings.Split(r.Name, "/")
	if len(types) != len(names)+1 {
		return "", invalid("Deployment template validation failed: 'The template resource '%s' for type '%s' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details.'", r.Name, r.Type)
	}
	if slices.Contains(names, "") || slices.Contains(types, "") {
		return "", invalid("Deployment template validation failed: 'The template resource '%s' of type '%s' has an empty segment.'", r.Name, r.Type)
	}
	if arm.EqualFold(r.Type, groupType) {
		if strings.Contains(base, "/resourceGroups/") {
			return "", invalid("Deployment template validation failed: 'The resource group '%s' can only be deployed at the scope of a subscription.'", r.Name)
		}
		return base + "/resourceGroups/" + r.Name, nil
	}
	id := base + "/providers/" + types[0]
	for i, name := range names {
		if arm.EqualFold(types[i+1], "providers") && i > 0 {
			id += "/providers/" + name // an extension in the form of old templates
			continue
		}
		id += "/" + types[i+1] + "/" + name
	}
	return id, nil
}

// key makes ids comparable: groups have two forms.
func key(id string) string {
	k := arm.ToLower(strings.Trim(id, "/"))
	if segments := strings.Split(k, "/"); len(segments) > 4 && segments[0] == "subscriptions" && segments[2] == "providers" && segments[3] == "microsoft.resources" && segments[4] == "resourcegroups" {
		k = strings.Join(append(segments[:2], segments[4:]...), "/")
	}
	return k
}

// Same reports whether two ids are of one resource.
func Same(a, b string) bool { return key(a) == key(b) }

// symbols are the resources with a symbolic name: one, or all of a loop.
func (t *Template) symbols(name string) []*Resource {
	var found []*Resource
	for _, list := range [][]*Resource{t.resources, t.existing} {
		for _, r := range list {
			if r.symbolizedBy(name) {
				found = append(found, r)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *Resource) int { return int(a.index - b.index) })
	return found
}

func (r *Resource) symbolizedBy(name string) bool {
	return r.Symbolic != "" && (arm.EqualFold(r.Symbolic, name) || r.index >= 0 && arm.EqualFold(fmt.Sprintf("%s[%d]", r.Symbolic, r.index), name))
}

// calledBy reports whether a dependency or reference() means the resource.
func (r *Resource) calledBy(name string) bool {
	k := key(name)
	switch {
	case r.symbolizedBy(name), r.loop != "" && arm.EqualFold(r.loop, name):
		return true
	case r.ID == "":
		return false
	}
	return key(r.ID) == k || arm.EqualFold(r.Name, name) || arm.EqualFold(r.Type+"/"+r.Name, name) ||
		strings.Contains(k, "/") && strings.HasSuffix(key(r.ID), "/providers/"+k)
}

// named are the resources to deploy that a dependency means.
func (t *Template) named(name string) []*Resource {
	var found []*Resource
	for _, r := range t.resources {
		if r.calledBy(name) {
			found = append(found, r)
		}
	}
	return found
}

// target is the id and api-version of what reference() and list functions name.
func (t *Template) target(name string) (id, apiVersion string, err error) {
	found := t.symbols(name)
	if len(found) == 0 {
		found = t.named(name)
	}
	switch {
	case len(found) == 1:
		return found[0].ID, found[0].APIVersion, nil
	case len(found) > 1:
		return "", "", fmt.Errorf("the name '%s' is of %d resources of the template; give the id of one", name, len(found))
	case strings.HasPrefix(name, "/"):
		return name, "", nil
	}
	return "", "", fmt.Errorf("the resource '%s' is not defined in the template", name)
}

// isInner reports whether a resource is a nested deployment that evaluates its template
// itself.
func (t *Template) isInner(source *value.Object) bool {
	properties := source.Map("properties")
	if !arm.EqualFold(source.Text("type"), deploymentType) || properties.Map("template") == nil {
		return false
	}
	scope := properties.Map("expressionEvaluationOptions").Text("scope")
	return arm.EqualFold(scope, "inner") || t.symbolic && scope == ""
}

// calls visits the function calls in all expressions of a resource that it evaluates.
func (t *Template) calls(v any, visit func(expression.Call)) {
	switch v := v.(type) {
	case *value.Object:
		inner := t.isInner(v)
		for name, e := range v.All() {
			if arm.EqualFold(name, "dependsOn") {
				continue
			}
			if properties, ok := e.(*value.Object); ok && inner && arm.EqualFold(name, "properties") {
				properties = properties.Clone()
				if key, ok := properties.Key("template"); ok {
					properties.Delete(key)
				}
				e = properties
			}
			t.calls(e, visit)
		}
	case []any:
		for _, e := range v {
			t.calls(e, visit)
		}
	case string:
		if n, err := expression.Parse(v); expression.Is(v) && err == nil {
			expression.Walk(n, visit)
		}
	}
}
