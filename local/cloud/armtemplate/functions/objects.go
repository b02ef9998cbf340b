package functions

import (
	"errors"
	"fmt"

	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

func objects() []Function {
	return []Function{
		{Name: "createObject", Most: Any, Call: createObject},
		constant("null", nil),
		onText("json", 1, func(a []string) (any, error) { return parseJSON(a[0]) }),
		{Name: "items", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			o, err := object(a[0])
			if err != nil {
				return nil, err
			}
			all := []any{}
			for _, name := range o.Sorted() {
				all = append(all, value.NewObject("key", name, "value", o.Get(name)))
			}
			return all, nil
		}},
		{Name: "objectKeys", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			o, err := object(a[0])
			if err != nil {
				return nil, err
			}
			return anys(o.Sorted()), nil
		}},
		{Name: "shallowMerge", Least: 1, Most: 1, Call: shallowMerge},
	}
}

func createObject(a []any) (any, error) {
	if len(a)%2 != 0 {
		return nil, errors.New("each name needs a value")
	}
	o := &value.Object{}
	for i := 0; i < len(a); i += 2 {
		name, ok := a[i].(string)
		if !ok {
			return nil, fmt.Errorf("argument %d is a name and must be a string", i+1)
		}
		if _, twice := o.Has(name); twice {
			return nil, fmt.Errorf("the name '%s' is given twice", name)
		}
		o.Set(name, a[i+1])
	}
	return o, nil
}

func shallowMerge(a []any) (any, error) {
	all, err := list(a[0])
	if err != nil {
		return nil, err
	}
	merged := &value.Object{}
	for _, v := range all {
		o, err := object(v)
		if err != nil {
			return nil, err
		}
		for name, v := range o.All() {
			if key, ok := merged.Key(name); ok {
				name = key
			}
			merged.Set(name, v)
		}
	}
	return merged, nil
}

func parseJSON(text string) (any, error) {
	v, err := value.Parse(text, value.Loose)
	if err != nil {
		return nil, fmt.Errorf("the argument is not JSON: %w", err)
	}
	return v, nil
}

// tryGet follows members and indices. Only the first may be missing: then all is null.
func tryGet(a []any) (any, error) {
	v, found, err := try(a[0], a[1])
	if err != nil || !found || v == nil {
		return nil, err
	}
	return follow(v, a[2:])
}

func try(of, at any) (any, bool, error) {
	switch at := at.(type) {
	case string:
		o, ok := of.(*value.Object)
		if !ok {
			return nil, false, nil
		}
		v, found := o.Find(at)
		return v, found, nil
	case int64:
		l, ok := of.([]any)
		if !ok || at < 0 || at >= int64(len(l)) {
			return nil, false, nil
		}
		return l[at], true, nil
	}
	return nil, false, errors.New("properties must be strings or integers")
}

// follow looks up properties that must be there.
func follow(v any, properties []any) (any, error) {
	for _, p := range properties {
		var err error
		if o, ok := p.(*value.Object); ok { // [^n] in Bicep
			at, fromTheEnd := o.Get("value"), o.Get("fromEnd")
			if fromTheEnd == true {
				found := false
				if v, found, err = fromEnd(v, at); err == nil && !found {
					err = fmt.Errorf("the index '%s' from the end is out of bounds", Text(at))
				}
			} else {
				v, err = expression.Property(v, at)
			}
		} else {
			v, err = expression.Property(v, p)
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

func fromEnd(of, at any) (any, bool, error) {
	l, err := list(of)
	if err != nil {
		return nil, false, err
	}
	n, err := integer(at)
	if err != nil {
		return nil, false, err
	}
	if n < 1 || n > int64(len(l)) {
		return nil, false, nil
	}
	return l[int64(len(l))-n], true, nil
}

func tryIndexFromEnd(a []any) (any, error) {
	if _, ok := a[0].([]any); !ok {
		return nil, nil //nolint:nilnil // null is a value of the language
	}
	v, found, err := fromEnd(a[0], a[1])
	if err != nil || !found || v == nil {
		return nil, err
	}
	return follow(v, a[2:])
}
