package armtemplate

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

func arrayFunctions() map[string]function {
	return map[string]function{
		"concat": pure(0, -1, func(a []any) (any, error) {
			if len(a) > 0 {
				if _, ok := a[0].([]any); ok {
					all := []any{}
					for _, v := range a {
						all = append(all, array(v)...)
					}
					return all, nil
				}
			}
			return joined(a, ""), nil
		}),
		"array": pure(1, 1, func(a []any) (any, error) { return array(a[0]), nil }),
		"createarray": pure(0, -1, func(a []any) (any, error) {
			return append([]any{}, a...), nil
		}),
		"createobject": pure(0, -1, func(a []any) (any, error) {
			object := map[string]any{}
			if len(a)%2 != 0 {
				return nil, errors.New("it needs a value for each name")
			}
			for i := 0; i < len(a); i += 2 {
				object[text(a[i])] = a[i+1]
			}
			return object, nil
		}),
		"length": pure(1, 1, func(a []any) (any, error) {
			v := reflect.ValueOf(a[0])
			switch v.Kind() {
			case reflect.String, reflect.Slice, reflect.Map:
				return float64(v.Len()), nil
			}
			return nil, errors.New("its argument has no length")
		}),
		"empty": pure(1, 1, func(a []any) (any, error) {
			if a[0] == nil {
				return true, nil
			}
			v := reflect.ValueOf(a[0])
			switch v.Kind() {
			case reflect.String, reflect.Slice, reflect.Map:
				return v.Len() == 0, nil
			}
			return nil, errors.New("its argument cannot be empty")
		}),
		"contains": pure(2, 2, contains),
		"first":    pure(1, 1, func(a []any) (any, error) { return end(a[0], false) }),
		"last":     pure(1, 1, func(a []any) (any, error) { return end(a[0], true) }),
		"take":     pure(2, 2, func(a []any) (any, error) { return part(a, true) }),
		"skip":     pure(2, 2, func(a []any) (any, error) { return part(a, false) }),
		"range": pure(2, 2, func(a []any) (any, error) {
			from, err := integer(a[0])
			count, err2 := integer(a[1])
			if err != nil || err2 != nil || count < 0 || count > maxRange {
				return nil, errors.New("it needs a start and a count")
			}
			all := make([]any, count)
			for i := range all {
				all[i] = float64(from + i)
			}
			return all, nil
		}),
		"union":        pure(1, -1, union),
		"intersection": pure(2, -1, intersection),
		"items": pure(1, 1, func(a []any) (any, error) {
			object, ok := a[0].(map[string]any)
			if !ok {
				return nil, errors.New("its argument must be an object")
			}
			all := []any{}
			for _, key := range slices.Sorted(maps.Keys(object)) {
				all = append(all, map[string]any{"key": key, "value": object[key]})
			}
			return all, nil
		}),
	}
}

func contains(a []any) (any, error) {
	switch in := a[0].(type) {
	case string:
		return strings.Contains(in, text(a[1])), nil
	case map[string]any:
		_, found := lookup(in, text(a[1]))
		return found, nil
	case []any:
		return slices.ContainsFunc(in, func(v any) bool { return reflect.DeepEqual(v, a[1]) }), nil
	}
	return nil, errors.New("its first argument must be a string, an array or an object")
}

func end(v any, last bool) (any, error) {
	switch v := v.(type) {
	case string:
		switch {
		case v == "":
			return "", nil
		case last:
			return v[len(v)-1:], nil
		}
		return v[:1], nil
	case []any:
		switch {
		case len(v) == 0:
			return nil, nil
		case last:
			return v[len(v)-1], nil
		}
		return v[0], nil
	}
	return nil, errors.New("its argument must be a string or an array")
}

func part(a []any, take bool) (any, error) {
	n, err := integer(a[1])
	if err != nil {
		return nil, err
	}
	switch v := a[0].(type) {
	case string:
		n = min(max(n, 0), len(v))
		if take {
			return v[:n], nil
		}
		return v[n:], nil
	case []any:
		n = min(max(n, 0), len(v))
		if take {
			return v[:n:n], nil
		}
		return v[n:], nil
	}
	return nil, errors.New("its first argument must be a string or an array")
}

func union(a []any) (any, error) {
	if _, ok := a[0].(map[string]any); ok {
		all := map[string]any{}
		for _, v := range a {
			object, ok := v.(map[string]any)
			if !ok {
				return nil, errors.New("its arguments must be of one type")
			}
			mergeInto(all, object)
		}
		return all, nil
	}
	all := []any{}
	for _, v := range a {
		for _, e := range array(v) {
			if !slices.ContainsFunc(all, func(x any) bool { return reflect.DeepEqual(x, e) }) {
				all = append(all, e)
			}
		}
	}
	return all, nil
}

func mergeInto(all, more map[string]any) {
	for key, value := range more {
		object, ok := value.(map[string]any)
		before, both := all[key].(map[string]any)
		if ok && both {
			merged := maps.Clone(before)
			mergeInto(merged, object)
			value = merged
		}
		all[key] = value
	}
}

func intersection(a []any) (any, error) {
	if first, ok := a[0].(map[string]any); ok {
		all := map[string]any{}
		for key, value := range first {
			if !slices.ContainsFunc(a[1:], func(v any) bool {
				object, _ := v.(map[string]any)
				other, found := object[key]
				return !found || !reflect.DeepEqual(other, value)
			}) {
				all[key] = value
			}
		}
		return all, nil
	}
	all := []any{}
	for _, e := range array(a[0]) {
		if !slices.ContainsFunc(a[1:], func(v any) bool {
			return !slices.ContainsFunc(array(v), func(x any) bool { return reflect.DeepEqual(x, e) })
		}) {
			all = append(all, e)
		}
	}
	return all, nil
}
