package armtemplate

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/expression"
	"github.com/aro-rp/aro/local/cloud/armtemplate/functions"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// frame is where an expression is evaluated.
type frame struct {
	*Template
	// loops are the indices of the copy loops around it, by lower-case name; inner
	// is the name of the innermost.
	loops map[string]int64
	inner string
	// lambdas are the variables of lambdas around it, arguments those of a user-defined
	// function, by lower-case name.
	lambdas, arguments map[string]any
	// live frames may read resources from Azure.
	live bool
	// frozen frames leave expressions that would as they are.
	frozen bool
	// defaults are of parameters, where newGuid and utcNow are allowed.
	defaults bool
	depth    int
}

// maxDepth bounds how deep values nest, and calls.
const maxDepth = 200

// errRuntime is the error of an expression that reads from Azure where that is not possible.
var errRuntime = errors.New("it is not expected at this location: the value is only known while resources are deployed")

// pure are the functions that need nothing but their arguments.
var pure = sync.OnceValue(functions.All)

// Call evaluates a function call.
func (f *frame) Call(c expression.Call) (any, error) {
	if f.depth > maxDepth {
		return nil, errors.New("the calls nest too deep")
	}
	f = f.deeper()
	key := strings.ToLower(c.Name)
	if special, ok := specials()[key]; ok {
		if err := special.Arity(len(c.Arguments)); err != nil {
			return nil, err
		}
		return f.named(c.Name, func() (any, error) { return special.call(f, c.Arguments) })
	}
	arguments := make([]any, len(c.Arguments))
	for i, a := range c.Arguments {
		var err error
		if arguments[i], err = expression.Evaluate(a, f); err != nil {
			return nil, err
		}
	}
	if user, ok := f.functions[key]; ok {
		return f.named(c.Name, func() (any, error) { return f.callUser(user, arguments) })
	}
	if function, ok := pure()[key]; ok {
		if err := function.Arity(len(arguments)); err != nil {
			return nil, err
		}
		return f.named(function.Name, func() (any, error) { return function.Call(arguments) })
	}
	if strings.HasPrefix(key, "list") {
		return f.named(c.Name, func() (any, error) { return f.list(c.Name, arguments) })
	}
	return nil, unknownFunction(c.Name)
}

// named adds the name of the failed function to an error.
func (f *frame) named(name string, call func() (any, error)) (any, error) {
	v, err := call()
	if err != nil && !errors.Is(err, errFail) {
		return nil, fmt.Errorf("the template function '%s': %w", name, err)
	}
	return v, err
}

func unknownFunction(name string) error {
	for known, why := range refused() {
		if arm.EqualFold(known, name) {
			return fmt.Errorf("the template function '%s' is not supported here: %s", name, why)
		}
	}
	return fmt.Errorf("the template function '%s' is not valid: it is not known", name)
}

func (f *frame) deeper() *frame {
	inner := *f
	inner.depth++
	return &inner
}

// value evaluates all expressions in a value.
func (f *frame) value(v any) (any, error) {
	if f.depth > maxDepth {
		return nil, errors.New("it nests too deep")
	}
	f = f.deeper()
	switch v := v.(type) {
	case string:
		return f.text(v)
	case repeated:
		return f.repeat(v.loop)
	case []any:
		values := make([]any, len(v))
		for i, e := range v {
			var err error
			if values[i], err = f.value(e); err != nil {
				return nil, err
			}
		}
		return values, nil
	case *value.Object:
		return f.object(v)
	}
	return v, nil
}

func (f *frame) text(s string) (any, error) {
	if !expression.Is(s) {
		return expression.Unescape(s), nil
	}
	n, err := expression.Parse(s)
	if err != nil {
		return nil, err
	}
	v, err := expression.Evaluate(n, f)
	if f.frozen && Runtime(err) {
		return s, nil
	}
	return v, err
}

func (f *frame) object(v *value.Object) (any, error) {
	o := &value.Object{}
	for name, e := range v.All() {
		if arm.EqualFold(name, "copy") && isPropertyLoops(e) {
			if err := f.copies(o, e.([]any)); err != nil {
				return nil, err
			}
			continue
		}
		key, err := f.text(name)
		if err != nil {
			return nil, err
		}
		text, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("the property name '%s' is %s, not a string", name, functions.Kind(key))
		}
		evaluated, err := f.value(e)
		if err != nil {
			return nil, err
		}
		o.Set(text, evaluated)
	}
	return o, nil
}

// isPropertyLoops reports whether a member named copy is loops of properties, or
// variables, rather than a property of that name.
func isPropertyLoops(v any) bool {
	loops, ok := v.([]any)
	if !ok || !isLoops(v) {
		return false
	}
	for _, l := range loops {
		if _, ok := l.(*value.Object).Find("input"); !ok {
			return false
		}
	}
	return true
}

// copies evaluates loops of properties into members of an object.
func (f *frame) copies(into *value.Object, loops []any) error {
	for _, l := range loops {
		loop := l.(*value.Object)
		name, err := f.value(loop.Text("name"))
		text, ok := name.(string)
		if err != nil || !ok || text == "" {
			return errors.Join(fmt.Errorf("the copy loop '%s' has no valid name", loop.Text("name")), err)
		}
		values, err := f.repeat(loop)
		if err != nil {
			return err
		}
		into.Set(text, values)
	}
	return nil
}

// repeat evaluates the input of a loop for each of its turns.
func (f *frame) repeat(loop *value.Object) (any, error) {
	name := loop.Text("name")
	count, err := f.count(loop)
	if err != nil {
		return nil, fmt.Errorf("the copy loop '%s' is not valid: %w", name, err)
	}
	values := make([]any, count)
	for i := range values {
		if values[i], err = f.within(name, int64(i)).value(member(loop, "input")); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// maxTurns of a copy loop.
const maxTurns = 800

func (f *frame) count(loop *value.Object) (int64, error) {
	thawed := *f
	thawed.frozen = false // how often must be known
	v, err := thawed.value(member(loop, "count"))
	if err != nil {
		return 0, err
	}
	n, ok := v.(int64)
	switch {
	case !ok:
		return 0, fmt.Errorf("its count is %s, not an integer", functions.Kind(v))
	case n < 0 || n > maxTurns:
		return 0, fmt.Errorf("it cannot be repeated %d times, only 0 to %d times", n, maxTurns)
	}
	return n, nil
}

// within is the frame of one turn of a loop.
func (f *frame) within(loop string, i int64) *frame {
	inner := *f
	inner.loops = maps.Clone(f.loops)
	if inner.loops == nil {
		inner.loops = map[string]int64{}
	}
	inner.inner = strings.ToLower(loop)
	inner.loops[inner.inner] = i
	return &inner
}
