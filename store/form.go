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

// errForm means that there is an array in the place of an object, or the reverse.
// The codec reads both, by position, without an error.
var errForm = errors.New("there is an array in the place of an object, or an object in the place of an array")

// form is where a type has objects and arrays in JSON. A nil form is that of values
// that are neither, and of those that may be anything.
type form struct {
	opens   byte             // '{' or '['
	members map[string]*form // of a struct; those of nil forms are left out
	element *form            // of a map or slice
}

// forms remembers the form of each type of document.
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

// newForm ends at types that seen has: types may contain themselves.
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
	s := scanner{rest: body}
	return s.fits(f)
}

// scanner goes through valid JSON. In any other it ends somewhere.
type scanner struct{ rest []byte }

// next is the first byte of the next value, name or bracket; 0 at the end.
func (s *scanner) next() byte {
	for i, c := range s.rest {
		switch c {
		case ' ', '\t', '\n', '\r', ',', ':':
		default:
			s.rest = s.rest[i:]
			return c
		}
	}
	s.rest = nil
	return 0
}

func (s *scanner) fits(f *form) bool {
	c := s.next()
	if f == nil || c != '{' && c != '[' {
		s.skip(c)
		return true
	}
	if c != f.opens {
		return false
	}
	s.rest = s.rest[1:]
	for {
		switch s.next() {
		case '}', ']':
			s.rest = s.rest[1:]
			return true
		case 0:
			return true
		}
		inner := f.element
		if c == '{' {
			name := s.text()
			if f.members != nil {
				inner = f.member(name)
			}
		}
		if !s.fits(inner) {
			return false
		}
	}
}

// member is the form of the member of that name, which is still in JSON.
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

// skip passes over a value that begins with c.
func (s *scanner) skip(c byte) {
	switch c {
	case '"':
		s.text()
	case '{', '[':
		s.skipAll()
	default:
		for i, c := range s.rest {
			if c == ',' || c == '}' || c == ']' || c <= ' ' {
				s.rest = s.rest[i:]
				return
			}
		}
		s.rest = nil
	}
}

// skipAll passes over an object or array.
func (s *scanner) skipAll() {
	for depth := 0; ; {
		switch c := s.next(); c {
		case 0:
			return
		case '{', '[':
			depth++
			s.rest = s.rest[1:]
		case '}', ']':
			depth--
			s.rest = s.rest[1:]
		default:
			s.skip(c)
		}
		if depth == 0 {
			return
		}
	}
}

// text passes over a string, and returns what is between its quotes.
func (s *scanner) text() []byte {
	s.rest = s.rest[1:]
	for from := 0; ; {
		i := bytes.IndexByte(s.rest[from:], '"')
		if i < 0 {
			s.rest = nil
			return nil
		}
		end := from + i
		slashes := 0
		for slashes < end && s.rest[end-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			text := s.rest[:end]
			s.rest = s.rest[end+1:]
			return text
		}
		from = end + 1
	}
}
