package conversion

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aro-rp/aro/arm"
)

// Below, in is the value that the client sent (nil if omitted or null), m points to
// the stored value in the model, and initial is the default. Empty text is the same
// as omitted text. A PATCH that omits a value removes it, because the PATCH is
// merged into the response of GET.

// URLText checks that id, name or type in the body match the URL.
func URLText(w *Write, name string, in *string, have string, mismatch arm.Code) {
	if (in == nil || *in == "") && !w.removes(in == nil) || IgnoreCase(Text(in), have) {
		return
	}
	w.faults.Add(mismatch, name, "The URL says %s, the body %s. Leave the property out, or correct it.", arm.Sent(have), quoted(Text(in)))
}

// same reports whether a text was sent that equals the stored one.
func same[W, M ~string](in *W, have M, means Same) bool {
	return in != nil && means(string(*in), string(have))
}

// EchoText rejects a change of a read-only text.
func EchoText[W, M ~string](w *Write, name string, in *W, have M) {
	if given := in != nil && *in != ""; given && string(*in) != string(have) || !given && have != "" && w.removes(in == nil) {
		w.refuse(name, readOnly, quoted(have), quoted(Text(in)))
	}
}

// EchoID is EchoText for resource ids and names, which ignore case.
func EchoID[W, M ~string](w *Write, name string, in *W, have M) {
	if !same(in, have, IgnoreCase) {
		EchoText(w, name, in, have)
	}
}

// FixedText sets a text at creation. Later writes must repeat it.
func FixedText[W, M ~string](w *Write, name string, in *W, m *M, initial M) {
	switch given := in != nil && *in != ""; {
	case given && w.Create:
		*m = M(*in)
	case w.Create:
		*m = initial
	case given && *m == "" && string(*in) == string(initial):
		*m = initial // created by a version that did not know the property
	case given && string(*in) != string(*m), !given && *m != "" && w.removes(in == nil):
		w.refuse(name, createOnly, quoted(*m), quoted(Text(in)))
	}
}

// FixedID is FixedText for resource ids. The stored value keeps the case used at
// creation.
func FixedID[W, M ~string](w *Write, name string, in *W, m *M, initial M) {
	if w.Create || !same(in, *m, IgnoreCase) {
		FixedText(w, name, in, m, initial)
	}
}

// FixedLocation is FixedText for a region, which ignores case and blanks.
func FixedLocation[W, M ~string](w *Write, name string, in *W, m *M, initial M) {
	if w.Create || !same(in, *m, arm.SameLocation) {
		FixedText(w, name, in, m, initial)
	}
}

// MutableText replaces a text and reports whether it changed.
func MutableText[W, M ~string](in *W, m *M, initial M) bool {
	value := initial
	if in != nil && *in != "" {
		value = M(*in)
	}
	changed := *m != value
	*m = value
	return changed
}

// MutableID is MutableText for resource ids, which ignore case.
func MutableID[W, M ~string](in *W, m *M, initial M) bool {
	return !same(in, *m, IgnoreCase) && MutableText(in, m, initial)
}

// Secret replaces a secret if one was sent.
func Secret[W, M ~string](in *W, m *M) {
	if in != nil && *in != "" {
		*m = M(*in)
	}
}

// FixedSecret sets a secret at creation. Later writes must repeat it, byte by byte
// or as equal JSON. Responses never contain it, so a merged PATCH lacks it unless
// the PATCH sets it; MergePatch handles null.
func FixedSecret[W, M ~string](w *Write, name string, in *W, m *M) {
	switch {
	case in == nil:
	case w.Create:
		*m = M(*in)
	case *in == "" && !w.Merged, sameJSON(string(*in), string(*m)):
	default:
		w.refuse(name, fixedSecret)
	}
}

// sameJSON reports whether two texts are equal, byte by byte or as JSON.
func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	x, y := jsontext.Value(a), jsontext.Value(b)
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}

type whole interface{ ~int | ~int32 | ~int64 }

// EchoNumber rejects a change of a read-only number.
func EchoNumber[W, M whole](w *Write, name string, in *W, have M) {
	if in != nil && M(*in) != have || in == nil && have != 0 && w.removes(true) {
		w.refuse(name, readOnly, number(&have), number(in))
	}
}

// FixedNumber sets a number at creation. Later writes must repeat it.
func FixedNumber[W, M whole](w *Write, name string, in *W, m *M, initial M) {
	switch {
	case in != nil && w.Create:
		*m = M(*in)
	case w.Create:
		*m = initial
	case in != nil && *m == 0 && M(*in) == initial:
		*m = initial
	case in != nil && M(*in) != *m, in == nil && *m != 0 && w.removes(true):
		w.refuse(name, createOnly, number(m), number(in))
	}
}

// MutableNumber replaces a number.
func MutableNumber[W, M whole](in *W, m *M, initial M) {
	*m = initial
	if in != nil {
		*m = M(*in)
	}
}

// EchoBool rejects a change of a read-only boolean.
func EchoBool(w *Write, name string, in *bool, have bool) {
	if in != nil && *in != have || in == nil && have && w.removes(true) {
		w.refuse(name, readOnly, strconv.FormatBool(have), boolText(in))
	}
}

// FixedBool sets a boolean at creation. Later writes must repeat it.
func FixedBool(w *Write, name string, in, m *bool, initial bool) {
	switch {
	case in != nil && w.Create:
		*m = *in
	case w.Create:
		*m = initial
	case in != nil && *in != *m, in == nil && *m != initial && w.removes(true):
		w.refuse(name, createOnly, strconv.FormatBool(*m), boolText(in))
	}
}

// MutableBool replaces a boolean.
func MutableBool(in, m *bool, initial bool) {
	*m = initial
	if in != nil {
		*m = *in
	}
}

// boolText returns a boolean for use in a message.
func boolText(b *bool) string {
	if b == nil {
		return "nothing"
	}
	return strconv.FormatBool(*b)
}

// EchoTime rejects a change of a read-only time.
func EchoTime(w *Write, name string, in, have *time.Time) {
	if in != nil && (have == nil || !in.Equal(*have)) || in == nil && have != nil && w.removes(true) {
		w.refuse(name, readOnly, timeText(have), timeText(in))
	}
}

// timeText returns a time for use in a message.
func timeText(t *time.Time) string {
	if t == nil {
		return "nothing"
	}
	return t.Format(time.RFC3339)
}

// Array describes how an array of objects is written.
type Array[W, M any] struct {
	Name string
	// SentKey and StoredKey return the key of an element; nil if elements are
	// identified by their position.
	SentKey   func(*W) string
	StoredKey func(*M) string
	Same      Same
	// Write writes a sent element to a stored one.
	Write func(*Write, *W, *M)
}

// Echo rejects a change of a read-only array.
func (a Array[W, M]) Echo(w *Write, in *[]W, have []M) {
	switch {
	case in == nil && (len(have) == 0 || !w.removes(true)):
	case in == nil, !a.aligned(*in, have):
		w.refuse(a.Name, echoedList)
	default:
		a.each(w, *in, have)
	}
}

// Fixed sets an array at creation. Later writes must have the same elements in the
// same order; members of elements follow their own rules.
func (a Array[W, M]) Fixed(w *Write, in *[]W, m *[]M) {
	switch {
	case in == nil && (len(*m) == 0 || !w.removes(true)):
		return
	case in == nil, !w.Create && !a.aligned(*in, *m):
		w.refuse(a.Name, fixedList)
		return
	case w.Create:
		*m = make([]M, len(*in))
	}
	a.each(w, *in, *m)
}

// Mutable replaces an array. Elements that existed before keep members that the
// client cannot send.
func (a Array[W, M]) Mutable(w *Write, in *[]W, m *[]M) {
	if in == nil || len(*in) == 0 {
		if len(*m) > 0 {
			*m = nil
		}
		return
	}
	next := make([]M, len(*in))
	for i := range *in {
		if old := a.find(&(*in)[i], i, *m); old != nil {
			next[i] = *old
		}
	}
	a.each(w, *in, next)
	*m = next
}

// each writes every sent element to the stored one at the same position.
func (a Array[W, M]) each(w *Write, in []W, m []M) {
	w.path.Named(a.Name)
	w.within++
	for i := range in {
		w.path.Element(i)
		a.Write(w, &in[i], &m[i])
		w.path.Up()
	}
	w.within--
	w.path.Up()
}

// aligned reports whether the sent and stored elements have the same keys in the
// same order. An element sent without its key matches the one at its position.
func (a Array[W, M]) aligned(in []W, m []M) bool {
	if len(in) != len(m) {
		return false
	}
	if a.SentKey == nil {
		return true
	}
	for i := range in {
		if key := a.SentKey(&in[i]); key != "" && !a.Same(key, a.StoredKey(&m[i])) {
			return false
		}
	}
	return true
}

func (a Array[W, M]) find(in *W, place int, m []M) *M {
	if a.SentKey == nil {
		if place < len(m) {
			return &m[place]
		}
		return nil
	}
	key := a.SentKey(in)
	for i := range m {
		if a.Same(key, a.StoredKey(&m[i])) {
			return &m[i]
		}
	}
	return nil
}

// MutableStrings replaces a map of texts as a set.
func MutableStrings[T ~map[string]string](in *T, m *map[string]string) {
	if in == nil || len(*in) == 0 {
		if len(*m) > 0 {
			*m = nil
		}
		return
	}
	if !maps.Equal(*m, map[string]string(*in)) {
		*m = *in
	}
}

// Map describes how a map of objects is written.
type Map[W, M any] struct {
	Name string
	// Same compares keys.
	Same Same
	// Write writes a sent entry to a stored one.
	Write func(*Write, *W, *M)
}

// Mutable replaces a map of objects. Entries that existed before keep members that
// the client cannot send, and the casing of their keys.
func (a Map[W, M]) Mutable(w *Write, in *map[string]W, m *map[string]*M) {
	if in == nil || len(*in) == 0 {
		if len(*m) > 0 {
			*m = nil
		}
		return
	}
	next := make(map[string]*M, len(*in))
	w.path.Named(a.Name)
	w.within++
	for _, sent := range slices.Sorted(maps.Keys(*in)) {
		w.path.Key(sent)
		key, stored := a.find(sent, *m)
		if next[key] != nil {
			w.faults.Add(arm.InvalidParameter, w.path.String(), "The entry occurs more than once, in other upper and lower case. Remove one.")
		}
		value := (*in)[sent]
		a.Write(w, &value, stored)
		w.path.Up()
		next[key] = stored
	}
	w.within--
	w.path.Up()
	*m = next
}

// find returns the stored entry of a sent key, with the stored key, or a new entry.
func (a Map[W, M]) find(sent string, m map[string]*M) (key string, stored *M) {
	if stored = m[sent]; stored != nil {
		return sent, stored
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if a.Same(key, sent) {
			return key, OrZero(m[key])
		}
	}
	return sent, new(M)
}

// MutableNullable is Mutable for a map in which null removes an entry.
func (a Map[W, M]) MutableNullable(w *Write, in *map[string]*W, m *map[string]*M) {
	if in == nil {
		a.Mutable(w, nil, m)
		return
	}
	present := make(map[string]W, len(*in))
	for key, value := range *in {
		if value != nil {
			present[key] = *value
		}
	}
	a.Mutable(w, &present, m)
}

// OrZero returns p, or a pointer to a zero value if p is nil.
func OrZero[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// Text returns the optional text, empty if it is absent.
func Text[W ~string](p *W) string {
	if p == nil {
		return ""
	}
	return string(*p)
}
