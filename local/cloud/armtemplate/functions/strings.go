package functions

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

func stringFunctions() []Function {
	return []Function{
		onText("toLower", 1, func(a []string) (any, error) { return strings.ToLower(a[0]), nil }),
		onText("toUpper", 1, func(a []string) (any, error) { return strings.ToUpper(a[0]), nil }),
		onText("trim", 1, func(a []string) (any, error) { return strings.TrimFunc(a[0], unicode.IsSpace), nil }),
		onText("replace", 3, func(a []string) (any, error) {
			if a[1] == "" {
				return nil, errors.New("the string to replace is empty")
			}
			return strings.ReplaceAll(a[0], a[1], a[2]), nil
		}),
		onText("startsWith", 2, func(a []string) (any, error) { return strings.HasPrefix(fold(a[0]), fold(a[1])), nil }),
		onText("endsWith", 2, func(a []string) (any, error) { return strings.HasSuffix(fold(a[0]), fold(a[1])), nil }),
		{Name: "format", Least: 1, Most: Any, Call: format},
		{Name: "split", Least: 2, Most: 2, Call: split},
		{Name: "join", Least: 2, Most: 2, Call: join},
		{Name: "substring", Least: 2, Most: 3, Call: substring},
		{Name: "padLeft", Least: 2, Most: 3, Call: padLeft},
		{Name: "string", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			if _, ok := a[0].(float64); ok {
				return nil, errors.New("a float cannot be converted")
			}
			return Text(a[0]), nil
		}},
		{Name: "guid", Least: 1, Most: Any, Call: func(a []any) (any, error) { return hashed(a, guid) }},
		{Name: "uniqueString", Least: 1, Most: Any, Call: func(a []any) (any, error) { return hashed(a, uniqueString) }},
	}
}

func hashed(a []any, hash func(string) string) (any, error) {
	texts, err := allTexts(a)
	if err != nil {
		return nil, err
	}
	return hash(strings.Join(texts, "-")), nil
}

// fold makes strings comparable without regard to casing. It changes no lengths.
func fold(s string) string {
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, s)
}

// units are the UTF-16 code units of a string, in which Azure counts.
func units(s string) []uint16 { return utf16.Encode([]rune(s)) }

func fromUnits(u []uint16) string { return string(utf16.Decode(u)) }

// find is the position, in code units, of a string in another one in any casing; -1
// if it is not there.
func find(in, what string, last bool) (int64, error) {
	folded, wanted := fold(in), fold(what)
	at := strings.Index(folded, wanted)
	if last {
		if what == "" {
			return 0, errors.New("the string to find is empty")
		}
		at = strings.LastIndex(folded, wanted)
	}
	if at < 0 {
		return -1, nil
	}
	return int64(len(units(folded[:at]))), nil
}

func split(a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		if a[0] == nil {
			return []any{}, nil
		}
		return nil, errors.New("the first argument must be a string")
	}
	var separators []string
	switch by := a[1].(type) {
	case nil:
		return []any{s}, nil
	case string:
		separators = []string{by}
	case []any:
		texts, err := allTexts(by)
		if err != nil {
			return nil, errors.New("the second argument must be a string or an array of strings")
		}
		if separators = texts; len(texts) == 0 {
			return nil, errors.New("the array of delimiters is empty")
		}
	default:
		return nil, errors.New("the second argument must be a string or an array of strings")
	}
	parts, from := []any{}, 0
	for at := 0; at < len(s); {
		width := 0
		for _, separator := range separators {
			if separator != "" && strings.HasPrefix(s[at:], separator) {
				width = len(separator)
				break
			}
		}
		if width == 0 {
			at++
			continue
		}
		parts = append(parts, s[from:at])
		at += width
		from = at
	}
	return append(parts, s[from:]), nil
}

func join(a []any) (any, error) {
	all, err := list(a[0])
	by, ok := a[1].(string)
	if err != nil || !ok && a[1] != nil {
		return nil, errors.New("an array and a string are expected")
	}
	texts := make([]string, len(all))
	for i, v := range all {
		switch v.(type) {
		case nil, string, int64, bool:
			texts[i] = Text(v)
		default:
			return nil, fmt.Errorf("element %d of the array is %s, not a string", i, Kind(v))
		}
	}
	return strings.Join(texts, by), nil
}

func substring(a []any) (any, error) {
	s, ok := a[0].(string)
	from, err := small(a[1])
	if !ok || err != nil {
		return nil, errors.New("a string and a position are expected")
	}
	u := units(s)
	length := len(u) - from
	if len(a) > 2 {
		if length, err = small(a[2]); err != nil {
			return nil, err
		}
	}
	if from < 0 || length < 0 || from+length > len(u) {
		return nil, fmt.Errorf("the index and length parameters must refer to a location within the string. The index parameter: '%d', the length parameter: '%d', the length of the string parameter: '%d'", from, length, len(u))
	}
	return fromUnits(u[from : from+length]), nil
}

func padLeft(a []any) (any, error) {
	switch a[0].(type) {
	case nil, string, int64:
	default:
		return nil, errors.New("the first argument must be a string or an integer")
	}
	s, pad := Text(a[0]), " "
	if len(a) > 2 && a[2] != nil {
		pad, _ = a[2].(string)
	}
	width, err := small(a[1])
	if err != nil || width < 0 || width > maxRange || len(units(pad)) != 1 {
		return nil, errors.New("a width and one character are expected")
	}
	return strings.Repeat(pad, max(0, width-len(units(s)))) + s, nil
}

// concat joins strings, or arrays.
func concat(a []any) (any, error) {
	if _, ok := a[0].([]any); ok {
		all := []any{}
		for _, v := range a {
			more, ok := v.([]any)
			if !ok {
				return nil, errors.New("all arguments must be arrays, or all strings")
			}
			all = append(all, more...)
		}
		return all, nil
	}
	var b strings.Builder
	for _, v := range a {
		switch v.(type) {
		case nil, string, int64, bool:
			b.WriteString(Text(v))
		default:
			return nil, errors.New("all arguments must be arrays, or all strings")
		}
	}
	return b.String(), nil
}

func contains(a []any) (any, error) {
	switch in := a[0].(type) {
	case string:
		what, ok := a[1].(string)
		if !ok {
			return nil, errors.New("what is looked for in a string must be a string")
		}
		return strings.Contains(in, what), nil
	case *value.Object:
		name, ok := a[1].(string)
		if !ok {
			return nil, errors.New("what is looked for in an object must be a string")
		}
		_, found := in.Find(name)
		return found, nil
	case []any:
		return position(in, a[1], false) >= 0, nil
	}
	return nil, errors.New("the first argument must be a string, an array or an object")
}
