package armtemplate

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// function is one of the language; most is -1 if it takes any number of arguments.
type function struct {
	least, most int
	call        func(*frame, []any) (any, error)
}

// guidSpace is the namespace of ARM's guid().
var guidSpace = uuid.MustParse("11fb06fb-712d-4ddd-98c7-e71bbd588830")

// maxRange bounds range() and copies.
const maxRange = 10000

var (
	table     map[string]function
	tableOnce sync.Once
)

// functions of the language by lower-case name.
func functions() map[string]function {
	tableOnce.Do(func() {
		table = map[string]function{}
		for _, group := range []map[string]function{textFunctions(), arrayFunctions(), numberFunctions(), scopeFunctions()} {
			maps.Copy(table, group)
		}
	})
	return table
}

// pure is a function that needs nothing but its arguments.
func pure(least, most int, f func(a []any) (any, error)) function {
	return function{least, most, func(_ *frame, a []any) (any, error) { return f(a) }}
}

// onText is a function of texts.
func onText(n int, f func(a []string) any) function {
	return pure(n, n, func(a []any) (any, error) {
		texts := make([]string, len(a))
		for i, v := range a {
			s, ok := v.(string)
			if !ok {
				return nil, errors.New("its arguments must be strings")
			}
			texts[i] = s
		}
		value := f(texts)
		if err, failed := value.(error); failed {
			return nil, err
		}
		return value, nil
	})
}

func textFunctions() map[string]function {
	return map[string]function{
		"tolower":      onText(1, func(a []string) any { return strings.ToLower(a[0]) }),
		"toupper":      onText(1, func(a []string) any { return strings.ToUpper(a[0]) }),
		"trim":         onText(1, func(a []string) any { return strings.TrimSpace(a[0]) }),
		"replace":      onText(3, func(a []string) any { return strings.ReplaceAll(a[0], a[1], a[2]) }),
		"startswith":   onText(2, func(a []string) any { return strings.HasPrefix(strings.ToLower(a[0]), strings.ToLower(a[1])) }),
		"endswith":     onText(2, func(a []string) any { return strings.HasSuffix(strings.ToLower(a[0]), strings.ToLower(a[1])) }),
		"uricomponent": onText(1, func(a []string) any { return strings.ReplaceAll(url.QueryEscape(a[0]), "+", "%20") }),
		"uricomponenttostring": onText(1, func(a []string) any {
			s, err := url.PathUnescape(a[0])
			return orError(s, err)
		}),
		"uri":            onText(2, func(a []string) any { return strings.TrimRight(a[0], "/") + "/" + strings.TrimLeft(a[1], "/") }),
		"base64":         onText(1, func(a []string) any { return base64.StdEncoding.EncodeToString([]byte(a[0])) }),
		"base64tostring": onText(1, func(a []string) any { return decode64(a[0]) }),
		"base64tojson": onText(1, func(a []string) any {
			s, ok := decode64(a[0]).(string)
			if !ok {
				return errors.New("the argument is no base64")
			}
			return parseJSON(s)
		}),
		"json":   onText(1, func(a []string) any { return parseJSON(a[0]) }),
		"string": pure(1, 1, func(a []any) (any, error) { return text(a[0]), nil }),
		"format": pure(1, -1, format),
		"guid": pure(1, -1, func(a []any) (any, error) {
			return uuid.NewSHA1(guidSpace, []byte(joined(a, "-"))).String(), nil
		}),
		// Unlike guid's, its values are not those of Azure: the hash is not published.
		"uniquestring": pure(1, -1, func(a []any) (any, error) {
			sum := sha256.Sum256([]byte(joined(a, "-")))
			return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:13], nil
		}),
		"split": pure(2, 2, func(a []any) (any, error) {
			s, ok := a[0].(string)
			if !ok {
				return nil, errors.New("its first argument must be a string")
			}
			separators := []any{a[1]}
			if many, ok := a[1].([]any); ok {
				separators = many
			}
			for _, separator := range separators[min(1, len(separators)):] {
				s = strings.ReplaceAll(s, text(separator), text(separators[0]))
			}
			return anys(strings.Split(s, text(separators[0]))), nil
		}),
		"join":      pure(2, 2, func(a []any) (any, error) { return joined(array(a[0]), text(a[1])), nil }),
		"substring": pure(2, 3, substring),
		"padleft": pure(2, 3, func(a []any) (any, error) {
			s, pad := text(a[0]), " "
			if len(a) > 2 {
				pad = text(a[2])
			}
			width, err := integer(a[1])
			if err != nil || len(pad) != 1 || width > maxRange {
				return nil, errors.New("it needs a width and one character")
			}
			return strings.Repeat(pad, max(0, width-len(s))) + s, nil
		}),
		"indexof":     onText(2, func(a []string) any { return float64(strings.Index(strings.ToLower(a[0]), strings.ToLower(a[1]))) }),
		"lastindexof": onText(2, func(a []string) any { return float64(strings.LastIndex(strings.ToLower(a[0]), strings.ToLower(a[1]))) }),
		"bool": pure(1, 1, func(a []any) (any, error) {
			if n, ok := a[0].(float64); ok {
				return n != 0, nil
			}
			return strconv.ParseBool(strings.ToLower(text(a[0])))
		}),
	}
}

func orError(value any, err error) any {
	if err != nil {
		return err
	}
	return value
}

func decode64(s string) any {
	content, err := base64.StdEncoding.DecodeString(s)
	return orError(string(content), err)
}

func parseJSON(s string) any {
	var v any
	return orErrorOf(json.Unmarshal([]byte(s), &v), &v)
}

func orErrorOf(err error, v *any) any {
	if err != nil {
		return errors.New("the argument is no JSON")
	}
	return *v
}

func substring(a []any) (any, error) {
	s, ok := a[0].(string)
	from, err := integer(a[1])
	if !ok || err != nil {
		return nil, errors.New("it needs a string and a position")
	}
	length := len(s) - from
	if len(a) > 2 {
		if length, err = integer(a[2]); err != nil {
			return nil, err
		}
	}
	if from < 0 || length < 0 || from+length > len(s) {
		return nil, errors.New("index and length must refer to a location within the string")
	}
	return s[from : from+length], nil
}

// placeholder of format(), such as {0} or {1:D3}.
var placeholder = regexp.MustCompile(`\{\{|\}\}|\{(\d+)(?::([A-Za-z])(\d*))?\}`)

func format(a []any) (any, error) {
	var failure error
	result := placeholder.ReplaceAllStringFunc(text(a[0]), func(found string) string {
		if found == "{{" || found == "}}" {
			return found[:1]
		}
		parts := placeholder.FindStringSubmatch(found)
		n, err := strconv.Atoi(parts[1])
		if err != nil || n+1 >= len(a) {
			failure = fmt.Errorf("there is no argument %s", parts[1])
			return ""
		}
		s := text(a[n+1])
		if width, err := strconv.Atoi(parts[3]); err == nil && strings.EqualFold(parts[2], "D") && width <= maxDepth {
			s = strings.Repeat("0", max(0, width-len(s))) + s
		}
		return s
	})
	return result, failure
}

func numberFunctions() map[string]function {
	arithmetic := func(f func(x, y int) (int, error)) function {
		return pure(2, 2, func(a []any) (any, error) {
			x, err := integer(a[0])
			y, err2 := integer(a[1])
			if err = errors.Join(err, err2); err != nil {
				return nil, err
			}
			z, err := f(x, y)
			return float64(z), err
		})
	}
	order := func(f func(int) bool) function {
		return pure(2, 2, func(a []any) (any, error) {
			if s, ok := a[0].(string); ok {
				return f(strings.Compare(s, text(a[1]))), nil
			}
			x, err := integer(a[0])
			y, err2 := integer(a[1])
			return f(x - y), errors.Join(err, err2)
		})
	}
	return map[string]function{
		"add": arithmetic(func(x, y int) (int, error) { return x + y, nil }),
		"sub": arithmetic(func(x, y int) (int, error) { return x - y, nil }),
		"mul": arithmetic(func(x, y int) (int, error) { return x * y, nil }),
		"div": arithmetic(func(x, y int) (int, error) {
			if y == 0 {
				return 0, errors.New("division by zero")
			}
			return x / y, nil
		}),
		"mod": arithmetic(func(x, y int) (int, error) {
			if y == 0 {
				return 0, errors.New("division by zero")
			}
			return x % y, nil
		}),
		"int": pure(1, 1, func(a []any) (any, error) {
			n, err := integer(a[0])
			return float64(n), err
		}),
		"min":             pure(1, -1, func(a []any) (any, error) { return extreme(a, math.Min) }),
		"max":             pure(1, -1, func(a []any) (any, error) { return extreme(a, math.Max) }),
		"equals":          pure(2, 2, func(a []any) (any, error) { return reflect.DeepEqual(a[0], a[1]), nil }),
		"less":            order(func(c int) bool { return c < 0 }),
		"lessorequals":    order(func(c int) bool { return c <= 0 }),
		"greater":         order(func(c int) bool { return c > 0 }),
		"greaterorequals": order(func(c int) bool { return c >= 0 }),
		"not": pure(1, 1, func(a []any) (any, error) {
			b, ok := a[0].(bool)
			if !ok {
				return nil, errors.New("its argument must be a bool")
			}
			return !b, nil
		}),
		"true":  pure(0, 0, func([]any) (any, error) { return true, nil }),
		"false": pure(0, 0, func([]any) (any, error) { return false, nil }),
		"null":  pure(0, 0, func([]any) (any, error) { return nil, nil }),
	}
}

func extreme(a []any, better func(x, y float64) float64) (any, error) {
	if values, ok := a[0].([]any); ok {
		a = values
	}
	var best any
	for _, v := range a {
		n, ok := v.(float64)
		if !ok {
			return nil, errors.New("its arguments must be integers")
		}
		if best == nil {
			best = n
		}
		best = better(best.(float64), n)
	}
	return best, nil
}

// text is a value as string() gives it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	content, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(content)
}

func joined(values []any, separator string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = text(v)
	}
	return strings.Join(texts, separator)
}

func array(v any) []any {
	if values, ok := v.([]any); ok {
		return values
	}
	return []any{v}
}

func anys(texts []string) []any {
	values := make([]any, len(texts))
	for i, t := range texts {
		values[i] = t
	}
	return values
}

func integer(v any) (int, error) {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v), nil
		}
	case string:
		if n, err := strconv.Atoi(v); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("'%s' is no integer", text(v))
}
