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

// In what follows, in is what the client sent (nil: left out or null), m the
// place in the model, which holds the stored value, and initial the default.
// Empty text is the same as text that was left out. A PATCH that leaves a value
// out removes it, because it is merged into everything that GET returns.

// URLText compares id, name or type in the body with those of the URL.
func URLText(w *Write, name string, in *string, have string, mismatch arm.Code) {
	if (in == nil || *in == "") && !w.removes(in == nil) || IgnoreCase(Text(in), have) {
		return
	}
	w.faults.Add(mismatch, name, "The URL says %s, the body %s. Leave the property out, or correct it.", arm.Sent(have), word(Text(in)))
}

// same reports whether a text was sent that means what is stored.
func same[W, M ~string](in *W, have M, means Same) bool {
	return in != nil && means(string(*in), string(have))
}

// EchoText accepts a read-only text only as it is.
func EchoText[W, M ~string](w *Write, name string, in *W, have M) {
	if given := in != nil && *in != ""; given && string(*in) != string(have) || !given && have != "" && w.removes(in == nil) {
		w.refuse(name, readOnly, word(have), word(Text(in)))
	}
}

// EchoID is EchoText for resource ids and names, whose case does not matter.
func EchoID[W, M ~string](w *Write, name string, in *W, have M) {
	if !same(in, have, IgnoreCase) {
		EchoText(w, name, in, have)
	}
}

// FixedText writes a text at creation. Later it may only be repeated.
func FixedText[W, M ~string](w *Write, name string, in *W, m *M, initial M) {
	switch given := in != nil && *in != ""; {
	case given && w.Create:
		*m = M(*in)
	case w.Create:
		*m = initial
	case given && *m == "" && string(*in) == string(initial):
		*m = initial // created by a version that did not know the property
	case given && string(*in) != string(*m), !given && *m != "" && w.removes(in == nil):
		w.refuse(name, createOnly, word(*m), word(Text(in)))
	}
}

// FixedID is FixedText for resource ids. It keeps the case that the id was created with.
func FixedID[W, M ~string](w *Write, name string, in *W, m *M, initial M) {
	if w.Create || !same(in, *m, IgnoreCase) {
		FixedText(w, name, in, m, initial)
	}
}

// FixedLocation is FixedText for a region, whose case and blanks do not matter.
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

// MutableID is MutableText for resource ids; one in other case is the same.
func MutableID[W, M ~string](in *W, m *M, initial M) bool {
	return !same(in, *m, IgnoreCase) && MutableText(in, m, initial)
}

// Secret replaces a secret if one was sent.
func Secret[W, M ~string](in *W, m *M) {
	if in != nil && *in != "" {
		*m = M(*in)
	}
}

// FixedSecret writes a secret at creation. Later it may only be repeated, in the
// same words or in another layout of the same JSON. Answers never hold it, so that
// a merged PATCH lacks it unless the PATCH says it; MergePatch sees to null.
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

// sameJSON reports whether two texts are the same, or the same JSON in two layouts.
func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	x, y := jsontext.Value(a), jsontext.Value(b)
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}

type whole interface{ ~int | ~int32 | ~int64 }

// EchoNumber accepts a read-only number only as it is.
func EchoNumber[W, M whole](w *Write, name string, in *W, have M) {
	if in != nil && M(*in) != have || in == nil && have != 0 && w.removes(true) {
		w.refuse(name, readOnly, number(&have), number(in))
	}
}

// FixedNumber writes a number at creation. Later it may only be repeated.
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

// EchoBool accepts a read-only truth value only as it is.
func EchoBool(w *Write, name string, in *bool, have bool) {
	if in != nil && *in != have || in == nil && have && w.removes(true) {
		w.refuse(name, readOnly, strconv.FormatBool(have), truth(in))
	}
}

// FixedBool writes a truth value at creation. Later it may only be repeated.
func FixedBool(w *Write, name string, in, m *bool, initial bool) {
	switch {
	case in != nil && w.Create:
		*m = *in
	case w.Create:
		*m = initial
	case in != nil && *in != *m, in == nil && *m != initial && w.removes(true):
		w.refuse(name, createOnly, strconv.FormatBool(*m), truth(in))
	}
}

// MutableBool replaces a truth value.
func MutableBool(in, m *bool, initial bool) {
	*m = initial
	if in != nil {
		*m = *in
	}
}

// truth is a truth value as a message repeats it.
func truth(b *bool) string {
	if b == nil {
		return "nothing"
	}
	return strconv.FormatBool(*b)
}

// EchoTime accepts a read-only time only as it is.
func EchoTime(w *Write, name string, in, have *time.Time) {
	if in != nil && (have == nil || !in.Equal(*have)) || in == nil && have != nil && w.removes(true) {
		w.refuse(name, readOnly, moment(have), moment(in))
	}
}

// moment is a time as a message repeats it.
func moment(t *time.Time) string {
	if t == nil {
		return "nothing"
	}
	return t.Format(time.RFC3339)
}

// Array says what an array of objects is made of.
type Array[W, M any] struct {
	Name string
	// SentKey and StoredKey name an element; nil when only its place does.
	SentKey   func(*W) string
	StoredKey func(*M) string
	Same      Same
	// Write puts a sent element onto a stored one.
	Write func(*Write, *W, *M)
}

// Echo accepts a read-only array only as it is.
func (a Array[W, M]) Echo(w *Write, in *[]W, have []M) {
	switch {
	case in == nil && (len(have) == 0 || !w.removes(true)):
	case in == nil, !a.aligned(*in, have):
		w.refuse(a.Name, echoedList)
	default:
		a.each(w, *in, have)
	}
}

// Fixed writes an array at creation. Later its elements stay what they are and
// where they are; their members follow their own rules.
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

// Mutable replaces an array. An element that was there before keeps what the
// client cannot say.
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

// each writes every sent element onto the stored one at its place.
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

// aligned reports whether the same elements stand at the same places. An element
// sent without its key is the one at its place.
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

// Map says what a map of objects is made of.
type Map[W, M any] struct {
	Name string
	// Same compares keys.
	Same Same
	// Write puts a sent entry onto a stored one.
	Write func(*Write, *W, *M)
}

// Mutable replaces a map of objects. An entry that was there before keeps what the
// client cannot say, and the spelling of its key.
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

// find is the stored entry of a sent key under its stored key, or a new one.
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

// OrZero is p, or an empty value to compare with.
func OrZero[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// Text is what an optional text says.
func Text[W ~string](p *W) string {
	if p == nil {
		return ""
	}
	return string(*p)
}
