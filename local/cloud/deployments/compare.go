package deployments

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// comparison finds what a PUT of a body would change of a resource. What only the resource
// has is a default, or nothing that callers write; it stays.
type comparison struct {
	// emptied are paths that a PUT without them empties.
	emptied []string
}

// writeOnly are members that callers write and that are never shown.
var writeOnly = []string{"pullsecret", "clientsecret", "adminpassword", "password", "boundserviceaccountsigningkey"}

func emptyValue(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case *value.Object:
		return v.Len() == 0
	case string:
		return v == ""
	}
	return false
}

// objects compares the members of two objects.
func (c comparison) objects(path string, before, after *value.Object) []any {
	delta := []any{}
	for name, v := range after.All() {
		at := name
		if path != "" {
			at = path + "." + name
		}
		was, found := before.Find(name)
		hidden := was == nil && slices.Contains(writeOnly, arm.ToLower(name))
		if hidden || !found && emptyValue(v) {
			continue
		}
		delta = append(delta, c.values(at, was, v)...)
	}
	for _, at := range c.emptied {
		parent, name, _ := strings.Cut(at, ".")
		if parent != path {
			continue
		}
		was, _ := before.Find(name)
		if _, kept := after.Find(name); !kept && !emptyValue(was) {
			delta = append(delta, value.NewObject("path", at, "propertyChangeType", remove, "before", was))
		}
	}
	return delta
}

// values compares two values of one path.
func (c comparison) values(path string, before, after any) []any {
	switch a := after.(type) {
	case *value.Object:
		if b, ok := before.(*value.Object); ok {
			return c.objects(path, b, a)
		}
	case []any:
		if b, ok := before.([]any); ok {
			if children := c.arrays(b, a); len(children) > 0 {
				return []any{value.NewObject("path", path, "propertyChangeType", array, "children", children)}
			}
			return nil
		}
	}
	switch {
	case same(before, after):
		return nil
	case before == nil:
		return []any{value.NewObject("path", path, "propertyChangeType", create, "after", after)}
	case after == nil:
		return []any{value.NewObject("path", path, "propertyChangeType", remove, "before", before)}
	}
	return []any{value.NewObject("path", path, "propertyChangeType", modify, "before", before, "after", after)}
}

// same reports whether Azure takes two values for one: ids and regions have no casing, and
// what is only known during the deployment is taken for what it was.
func same(before, after any) bool {
	b, ok := before.(string)
	a, ok2 := after.(string)
	if ok2 && expression.Is(a) {
		return before != nil
	}
	if !ok || !ok2 {
		return value.Equal(before, after)
	}
	return a == b || strings.HasPrefix(a, "/") && resources.Key(a) == resources.Key(b) || resources.Location(a) == b
}

// arrays compares elements by their names if they have some, else by their values.
func (c comparison) arrays(before, after []any) []any {
	children := []any{}
	matched := map[int]bool{}
	for i, a := range after {
		at := -1
		for j, b := range before {
			if !matched[j] && c.pairs(b, a, i == j) {
				at = j
				break
			}
		}
		if at < 0 {
			children = append(children, value.NewObject("path", fmt.Sprint(i), "propertyChangeType", create, "after", a))
			continue
		}
		matched[at] = true
		b, isObject := before[at].(*value.Object)
		o, isObject2 := a.(*value.Object)
		if !isObject || !isObject2 {
			continue
		}
		// Paths within an element are relative to it; those of emptied are relative to the resource.
		if inner := (comparison{}).objects("", b, o); len(inner) > 0 {
			children = append(children, value.NewObject("path", fmt.Sprint(i), "propertyChangeType", modify, "children", inner))
		}
	}
	for j, b := range before {
		if !matched[j] {
			children = append(children, value.NewObject("path", fmt.Sprint(j), "propertyChangeType", remove, "before", b))
		}
	}
	return children
}

// pairs reports whether two elements are the same one.
func (c comparison) pairs(before, after any, samePlace bool) bool {
	b, ok := before.(*value.Object)
	a, ok2 := after.(*value.Object)
	if !ok || !ok2 {
		return same(before, after)
	}
	for _, key := range []string{"name", "id"} {
		x, y := b.Text(key), a.Text(key)
		if y != "" {
			return arm.EqualFold(x, y)
		}
	}
	return samePlace
}
