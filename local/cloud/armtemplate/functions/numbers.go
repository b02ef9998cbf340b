package functions

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

var errOverflow = errors.New("the result has more than 64 bits")

func numbers() []Function {
	arithmetic := func(name string, f func(x, y int64) (int64, error)) Function {
		return Function{Name: name, Least: 2, Most: 2, Call: func(a []any) (any, error) {
			x, err := integer(a[0])
			y, err2 := integer(a[1])
			if err = errors.Join(err, err2); err != nil {
				return nil, err
			}
			return f(x, y)
		}}
	}
	divisor := func(f func(x, y int64) int64) func(x, y int64) (int64, error) {
		return func(x, y int64) (int64, error) {
			switch {
			case y == 0:
				return 0, errors.New("the divisor is zero")
			case x == math.MinInt64 && y == -1:
				return 0, errOverflow
			}
			return f(x, y), nil
		}
	}
	return []Function{
		arithmetic("add", func(x, y int64) (int64, error) {
			if sum := x + y; (sum > x) == (y > 0) {
				return sum, nil
			}
			return 0, errOverflow
		}),
		arithmetic("sub", func(x, y int64) (int64, error) {
			if difference := x - y; (difference < x) == (y > 0) {
				return difference, nil
			}
			return 0, errOverflow
		}),
		arithmetic("mul", multiply),
		arithmetic("div", divisor(func(x, y int64) int64 { return x / y })),
		arithmetic("mod", divisor(func(x, y int64) int64 { return x % y })),
		{Name: "int", Least: 1, Most: 1, Call: toInt},
		{Name: "float", Least: 1, Most: 1, Call: toFloat},
		{Name: "min", Least: 1, Most: Any, Call: func(a []any) (any, error) { return extreme(a, -1) }},
		{Name: "max", Least: 1, Most: Any, Call: func(a []any) (any, error) { return extreme(a, 1) }},
	}
}

func multiply(x, y int64) (int64, error) {
	high, low := bits.Mul64(magnitude(x), magnitude(y))
	negative := (x < 0) != (y < 0)
	switch {
	case high != 0 || low > 1<<63 || low == 1<<63 && !negative:
		return 0, errOverflow
	case negative:
		return -int64(low), nil
	}
	return int64(low), nil
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func toInt(a []any) (any, error) {
	switch v := a[0].(type) {
	case int64:
		return v, nil
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return n, nil
		}
	}
	return nil, fmt.Errorf("'%s' cannot be converted to an integer", Text(a[0]))
}

func toFloat(a []any) (any, error) {
	switch v := a[0].(type) {
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && !strings.ContainsAny(v, "xXpP_nN") {
			return f, nil
		}
	}
	return nil, fmt.Errorf("'%s' cannot be converted to a float", Text(a[0]))
}

// extreme is the smallest number for sign -1, the largest for 1.
func extreme(a []any, sign int) (any, error) {
	if values, ok := a[0].([]any); ok && len(a) == 1 {
		a = values
	}
	if len(a) == 0 {
		return nil, errors.New("the array is empty")
	}
	best := a[0]
	float := false
	for _, v := range a {
		c, err := compareNumbers(v, best)
		if err != nil {
			return nil, err
		}
		if c*sign > 0 {
			best = v
		}
		if _, ok := v.(float64); ok {
			float = true
		}
	}
	if n, ok := best.(int64); ok && float {
		return float64(n), nil
	}
	return best, nil
}

func comparisons() []Function {
	order := func(name string, holds func(int) bool) Function {
		return Function{Name: name, Least: 2, Most: 2, Call: func(a []any) (any, error) {
			c, err := compare(a[0], a[1])
			if err != nil {
				return nil, err
			}
			return holds(c), nil
		}}
	}
	return []Function{
		{Name: "equals", Least: 2, Most: 2, Call: func(a []any) (any, error) { return value.Equal(a[0], a[1]), nil }},
		order("less", func(c int) bool { return c < 0 }),
		order("lessOrEquals", func(c int) bool { return c <= 0 }),
		order("greater", func(c int) bool { return c > 0 }),
		order("greaterOrEquals", func(c int) bool { return c >= 0 }),
	}
}

// compare orders two numbers, or two strings as the invariant culture of .NET does:
// a before A before b.
func compare(a, b any) (int, error) {
	x, text := a.(string)
	y, text2 := b.(string)
	switch {
	case text && text2:
		return collate.New(language.Und).CompareString(x, y), nil
	case text || text2:
		return 0, errors.New("a string can only be compared with a string")
	}
	return compareNumbers(a, b)
}

func compareNumbers(a, b any) (int, error) {
	x, isInt := a.(int64)
	y, isInt2 := b.(int64)
	if isInt && isInt2 {
		switch {
		case x < y:
			return -1, nil
		case x > y:
			return 1, nil
		}
		return 0, nil
	}
	f, err := toFloat([]any{number(a)})
	g, err2 := toFloat([]any{number(b)})
	if err != nil || err2 != nil {
		return 0, errors.New("the arguments must be numbers, or strings")
	}
	switch f, g := f.(float64), g.(float64); {
	case f < g:
		return -1, nil
	case f > g:
		return 1, nil
	}
	return 0, nil
}

// number is v if it is one, else null.
func number(v any) any {
	switch v.(type) {
	case int64, float64:
		return v
	}
	return nil
}
