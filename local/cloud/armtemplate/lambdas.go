package armtemplate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/functions"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// lambda is a call of lambda(): names, then the expression.
type lambda struct {
	names []string
	body  expression.Node
	frame *frame
}

// readLambda reads an argument that must be a lambda with so many names.
func readLambda(f *frame, n expression.Node, least, most int) (*lambda, error) {
	c, ok := n.(expression.Call)
	if !ok || !arm.EqualFold(c.Name, "lambda") || len(c.Arguments) < 1 {
		return nil, errors.New("the argument must be a lambda")
	}
	l := &lambda{body: c.Arguments[len(c.Arguments)-1], frame: f}
	for _, a := range c.Arguments[:len(c.Arguments)-1] {
		literal, _ := a.(expression.Literal)
		name, ok := literal.Value.(string)
		if !ok {
			return nil, errors.New("the variables of a lambda are strings")
		}
		l.names = append(l.names, strings.ToLower(name))
	}
	if len(l.names) < least || len(l.names) > most {
		return nil, fmt.Errorf("the lambda must have %d to %d variables, it has %d", least, most, len(l.names))
	}
	return l, nil
}

// call evaluates the lambda. Values without a name are left out.
func (l *lambda) call(values ...any) (any, error) {
	inner := l.frame.deeper()
	inner.lambdas = maps.Clone(l.frame.lambdas)
	if inner.lambdas == nil {
		inner.lambdas = map[string]any{}
	}
	for i, name := range l.names {
		inner.lambdas[name] = values[i]
	}
	return expression.Evaluate(l.body, inner)
}

func lambdaSpecials() []special {
	const group = "Lambda"
	return []special{
		lazy("lambda", group, 1, functions.Any, func(*frame, []expression.Node) (any, error) {
			return nil, errors.New("a lambda is only expected as argument of a function that takes one")
		}),
		eager("lambdaVariables", group, 1, 1, func(f *frame, a []any) (any, error) {
			name, _ := a[0].(string)
			v, ok := f.lambdas[strings.ToLower(name)]
			if !ok {
				return nil, fmt.Errorf("the lambda variable '%s' is not found", name)
			}
			return v, nil
		}),
		lazy("map", group, 2, 2, func(f *frame, a []expression.Node) (any, error) {
			result := []any{}
			err := each(f, a, func(_, v any) error {
				result = append(result, v)
				return nil
			})
			return result, err
		}),
		lazy("filter", group, 2, 2, filter),
		lazy("sort", group, 2, 2, sortBy),
		lazy("reduce", group, 3, 3, reduce),
		lazy("toObject", group, 2, 3, toObject),
		lazy("groupBy", group, 2, 2, groupBy),
		lazy("mapValues", group, 2, 2, mapValues),
	}
}

func array(f *frame, n expression.Node) ([]any, error) {
	v, err := expression.Evaluate(n, f)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("an array is expected, not %s", functions.Kind(v))
	}
	return list, nil
}

// each gives take every element of an array, and what a lambda of it (and its index) is.
func each(f *frame, a []expression.Node, take func(element, result any) error) error {
	list, err := array(f, a[0])
	if err != nil {
		return err
	}
	l, err := readLambda(f, a[1], 1, 2)
	if err != nil {
		return err
	}
	for i, e := range list {
		v, err := l.call(e, int64(i))
		if err != nil {
			return err
		}
		if err := take(e, v); err != nil {
			return err
		}
	}
	return nil
}

func filter(f *frame, a []expression.Node) (any, error) {
	result := []any{}
	err := each(f, a, func(e, v any) error {
		holds, ok := v.(bool)
		if !ok {
			return fmt.Errorf("the lambda must be a bool, it is %s", functions.Kind(v))
		}
		if holds {
			result = append(result, e)
		}
		return nil
	})
	return result, err
}

func sortBy(f *frame, a []expression.Node) (any, error) {
	list, err := array(f, a[0])
	if err != nil {
		return nil, err
	}
	l, err := readLambda(f, a[1], 2, 2)
	if err != nil {
		return nil, err
	}
	less := func(x, y any) bool {
		v, failed := l.call(x, y)
		holds, ok := v.(bool)
		switch {
		case failed != nil:
			err = failed
		case !ok:
			err = fmt.Errorf("the lambda must be a bool, it is %s", functions.Kind(v))
		}
		return holds
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(x, y any) int {
		switch {
		case err != nil:
			return 0
		case less(x, y):
			return -1
		case less(y, x):
			return 1
		}
		return 0
	})
	return sorted, err
}

func reduce(f *frame, a []expression.Node) (any, error) {
	list, err := array(f, a[0])
	if err != nil {
		return nil, err
	}
	sum, err := expression.Evaluate(a[1], f)
	if err != nil {
		return nil, err
	}
	l, err := readLambda(f, a[2], 2, 3)
	if err != nil {
		return nil, err
	}
	for i, e := range list {
		if sum, err = l.call(sum, e, int64(i)); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

func toObject(f *frame, a []expression.Node) (any, error) {
	var values *lambda
	if len(a) > 2 {
		var err error
		if values, err = readLambda(f, a[2], 1, 1); err != nil {
			return nil, err
		}
	}
	result := &value.Object{}
	err := each(f, a[:2], func(e, key any) error {
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("the key must be a string, it is %s", functions.Kind(key))
		}
		if _, twice := result.Key(name); twice {
			return fmt.Errorf("the key '%s' appears twice", name)
		}
		v := e
		if values != nil {
			var err error
			if v, err = values.call(e); err != nil {
				return err
			}
		}
		result.Set(name, v)
		return nil
	})
	return result, err
}

func groupBy(f *frame, a []expression.Node) (any, error) {
	result := &value.Object{}
	err := each(f, a, func(e, key any) error {
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("the key must be a string, it is %s", functions.Kind(key))
		}
		group, _ := result.Get(name).([]any)
		result.Set(name, append(group, e))
		return nil
	})
	return result, err
}

func mapValues(f *frame, a []expression.Node) (any, error) {
	v, err := expression.Evaluate(a[0], f)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*value.Object)
	if !ok {
		return nil, fmt.Errorf("an object is expected, not %s", functions.Kind(v))
	}
	l, err := readLambda(f, a[1], 1, 1)
	if err != nil {
		return nil, err
	}
	result := &value.Object{}
	for name, e := range o.All() {
		v, err := l.call(e)
		if err != nil {
			return nil, err
		}
		result.Set(name, v)
	}
	return result, nil
}
