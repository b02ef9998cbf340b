// Package value has the values of ARM templates: JSON whose objects keep the order of
// their members and whose integers keep all of their 64 bits, as the template engine of
// Azure has them.
//
// A value is nil, a bool, an int64, a float64, a string, a []any of values or an *Object.
package value

import (
	"encoding/json"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// Object is a JSON object. Its zero value is empty.
type Object struct {
	names   []string
	members map[string]any
}

// NewObject makes an object of names and values in turn.
func NewObject(pairs ...any) *Object {
	o := &Object{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		o.Set(name, pairs[i+1])
	}
	return o
}

// Len is how many members there are. A nil object has none.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.names)
}

// Get is the member with exactly this name, nil if there is none.
func (o *Object) Get(name string) any {
	v, _ := o.Has(name)
	return v
}

// Has is the member with exactly this name.
func (o *Object) Has(name string) (any, bool) {
	if o == nil {
		return nil, false
	}
	v, ok := o.members[name]
	return v, ok
}

// Find is the member with this name in any casing, an exact match first.
func (o *Object) Find(name string) (any, bool) {
	if v, ok := o.Has(name); ok {
		return v, true
	}
	if key, ok := o.Key(name); ok {
		return o.members[key], true
	}
	return nil, false
}

// Key is the name, as it is written, of the member with a name in any casing.
func (o *Object) Key(name string) (string, bool) {
	if o == nil {
		return "", false
	}
	for _, key := range o.names {
		if arm.EqualFold(key, name) {
			return key, true
		}
	}
	return "", false
}

// Set adds or replaces a member.
func (o *Object) Set(name string, v any) {
	if o.members == nil {
		o.members = map[string]any{}
	}
	if _, ok := o.members[name]; !ok {
		o.names = append(o.names, name)
	}
	o.members[name] = v
}

// Delete removes a member.
func (o *Object) Delete(name string) {
	if _, ok := o.Has(name); ok {
		delete(o.members, name)
		o.names = slices.DeleteFunc(o.names, func(n string) bool { return n == name })
	}
}

// Names of the members in their order.
func (o *Object) Names() []string {
	if o == nil {
		return nil
	}
	return slices.Clone(o.names)
}

// Sorted are the names ordered without regard to casing.
func (o *Object) Sorted() []string {
	names := o.Names()
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(strings.ToUpper(a), strings.ToUpper(b)) })
	return names
}

// All members in their order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, name := range o.Names() {
			if !yield(name, o.members[name]) {
				return
			}
		}
	}
}

// Clone is a copy that shares the values of the members.
func (o *Object) Clone() *Object {
	clone := &Object{}
	for name, v := range o.All() {
		clone.Set(name, v)
	}
	return clone
}

// Map is the member with this name if it is an object, else nil.
func (o *Object) Map(name string) *Object {
	v, _ := o.Find(name)
	m, _ := v.(*Object)
	return m
}

// Text is the member with this name if it is a string, else empty.
func (o *Object) Text(name string) string {
	v, _ := o.Find(name)
	s, _ := v.(string)
	return s
}

// List is the member with this name if it is an array, else nil.
func (o *Object) List(name string) []any {
	v, _ := o.Find(name)
	l, _ := v.([]any)
	return l
}

// MarshalJSON writes the object in its order.
func (o *Object) MarshalJSON() ([]byte, error) { return []byte(JSON(o)), nil }

// Equal reports whether two values are the same. The order of members does not count.
func Equal(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, Equal)
	case *Object:
		y, ok := b.(*Object)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for name, v := range x.All() {
			if w, ok := y.Has(name); !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	case int64:
		if y, ok := b.(float64); ok {
			return float64(x) == y
		}
	case float64:
		if y, ok := b.(int64); ok {
			return x == float64(y)
		}
	}
	return a == b
}

// From is the value of what encoding/json decodes. Members are ordered by their names.
func From(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := &Object{}
		for _, name := range slices.Sorted(keys(v)) {
			o.Set(name, From(v[name]))
		}
		return o
	case map[string]string:
		o := &Object{}
		for _, name := range slices.Sorted(keys(v)) {
			o.Set(name, v[name])
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = From(e)
		}
		return list
	case []string:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = e
		}
		return list
	case int:
		return int64(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err == nil {
			return f
		}
	case json.RawMessage:
		parsed, err := Parse(string(v), Strict)
		if err == nil {
			return parsed
		}
	}
	return v
}

// FromObject is From for what must be an object.
func FromObject(v any) *Object {
	o, _ := From(v).(*Object)
	return o
}

func keys[V any](m map[string]V) iter.Seq[string] {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

// Plain is a value as encoding/json decodes it: its numbers are float64.
func Plain(v any) any {
	switch v := v.(type) {
	case *Object:
		m := make(map[string]any, v.Len())
		for name, e := range v.All() {
			m[name] = Plain(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = Plain(e)
		}
		return list
	case int64:
		return float64(v)
	}
	return v
}

// PlainObject is Plain of an object.
func PlainObject(o *Object) map[string]any {
	if o == nil {
		return nil
	}
	m, _ := Plain(o).(map[string]any)
	return m
}
