package emit

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aro-rp/aro/hack/generate/spec"
	"github.com/aro-rp/aro/model"
)

// place is where the model has a property: an expression relative to a model value,
// and its type.
type place struct {
	expr string
	typ  reflect.Type
}

// notStored are read-only members that the model does not store because no caller
// creates catalogue entries.
var notStored = []string{versionSchema + ".systemData", roleSetSchema + ".systemData"}

// find returns the place of a property of schema owner, whose model value has the
// type t and the JSON path at.
func find(owner string, p spec.Property, t reflect.Type, at string) (place, bool, error) {
	path := p.Name
	if p.Model != "" {
		relative, ok := strings.CutPrefix(p.Model, prefix(at))
		if !ok {
			return place{}, false, fmt.Errorf("%s.%s: x-aro-model %s is not below %s", owner, p.Name, p.Model, at)
		}
		path = relative
	}
	found := place{expr: "m", typ: t}
	for name := range strings.SplitSeq(path, ".") {
		field, ok := fieldByJSON(found.typ, name)
		if !ok {
			if slices.Contains(notStored, owner+"."+p.Name) {
				return place{}, false, nil
			}
			return place{}, false, fmt.Errorf("%s.%s: %s has no member %s", owner, p.Name, found.typ, name)
		}
		found = place{expr: found.expr + "." + field.Name, typ: field.Type}
	}
	return found, true, nil
}

func prefix(at string) string {
	if at == "" {
		return ""
	}
	return at + "."
}

func fieldByJSON(t reflect.Type, name string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	for i := range t.NumField() {
		if f := t.Field(i); !f.Anonymous && jsonName(f.Tag) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// hidden reports whether the model struct has members that the schema does not.
func hidden(s *spec.Schema, t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		known := slices.ContainsFunc(s.Properties, func(p spec.Property) bool { return p.Name == jsonName(f.Tag) })
		if !f.Anonymous && !known {
			return true
		}
	}
	return false
}

// keeps reports whether an object has members that must be kept when a request
// omits it: values of the service, secrets, values fixed at creation, or members
// that this version does not have.
func keeps(s *spec.Schema, t reflect.Type) bool {
	if hidden(s, t) {
		return true
	}
	return slices.ContainsFunc(s.Properties, func(p spec.Property) bool {
		if p.ReadOnly || p.Secret || p.CreateOnly() {
			return true
		}
		field, ok := fieldByJSON(t, p.Name)
		return ok && p.Properties != nil && keeps(p.Schema, pointee(field.Type))
	})
}

func pointee(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// roots are the model types of the resources.
var roots = map[string]reflect.Type{
	clusterSchema: reflect.TypeFor[model.Cluster](),
	versionSchema: reflect.TypeFor[model.OpenShiftVersion](),
	roleSetSchema: reflect.TypeFor[model.PlatformWorkloadIdentityRoleSet](),
}
