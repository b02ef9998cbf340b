package resources

import (
	"net/http"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// ID is a parsed path of ARM: of a resource, of a collection (one type more than
// names), or of an action of a resource (the same shape).
type ID struct {
	// Scope is what the resource is in or extends: a group, a subscription, another
	// resource, or empty for the tenant.
	Scope     string
	Namespace string
	Types     []string
	Names     []string
}

// GroupType is the type of a resource group.
const GroupType = "Microsoft.Resources/resourceGroups"

// Parse reads a path. It tolerates doubled and trailing slashes and any case of
// the fixed segments.
func Parse(path string) (ID, error) {
	segments := Segments(path)
	last := -1
	for i, s := range segments {
		if arm.EqualFold(s, "providers") && i+1 < len(segments) {
			last = i
		}
	}
	if last >= 0 {
		rest := segments[last+2:]
		id := ID{Scope: join(segments[:last]), Namespace: segments[last+1]}
		for i, s := range rest {
			if i%2 == 0 {
				id.Types = append(id.Types, s)
			} else {
				id.Names = append(id.Names, s)
			}
		}
		if len(id.Types) == 0 {
			return ID{}, invalid(path)
		}
		return id, nil
	}
	if len(segments) < 2 || !arm.EqualFold(segments[0], "subscriptions") {
		return ID{}, invalid(path)
	}
	id := ID{Scope: join(segments[:2]), Namespace: "Microsoft.Resources"}
	if len(segments) == 2 {
		return ID{Namespace: id.Namespace, Types: []string{"subscriptions"}, Names: segments[1:2]}, nil
	}
	if !arm.EqualFold(segments[2], "resourceGroups") || len(segments) > 5 {
		return ID{}, invalid(path)
	}
	id.Types = []string{"resourceGroups"}
	if len(segments) > 3 {
		id.Names = segments[3:4]
	}
	if len(segments) > 4 {
		id.Types = append(id.Types, segments[4])
	}
	return id, nil
}

func invalid(path string) error {
	return Refuse(http.StatusBadRequest, "InvalidResourceId", "The path '%s' is not one of a resource.", path)
}

// Segments splits a path at its slashes.
func Segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func join(segments []string) string {
	if len(segments) == 0 {
		return ""
	}
	return "/" + strings.Join(segments, "/")
}

// Key is under which a path is kept: lower-case, without doubled slashes.
func Key(path string) string { return arm.ToLower(join(Segments(path))) }

// Collection reports whether the path ends with a type rather than a name.
func (id ID) Collection() bool { return len(id.Types) > len(id.Names) }

// Type is the full type, in the caller's casing; see Canonical.
func (id ID) Type() string { return id.Namespace + "/" + strings.Join(id.Types, "/") }

// Name is the last name.
func (id ID) Name() string {
	if len(id.Names) == 0 {
		return ""
	}
	return id.Names[len(id.Names)-1]
}

// Parent is what the resource or collection is directly below: the parent
// resource if its type is nested, else its scope.
func (id ID) Parent() string {
	n := len(id.Types) - 1
	if n == 0 {
		return id.Scope
	}
	if arm.EqualFold(id.Namespace+"/"+id.Types[0], GroupType) {
		return id.Scope + "/resourceGroups/" + id.Names[0]
	}
	path := id.Scope + "/providers/" + id.Namespace
	for i := range n {
		path += "/" + id.Types[i] + "/" + id.Names[i]
	}
	return path
}

// Last is the last segment of the type.
func (id ID) Last() string { return id.Types[len(id.Types)-1] }

// Group is the name of the resource group of a path, or empty.
func Group(path string) string {
	s := Segments(path)
	if len(s) >= 4 && arm.EqualFold(s[2], "resourceGroups") {
		return s[3]
	}
	return ""
}

// Subscription is the subscription of a path, or empty.
func Subscription(path string) string {
	s := Segments(path)
	if len(s) >= 2 && arm.EqualFold(s[0], "subscriptions") {
		return s[1]
	}
	return ""
}

// GroupID is the id of the resource group of a path, or empty.
func GroupID(path string) string {
	if Group(path) == "" {
		return ""
	}
	return join(Segments(path)[:4])
}
