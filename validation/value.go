package validation

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aro-rp/aro/arm"
)

// Array iterates over the elements of a JSON array.
type Array struct {
	w     *Walker
	count int
}

// Array enters an array. It returns false and adds a fault if the value is
// something else.
func (w *Walker) Array() (Array, bool) {
	if w.peek() != '[' {
		w.typeFault("an array")
		return Array{}, false
	}
	if w.path.depth == MaxDepth {
		w.skip()
		return Array{}, false
	}
	w.pos++
	return Array{w: w}, true
}

// Next advances to the next element.
func (a *Array) Next() bool {
	w := a.w
	if a.count > 0 {
		w.path.Up()
	}
	if w.peek() == ',' {
		w.pos++
	}
	if w.peek() == ']' {
		w.pos++
		return false
	}
	w.path.Element(a.count)
	a.count++
	return true
}

// Between adds a fault if the array is shorter or longer than allowed.
func (a *Array) Between(least, most int) {
	if a.count < least || a.count > most {
		a.w.fault("The array has %d elements. It must have at least %d and at most %d.", a.count, least, most)
	}
}

// string consumes a string. It returns false and adds a fault if the value is
// something else.
func (w *Walker) string() ([]byte, bool) {
	if w.peek() != '"' {
		w.typeFault("a string")
		return nil, false
	}
	return w.value(), true
}

// String checks that the value is any string.
func (w *Walker) String() {
	if w.peek() != '"' {
		w.typeFault("a string")
		return
	}
	w.raw()
}

// Length checks a string's number of characters.
func (w *Walker) Length(least, most int) {
	if s, ok := w.string(); ok {
		w.length(s, least, most)
	}
}

func (w *Walker) length(s []byte, least, most int) {
	switch n := utf8.RuneCount(s); {
	case n < least:
		w.fault("The text has %d characters. It must have at least %d.", n, least)
	case n > most:
		w.fault("The text has %d characters. It must have at most %d.", n, most)
	}
}

// Pattern checks a string against a regular expression and its length.
func (w *Walker) Pattern(re *regexp.Regexp, least, most int) {
	s, ok := w.string()
	if !ok {
		return
	}
	w.length(s, least, most)
	if !re.Match(s) {
		w.fault("%s does not match the pattern %s", arm.Sent(string(s)), re)
	}
}

// Enum checks that a string is one of the values in the spec.
func (w *Walker) Enum(values ...string) {
	s, ok := w.string()
	if !ok {
		return
	}
	for _, v := range values {
		if v == string(s) {
			return
		}
	}
	for _, v := range values {
		if arm.EqualFold(v, string(s)) {
			w.fault("%s is not a value of the property. Write %q: values are case-sensitive.", arm.Sent(string(s)), v)
			return
		}
	}
	w.fault("%s is not a value of the property. It must be one of: %s.", arm.Sent(string(s)), quoted(values))
}

func quoted(values []string) string {
	var b strings.Builder
	for _, v := range values {
		if v == "" {
			continue // accepted, but not advertised
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(v))
	}
	return b.String()
}

// UUID checks a string of format uuid. Empty means absent.
func (w *Walker) UUID() {
	if s, ok := w.string(); ok && len(s) > 0 && !isUUID(s) {
		w.fault("%s is not a UUID, such as 00000000-0000-0000-0000-000000000000.", arm.SentUUID(string(s)))
	}
}

func isUUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && !hex {
			return false
		}
	}
	return true
}

// DateTime checks a string of format date-time.
func (w *Walker) DateTime() {
	s, ok := w.string()
	if !ok {
		return
	}
	if new(time.Time).UnmarshalText(s) != nil {
		w.fault("%s is not a date and time of RFC 3339, such as 2006-01-02T15:04:05Z.", arm.Sent(string(s)))
	}
}

// Integer checks an integer, written without fraction or exponent.
func (w *Walker) Integer(least, most int64) {
	if c := w.peek(); c != '-' && (c < '0' || c > '9') {
		w.typeFault("a number")
		return
	}
	digits := w.literal()
	n, err := strconv.ParseInt(string(digits), 10, 64)
	switch {
	case err != nil && strings.ContainsAny(string(digits), ".eE"):
		w.faults.Add(arm.InvalidRequestContent, w.path.String(), "The number %s must be whole, written without fraction or exponent.", bounded(digits))
	case err != nil || n < least || n > most:
		w.fault("The number %s must be at least %d and at most %d.", bounded(digits), least, most)
	}
}

// maxDigits bounds how much of a number a message contains.
const maxDigits = 24

// bounded returns a number for use in a message.
func bounded(digits []byte) string {
	if len(digits) > maxDigits {
		return string(digits[:maxDigits]) + "…"
	}
	return string(digits)
}

// Bool checks a boolean.
func (w *Walker) Bool() {
	if c := w.peek(); c != 't' && c != 'f' {
		w.typeFault("true or false")
		return
	}
	w.literal()
}
