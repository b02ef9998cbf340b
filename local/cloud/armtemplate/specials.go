package armtemplate

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/functions"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// special is a function that knows where it is called.
type special struct {
	functions.Function
	call func(*frame, []expression.Node) (any, error)
}

// eager is a special whose arguments are evaluated first.
func eager(name, group string, least, most int, call func(*frame, []any) (any, error)) special {
	return special{functions.Function{Name: name, Group: group, Least: least, Most: most}, func(f *frame, nodes []expression.Node) (any, error) {
		arguments := make([]any, len(nodes))
		for i, n := range nodes {
			var err error
			if arguments[i], err = expression.Evaluate(n, f); err != nil {
				return nil, err
			}
		}
		return call(f, arguments)
	}}
}

func lazy(name, group string, least, most int, call func(*frame, []expression.Node) (any, error)) special {
	return special{functions.Function{Name: name, Group: group, Least: least, Most: most}, call}
}

// specials by their names in lower case.
var specials = sync.OnceValue(func() map[string]special {
	all := map[string]special{}
	for _, group := range [][]special{logicSpecials(), lambdaSpecials(), deploymentSpecials(), scopeSpecials(), resourceSpecials()} {
		for _, s := range group {
			all[strings.ToLower(s.Name)] = s
		}
	}
	return all
})

// refused are functions that Azure has and this package has not, and why.
func refused() map[string]string {
	return map[string]string{
		"managementGroup": "deployments are to resource groups and subscriptions only",
		"externalInput":   "it belongs to parameter files",
		"extension":       "extensions of the template language are not supported",
		"buildUri":        "its results are not documented",
		"parseUri":        "its results are not documented",
	}
}

// errFail is the error of fail(), whose message stands alone.
var errFail = errors.New("the template calls fail()")

type failure struct{ message string }

func (f failure) Error() string { return f.message }

func (failure) Is(target error) bool { return target == errFail }

func logicSpecials() []special {
	const group = "Logical"
	return []special{
		lazy("if", group, 3, 3, func(f *frame, a []expression.Node) (any, error) {
			holds, err := truth(f, a[0])
			switch {
			case err != nil:
				return nil, err
			case holds:
				return expression.Evaluate(a[1], f)
			}
			return expression.Evaluate(a[2], f)
		}),
		lazy("and", group, 2, functions.Any, func(f *frame, a []expression.Node) (any, error) {
			for _, n := range a {
				if holds, err := truth(f, n); err != nil || !holds {
					return false, err
				}
			}
			return true, nil
		}),
		lazy("or", group, 2, functions.Any, func(f *frame, a []expression.Node) (any, error) {
			for _, n := range a {
				if holds, err := truth(f, n); err != nil || holds {
					return holds, err
				}
			}
			return false, nil
		}),
		lazy("coalesce", "Comparison", 1, functions.Any, func(f *frame, a []expression.Node) (any, error) {
			for _, n := range a {
				if v, err := expression.Evaluate(n, f); err != nil || v != nil {
					return v, err
				}
			}
			return nil, nil //nolint:nilnil // null is a value of the language
		}),
		eager("fail", "Deployment", 1, 1, func(_ *frame, a []any) (any, error) {
			message, ok := a[0].(string)
			if !ok {
				return nil, errors.New("the argument must be a string")
			}
			return nil, failure{message}
		}),
	}
}

func truth(f *frame, n expression.Node) (bool, error) {
	v, err := expression.Evaluate(n, f)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("a bool is expected, not %s", functions.Kind(v))
	}
	return b, nil
}

// deploymentSpecials are about the values of the template and its deployment.
func deploymentSpecials() []special {
	const group = "Deployment"
	shown := func(name string, what func(*Environment) *value.Object) special {
		return eager(name, group, 0, 0, func(f *frame, _ []any) (any, error) {
			if f.arguments != nil {
				return nil, errors.New("it is not available in functions of the template")
			}
			if o := what(f.env); o != nil {
				return o, nil
			}
			return nil, errors.New("it is not known here")
		})
	}
	return []special{
		eager("parameters", group, 1, 1, func(f *frame, a []any) (any, error) {
			name, ok := a[0].(string)
			switch {
			case !ok:
				return nil, errors.New("the argument must be a string")
			case f.arguments != nil:
				if v, found := f.arguments[strings.ToLower(name)]; found {
					return v, nil
				}
				return nil, fmt.Errorf("the parameter '%s' of the function is not found", name)
			}
			return f.parameter(name)
		}),
		eager("variables", group, 1, 1, func(f *frame, a []any) (any, error) {
			name, ok := a[0].(string)
			switch {
			case !ok:
				return nil, errors.New("the argument must be a string")
			case f.arguments != nil:
				return nil, errors.New("it is not available in functions of the template")
			}
			return f.variable(name)
		}),
		eager("copyIndex", group, 0, 2, copyIndex),
		shown("deployment", func(e *Environment) *value.Object { return e.Deployment }),
		shown("deployer", func(e *Environment) *value.Object { return e.Deployer }),
		shown("environment", func(e *Environment) *value.Object { return e.Cloud }),
		eager("newGuid", "String", 0, 0, func(f *frame, _ []any) (any, error) {
			if !f.defaults {
				return nil, errDefaults
			}
			return f.env.newGUID(), nil
		}),
		eager("utcNow", "Date", 0, 1, func(f *frame, a []any) (any, error) {
			if !f.defaults {
				return nil, errDefaults
			}
			layout := ""
			if len(a) > 0 && a[0] != nil {
				text, ok := a[0].(string)
				if !ok {
					return nil, errors.New("the format must be a string")
				}
				layout = text
			}
			return functions.UTCNow(f.env.Now, layout)
		}),
	}
}

var errDefaults = errors.New("it is not expected at this location: it is allowed in default values of parameters only")

func copyIndex(f *frame, a []any) (any, error) {
	loop, offset := f.inner, int64(0)
	for i, v := range a {
		switch v := v.(type) {
		case string:
			if i > 0 {
				return nil, errors.New("the name of the loop comes first, then the offset")
			}
			loop = strings.ToLower(v)
		case int64:
			offset = v
		default:
			return nil, errors.New("the arguments are the name of a loop and an offset")
		}
	}
	i, ok := f.loops[loop]
	if !ok {
		return nil, errors.New("it is not within a copy loop of that name")
	}
	return i + offset, nil
}
