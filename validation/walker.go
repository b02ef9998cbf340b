package validation

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aro-rp/aro/arm"
)

// Walker is a position at one value of a body with valid syntax. Every method that
// checks a value also consumes it.
type Walker struct {
	data    []byte
	pos     int
	mode    Mode
	name    []byte
	sent    []byte // name as the caller sent it
	nameAt  int    // where name begins, with its quote
	nameEnd int
	path    Path
	faults  *arm.Faults
	edits   []edit
	scratch []byte // the last value that had escapes
}

func (w *Walker) reset(data []byte, mode Mode, f *arm.Faults) {
	w.data, w.pos, w.mode, w.name, w.sent, w.faults, w.path.depth, w.edits = data, 0, mode, nil, nil, f, 0, w.edits[:0]
}

// Name returns the name of the member to which Object.Next advanced. It is valid
// until the next call.
func (w *Walker) Name() []byte { return w.name }

// typeFault adds a fault for a value of the wrong JSON type and skips it.
func (w *Walker) typeFault(want string) {
	w.faults.Add(arm.InvalidRequestContent, w.path.String(), "The value must be %s, not %s.", want, w.kind())
	w.skip()
}

// kind returns the JSON type of the value. The value itself may be a misplaced secret.
func (w *Walker) kind() string {
	switch w.peek() {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// fault adds a fault for a value that breaks a rule.
func (w *Walker) fault(format string, args ...any) {
	w.faults.Add(arm.InvalidParameter, w.path.String(), format, args...)
}

// peek returns the first byte of the value, after white space.
func (w *Walker) peek() byte {
	for w.pos < len(w.data) {
		switch c := w.data[w.pos]; c {
		case ' ', '\t', '\r', '\n':
			w.pos++
		default:
			return c
		}
	}
	return 0
}

// tooDeep adds a fault for a body that is nested too deep.
func (w *Walker) tooDeep() {
	w.faults.Add(arm.InvalidRequestContent, w.path.String(), "The value is nested deeper than %d levels.", MaxDepth)
}

// Ignore consumes a value that the service ignores.
func (w *Walker) Ignore() { w.skip() }

// Any consumes a value of any type. It checks the nesting, and that member names of
// objects are unique.
func (w *Walker) Any() {
	switch w.peek() {
	case '{':
		if o, ok := w.Object(); ok {
			for o.Next() {
				if o.Entry(true) {
					w.Any()
				}
			}
		}
	case '[':
		if a, ok := w.Array(); ok {
			for a.Next() {
				w.Any()
			}
		}
	default:
		w.skip()
	}
}

// skip consumes the value.
func (w *Walker) skip() {
	for depth := 0; ; {
		switch w.peek() {
		case '{', '[':
			if depth++; w.path.depth+depth == MaxDepth+1 && w.faults != nil {
				w.tooDeep()
			}
			w.pos++
		case '}', ']':
			depth--
			w.pos++
		case '"':
			w.raw()
		case ',', ':':
			w.pos++
			continue
		case 0:
			return
		default:
			w.literal()
		}
		if depth == 0 {
			return
		}
	}
}

// raw consumes a string and returns the text between its quotes.
func (w *Walker) raw() (text []byte, escaped bool) {
	w.pos++
	text = w.data[w.pos : w.pos+bytes.IndexByte(w.data[w.pos:], '"')]
	if bytes.IndexByte(text, '\\') >= 0 {
		text, escaped = w.data[w.pos:escapedEnd(w.data, w.pos)], true
	}
	w.pos += len(text) + 1
	return text, escaped
}

// escapedEnd returns the end of a string that has escapes.
func escapedEnd(data []byte, pos int) int {
	for data[pos] != '"' {
		if data[pos] == '\\' {
			pos++
		}
		pos++
	}
	return pos
}

// text consumes a string and returns its value, which may be kept.
func (w *Walker) text() []byte {
	start := w.pos
	text, escaped := w.raw()
	if !escaped {
		return text
	}
	return unquote(nil, w.data[start:w.pos])
}

// value consumes a string and returns its value, valid until the next value.
func (w *Walker) value() []byte {
	start := w.pos
	text, escaped := w.raw()
	if !escaped {
		return text
	}
	w.scratch = unquote(w.scratch[:0], w.data[start:w.pos])
	return w.scratch
}

func unquote(buffer, quoted []byte) []byte {
	text, err := jsontext.AppendUnquote(buffer, quoted)
	if err != nil { // cannot happen: the syntax is valid
		return nil
	}
	return text
}

// literal consumes a number or a literal.
func (w *Walker) literal() []byte {
	start := w.pos
	for w.pos < len(w.data) && !isWordEnd(w.data[w.pos]) {
		w.pos++
	}
	return w.data[start:w.pos]
}

func isWordEnd(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}
