package functions

import (
	"errors"
	"fmt"
	"math"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

func arrays() []Function {
	return []Function{
		{Name: "array", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			if l, ok := a[0].([]any); ok {
				return l, nil
			}
			return []any{a[0]}, nil
		}},
		{Name: "concat", Least: 1, Most: Any, Call: concat},
		{Name: "contains", Least: 2, Most: 2, Call: contains},
		{Name: "createArray", Most: Any, Call: func(a []any) (any, error) { return append([]any{}, a...), nil }},
		{Name: "empty", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			n, err := length(a)
			return n == int64(0), err
		}},
		{Name: "first", Least: 1, Most: 1, Call: func(a []any) (any, error) { return end(a[0], false) }},
		{Name: "flatten", Least: 1, Most: 1, Call: flatten},
		{Name: "indexOf", Least: 2, Most: 2, Call: func(a []any) (any, error) { return indexOf(a, false) }},
		{Name: "lastIndexOf", Least: 2, Most: 2, Call: func(a []any) (any, error) { return indexOf(a, true) }},
		{Name: "intersection", Least: 2, Most: Any, Call: intersection},
		{Name: "last", Least: 1, Most: 1, Call: func(a []any) (any, error) { return end(a[0], true) }},
		{Name: "length", Least: 1, Most: 1, Call: length},
		{Name: "range", Least: 2, Most: 2, Call: sequence},
		{Name: "skip", Least: 2, Most: 2, Call: func(a []any) (any, error) { return part(a, false) }},
		{Name: "take", Least: 2, Most: 2, Call: func(a []any) (any, error) { return part(a, true) }},
		{Name: "union", Least: 2, Most: Any, Call: union},
		{Name: "tryGet", Least: 2, Most: Any, Call: tryGet},
		{Name: "indexFromEnd", Least: 2, Most: 2, Call: func(a []any) (any, error) {
			v, found, err := fromEnd(a[0], a[1])
			if err == nil && !found {
				err = fmt.Errorf("the index '%s' from the end is out of bounds", Text(a[1]))
			}
			return v, err
		}},
		{Name: "tryIndexFromEnd", Least: 2, Most: Any, Call: tryIndexFromEnd},
	}
}

func length(a []any) (any, error) {
	switch v := a[0].(type) {
	case nil:
		return int64(0), nil
	case string:
		return int64(len(units(v))), nil
	case []any:
		return int64(len(v)), nil
	case *value.Object:
		return int64(v.Len()), nil
	}
	return nil, fmt.Errorf("a string, an array or an object is expected, not %s", Kind(a[0]))
}

func end(v any, last bool) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil //nolint:nilnil // null is a value of the language
	case string:
		u := units(v)
		switch {
		case len(u) == 0:
			return "", nil
		case last:
			return fromUnits(u[len(u)-1:]), nil
		}
		return fromUnits(u[:1]), nil
	case []any:
		switch {
		case len(v) == 0:
			return nil, nil //nolint:nilnil // null is a value of the language
		case last:
			return v[len(v)-1], nil
		}
		return v[0], nil
	}
	return nil, errors.New("the argument must be a string or an array")
}

func part(a []any, take bool) (any, error) {
	n, err := small(a[1])
	if err != nil {
		return nil, err
	}
	switch v := a[0].(type) {
	case nil:
		return nil, nil //nolint:nilnil // null is a value of the language
	case string:
		u := units(v)
		n = min(max(n, 0), len(u))
		if take {
			return fromUnits(u[:n]), nil
		}
		return fromUnits(u[n:]), nil
	case []any:
		n = min(max(n, 0), len(v))
		if take {
			return v[:n:n], nil
		}
		return v[n:], nil
	}
	return nil, errors.New("the first argument must be a string or an array")
}

func sequence(a []any) (any, error) {
	from, err := small(a[0])
	count, err2 := small(a[1])
	switch {
	case err != nil || err2 != nil:
		return nil, errors.New("a start and a count are expected")
	case count < 0 || count > maxRange || from+count-1 > math.MaxInt32:
		return nil, fmt.Errorf("the count must be between 0 and %d, and the last integer at most %d", maxRange, math.MaxInt32)
	}
	all := make([]any, count)
	for i := range all {
		all[i] = int64(from + i)
	}
	return all, nil
}

// position of an element, -1 if there is none.
func position(in []any, what any, last bool) int64 {
	at := int64(-1)
	for i, v := range in {
		if Kind(v) == Kind(what) && value.Equal(v, what) {
			if at = int64(i); !last {
				break
			}
		}
	}
	return at
}

func indexOf(a []any, last bool) (any, error) {
	switch in := a[0].(type) {
	case nil:
		return int64(-1), nil
	case []any:
		return position(in, a[1], last), nil
	case string:
		what, ok := a[1].(string)
		if !ok {
			return nil, errors.New("what is looked for in a string must be a string")
		}
		return find(in, what, last)
	}
	return nil, errors.New("the first argument must be a string or an array")
}

func flatten(a []any) (any, error) {
	outer, err := list(a[0])
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, v := range outer {
		inner, err := list(v)
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	return all, nil
}

func union(a []any) (any, error) {
	if _, ok := a[0].(*value.Object); ok {
		all := &value.Object{}
		for _, v := range a {
			more, err := object(v)
			if err != nil {
				return nil, err
			}
			if err := merge(all, more); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	all := []any{}
	for _, v := range a {
		more, err := list(v)
		if err != nil {
			return nil, errors.New("the arguments must all be arrays, or all objects")
		}
		for _, e := range more {
			if position(all, e, false) < 0 {
				all = append(all, e)
			}
		}
	}
	return all, nil
}

// merge adds the members of an object to another one, objects within them too.
func merge(all, more *value.Object) error {
	for name, v := range more.All() {
		key, found := all.Key(name)
		if !found {
			key = name
		}
		before, had := all.Get(key).(*value.Object)
		after, has := v.(*value.Object)
		switch {
		case had && has:
			merged := before.Clone()
			if err := merge(merged, after); err != nil {
				return err
			}
			v = merged
		case found && had != has && v != nil && all.Get(key) != nil:
			return fmt.Errorf("the property '%s' is an object in one argument and %s in another", name, Kind(v))
		}
		all.Set(key, v)
	}
	return nil
}

func intersection(a []any) (any, error) {
	if first, ok := a[0].(*value.Object); ok {
		all := first.Clone()
		for _, v := range a[1:] {
			other, err := object(v)
			if err != nil {
				return nil, err
			}
			for name, v := range first.All() {
				if w, ok := other.Has(name); !ok || !value.Equal(v, w) {
					all.Delete(name)
				}
			}
		}
		return all, nil
	}
	first, err := list(a[0])
	if err != nil {
		return nil, errors.New("the arguments must all be arrays, or all objects")
	}
	all := []any{}
	for _, e := range first {
		common := position(all, e, false) < 0
		for _, v := range a[1:] {
			other, err := list(v)
			if err != nil {
				return nil, errors.New("the arguments must all be arrays, or all objects")
			}
			common = common && position(other, e, false) >= 0
		}
		if common {
			all = append(all, e)
		}
	}
	return all, nil
}
