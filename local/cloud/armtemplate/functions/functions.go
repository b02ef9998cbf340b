// Package functions implements the functions of ARM's template language that depend on their
// arguments only: those of strings, numbers, arrays, objects, dates and addresses.
//
// Each follows Microsoft's reference of the template functions. Where the reference leaves a result
// open and Azure's own is not known, the function returns an error rather than a guess.
package functions

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// Any is the Most of functions without a limit of arguments.
const Any = -1

// Function is one of the language.
type Function struct {
	// Name as the reference writes it; it matches in any casing.
	Name string
	// Group is the chapter of the reference.
	Group string
	// Least and Most are how many arguments it takes.
	Least, Most int
	Call        func(arguments []any) (any, error)
}

// All functions by their names in lower case.
func All() map[string]Function {
	all := map[string]Function{}
	for group, functions := range map[string][]Function{
		"Array": arrays(), "CIDR": networks(), "Comparison": comparisons(), "Date": dates(), "Logical": logic(),
		"Numeric": numbers(), "Object": objects(), "String": stringFunctions(),
	} {
		for _, f := range functions {
			f.Group = group
			all[strings.ToLower(f.Name)] = f
		}
	}
	maps.Copy(all, encodings())
	return all
}

// Arity refuses a call with a number of arguments that the function does not take.
func (f Function) Arity(n int) error {
	switch {
	case n >= f.Least && (f.Most == Any || n <= f.Most):
		return nil
	case f.Most == f.Least:
		return fmt.Errorf("the template function '%s' expects %d arguments, %d are given", f.Name, f.Least, n)
	case f.Most == Any:
		return fmt.Errorf("the template function '%s' expects at least %d arguments, %d are given", f.Name, f.Least, n)
	}
	return fmt.Errorf("the template function '%s' expects %d to %d arguments, %d are given", f.Name, f.Least, f.Most, n)
}

// maxRange is how many elements range() and copy loops make at most.
const maxRange = 10000

// onText is a function of strings; null counts as an empty one.
func onText(name string, n int, f func(a []string) (any, error)) Function {
	return Function{Name: name, Least: n, Most: n, Call: func(a []any) (any, error) {
		texts, err := allTexts(a)
		if err != nil {
			return nil, err
		}
		return f(texts)
	}}
}

func allTexts(a []any) ([]string, error) {
	texts := make([]string, len(a))
	for i, v := range a {
		s, ok := v.(string)
		if !ok && v != nil {
			return nil, fmt.Errorf("argument %d must be a string, it is %s", i+1, Kind(v))
		}
		texts[i] = s
	}
	return texts, nil
}

// Kind is what a value is, as Azure names types.
func Kind(v any) string {
	switch v.(type) {
	case nil:
		return "Null"
	case bool:
		return "Boolean"
	case int64:
		return "Integer"
	case float64:
		return "Float"
	case string:
		return "String"
	case []any:
		return "Array"
	}
	return "Object"
}

// Text is a value as string() and concat() give it.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return value.JSON(v)
}

func integer(v any) (int64, error) {
	n, ok := v.(int64)
	if !ok {
		return 0, fmt.Errorf("an integer is expected, not %s", Kind(v))
	}
	return n, nil
}

// small is an integer of 32 bits, as counts and positions are.
func small(v any) (int, error) {
	n, err := integer(v)
	if err != nil {
		return 0, err
	}
	if n != int64(int32(n)) {
		return 0, fmt.Errorf("%d has more than 32 bits", n)
	}
	return int(n), nil
}

func list(v any) ([]any, error) {
	l, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("an array is expected, not %s", Kind(v))
	}
	return l, nil
}

func object(v any) (*value.Object, error) {
	o, ok := v.(*value.Object)
	if !ok {
		return nil, fmt.Errorf("an object is expected, not %s", Kind(v))
	}
	return o, nil
}

func anys(texts []string) []any {
	values := make([]any, len(texts))
	for i, t := range texts {
		values[i] = t
	}
	return values
}

func logic() []Function {
	return []Function{
		{Name: "bool", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			switch v := a[0].(type) {
			case bool:
				return v, nil
			case int64:
				return v != 0, nil
			case string:
				switch strings.ToLower(strings.TrimSpace(v)) {
				case "true":
					return true, nil
				case "false":
					return false, nil
				}
			}
			return nil, fmt.Errorf("'%s' cannot be converted to a bool", Text(a[0]))
		}},
		{Name: "not", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			b, ok := a[0].(bool)
			if !ok {
				return nil, errors.New("the argument must be a bool")
			}
			return !b, nil
		}},
		constant("true", true), constant("false", false),
	}
}

func constant(name string, v any) Function {
	return Function{Name: name, Call: func([]any) (any, error) { return v, nil }}
}
