package store

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/aro-rp/aro/model"
)

// sealError is about the secret at a path of a document.
type sealError struct {
	path  string
	cause error
}

func (e *sealError) Error() string { return e.path + ": " + e.cause.Error() }

func (e *sealError) Unwrap() error { return e.cause }

var secretType = reflect.TypeFor[model.Secret]()

// holding caches, by type, whether values can contain secrets.
var holding sync.Map

// holdsSecrets reports whether a value of the type can contain secrets. Interfaces
// are ignored: no document has secrets in one.
func holdsSecrets(t reflect.Type) bool {
	if known, ok := holding.Load(t); ok {
		return known.(bool)
	}
	holds := reaches(t, map[reflect.Type]bool{})
	holding.Store(t, holds)
	return holds
}

func reaches(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == secretType {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return reaches(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); (f.IsExported() || f.Anonymous) && reaches(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// replacement changes the secrets of one document.
type replacement func(path string, secret model.Secret) (model.Secret, error)

// replaceSecrets returns the document, a pointer, with its secrets replaced. The
// document itself is unchanged; both share values without secrets.
func replaceSecrets(doc any, replace replacement) (any, error) {
	v := reflect.ValueOf(doc)
	if !holdsSecrets(v.Type()) {
		return doc, nil
	}
	replaced, err := replace.in(v, "")
	if err != nil {
		return nil, err
	}
	return replaced.Interface(), nil
}

// in returns a copy of v, which is at path, with its secrets replaced.
func (r replacement) in(v reflect.Value, path string) (reflect.Value, error) {
	if !holdsSecrets(v.Type()) {
		return v, nil
	}
	if v.Type() == secretType {
		if v.Len() == 0 {
			return v, nil
		}
		secret, err := r(path, model.Secret(v.String()))
		return reflect.ValueOf(secret), err
	}
	switch v.Kind() {
	case reflect.Pointer:
		return r.inPointer(v, path)
	case reflect.Struct:
		return r.inStruct(v, path)
	case reflect.Slice:
		return r.inSlice(v, path)
	case reflect.Map:
		return r.inMap(v, path)
	}
	return v, fmt.Errorf("%s: secrets in a %s are not supported", path, v.Kind())
}

func (r replacement) inPointer(v reflect.Value, path string) (reflect.Value, error) {
	if v.IsNil() {
		return v, nil
	}
	inner, err := r.in(v.Elem(), path)
	if err != nil {
		return v, err
	}
	replaced := reflect.New(v.Type().Elem())
	replaced.Elem().Set(inner)
	return replaced, nil
}

func (r replacement) inStruct(v reflect.Value, path string) (reflect.Value, error) {
	replaced := reflect.New(v.Type()).Elem()
	replaced.Set(v)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || !holdsSecrets(f.Type) {
			continue
		}
		inner, err := r.in(v.Field(i), below(path, f))
		if err != nil {
			return v, err
		}
		replaced.Field(i).Set(inner)
	}
	return replaced, nil
}

// below returns the path of a field, by its name in JSON.
func below(path string, f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case name == "" && f.Anonymous:
		return path
	case name == "":
		name = f.Name
	}
	return joined(path, name)
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (r replacement) inSlice(v reflect.Value, path string) (reflect.Value, error) {
	if v.IsNil() {
		return v, nil
	}
	replaced := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		inner, err := r.in(v.Index(i), path+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return v, err
		}
		replaced.Index(i).Set(inner)
	}
	return replaced, nil
}

func (r replacement) inMap(v reflect.Value, path string) (reflect.Value, error) {
	if v.IsNil() {
		return v, nil
	}
	replaced := reflect.MakeMapWithSize(v.Type(), v.Len())
	for _, key := range v.MapKeys() {
		inner, err := r.in(v.MapIndex(key), joined(path, key.String()))
		if err != nil {
			return v, err
		}
		replaced.SetMapIndex(key, inner)
	}
	return replaced, nil
}
