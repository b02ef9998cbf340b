package store

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
)

// errForm means that there is an array in place of an object, or the reverse. The
// codec accepts both, by position, without an error.
var errForm = errors.New("there is an array in the place of an object, or an object in the place of an array")

// form is the structure of objects and arrays of a type in JSON. A nil form is that
// of other values, and of values of any type.
type form struct {
	opens   byte             // '{' or '['
	members map[string]*form // of a struct; nil forms are omitted
	element *form            // of a map or slice
}

// forms caches the form of each type of document.
var forms sync.Map

func formOf(t reflect.Type) *form {
	if known, ok := forms.Load(t); ok {
		return known.(*form)
	}
	f := newForm(t, map[reflect.Type]*form{})
	forms.Store(t, f)
	return f
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// newForm stops at types in seen, because types may contain themselves.
func newForm(t reflect.Type, seen map[reflect.Type]*form) *form {
	if known, ok := seen[t]; ok {
		return known
	}
	if p := reflect.PointerTo(t); p.Implements(unmarshaler) || p.Implements(textUnmarshaler) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return newForm(t.Elem(), seen)
	case reflect.Struct:
		f := &form{opens: '{', members: map[string]*form{}}
		seen[t] = f
		f.addMembers(t, seen)
		return f
	case reflect.Map, reflect.Slice, reflect.Array:
		f := &form{opens: '['}
		if t.Kind() == reflect.Map {
			f.opens = '{'
		} else if t.Elem().Kind() == reflect.Uint8 {
			return nil // a string in Base64
		}
		seen[t] = f
		f.element = newForm(t.Elem(), seen)
		return f
	}
	return nil
}

func (f *form) addMembers(t reflect.Type, seen map[reflect.Type]*form) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct {
			f.addMembers(field.Type, seen)
			continue
		}
		if !field.IsExported() || name == "-" {
			continue
		}
		if inner := newForm(field.Type, seen); inner != nil {
			f.members[below("", field)] = inner
		}
	}
}

// fits reports whether a document, which is valid JSON, has objects and arrays where
// its type has them.
func (f *form) fits(body []byte) bool {
	_, ok := scanner(body).fits(f, 0)
	return ok
}

// scanner walks valid JSON by offsets. For invalid JSON its result is undefined.
type scanner []byte

// next returns the offset of the next value, name or bracket, and its first byte; 0 at
// the end.
func (s scanner) next(at int) (int, byte) {
	for ; at < len(s); at++ {
		switch c := s[at]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
		default:
			return at, c
		}
	}
	return len(s), 0
}

// fits returns the end of the value.
func (s scanner) fits(f *form, at int) (end int, ok bool) {
	at, c := s.next(at)
	if f == nil || c != '{' && c != '[' {
		return s.skip(at, c), true
	}
	if c != f.opens {
		return at, false
	}
	at++
	for {
		var first byte
		switch at, first = s.next(at); first {
		case '}', ']':
			return at + 1, true
		case 0:
			return at, true
		}
		name := at + 1
		if c == '{' {
			at = s.text(at)
			nameEnd := at - 1
			if at, first = s.next(at); first != '{' && first != '[' {
				at = s.skip(at, first) // most members: their names are not needed
				continue
			}
			inner := f.element
			if f.members != nil {
				inner = f.member(s[min(name, nameEnd):nameEnd])
			}
			at, ok = s.fits(inner, at)
		} else {
			at, ok = s.fits(f.element, at)
		}
		if !ok {
			return at, false
		}
	}
}

// member returns the form of the member with that name, which is still
// JSON-encoded.
func (f *form) member(name []byte) *form {
	if bytes.IndexByte(name, '\\') < 0 {
		return f.members[string(name)]
	}
	var plain string
	if json.Unmarshal([]byte(`"`+string(name)+`"`), &plain) != nil {
		return nil
	}
	return f.members[plain]
}

// skip returns the end of a value that begins with c.
func (s scanner) skip(at int, c byte) int {
	switch c {
	case '"':
		return s.text(at)
	case '{', '[':
		return s.skipAll(at)
	}
	for ; at < len(s); at++ {
		if c := s[at]; c == ',' || c == '}' || c == ']' || c <= ' ' {
			break
		}
	}
	return at
}

// skipAll returns the end of an object or array.
func (s scanner) skipAll(at int) int {
	for depth := 0; ; {
		var c byte
		switch at, c = s.next(at); c {
		case 0:
			return at
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		default:
			at = s.skip(at, c)
		}
		if depth == 0 {
			return at
		}
	}
}

// text returns the end of a string that begins with a quote.
func (s scanner) text(at int) int {
	for at++; ; at++ {
		i := bytes.IndexByte(s[min(at, len(s)):], '"')
		if i < 0 {
			return len(s)
		}
		at += i
		slashes := 0
		for s[at-1-slashes] == '\\' { // ends at the string's first quote
			slashes++
		}
		if slashes%2 == 0 {
			return at + 1
		}
	}
}
