package conversion

import (
	"maps"
	"slices"
	"time"

	"github.com/aro-rp/aro/arm"
)

// In what follows, in is what the client sent (nil: left out or null), m the
// place in the model, which holds the stored value, and initial the default.
// Empty text is the same as text that was left out.

// URLText compares id, name or type in the body with those of the URL.
func URLText(w *Write, name string, in *string, have string, mismatch arm.Code) {
	if in == nil || *in == "" || IgnoreCase(*in, have) {
		return
	}
	w.faults.Add(mismatch, name, "The property must be that of the URL. Leave it out or correct it.")
}

// same tells whether a text was sent that means what is stored.
func same[W, M ~string](in *W, have M, means Same) bool {
	return in != nil && means(string(*in), string(have))
}

// EchoText accepts a read-only text only as it is.
func EchoText[W, M ~string](w *Write, name string, in *W, have M) {
	if in != nil && *in != "" && string(*in) != string(have) {
		w.refuse(name, readOnly)
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
	case given && string(*in) != string(*m):
		w.refuse(name, createOnly)
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

// MutableText replaces a text and tells whether it changed.
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

// FixedSecret keeps the first secret that was sent.
func FixedSecret[W, M ~string](w *Write, name string, in *W, m *M) {
	switch {
	case in == nil || *in == "" || string(*in) == string(*m):
	case w.Create || *m == "":
		*m = M(*in)
	default:
		w.refuse(name, createOnly)
	}
}

type whole interface{ ~int | ~int32 | ~int64 }

// EchoNumber accepts a read-only number only as it is.
func EchoNumber[W, M whole](w *Write, name string, in *W, have M) {
	if in != nil && M(*in) != have {
		w.refuse(name, readOnly)
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
	case in != nil && M(*in) != *m:
		w.refuse(name, createOnly)
	}
}

// MutableNumber replaces a number.
func MutableNumber[W, M whole](in *W, m *M, initial M) {
	*m = initial
	if in != nil {
		*m = M(*in)
	}
}

// EchoTime accepts a read-only time only as it is.
func EchoTime(w *Write, name string, in, have *time.Time) {
	if in != nil && (have == nil || !in.Equal(*have)) {
		w.refuse(name, readOnly)
	}
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
	if in == nil {
		return
	}
	if !a.aligned(*in, have) {
		w.refuse(a.Name, echoedList)
		return
	}
	a.each(w, *in, have)
}

// Fixed writes an array at creation. Later its elements stay what they are and
// where they are; their members follow their own rules.
func (a Array[W, M]) Fixed(w *Write, in *[]W, m *[]M) {
	switch {
	case in == nil:
		return
	case w.Create:
		*m = make([]M, len(*in))
	case !a.aligned(*in, *m):
		w.refuse(a.Name, fixedList)
		return
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
	for i := range in {
		w.path.Element(i)
		a.Write(w, &in[i], &m[i])
		w.path.Up()
	}
	w.path.Up()
}

// aligned tells whether the same elements stand at the same places. An element
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

// MutableEntries replaces a map of objects. An entry that was there before keeps
// what the client cannot say, and the spelling of its key.
func MutableEntries[W, M any](w *Write, name string, in *map[string]W, m *map[string]*M, write func(*Write, *W, *M)) {
	if in == nil || len(*in) == 0 {
		if len(*m) > 0 {
			*m = nil
		}
		return
	}
	next := make(map[string]*M, len(*in))
	w.path.Named(name)
	for _, key := range slices.Sorted(maps.Keys(*in)) {
		stored := (*m)[key]
		if stored == nil {
			stored = new(M)
		}
		sent := (*in)[key]
		w.path.Key(key)
		write(w, &sent, stored)
		w.path.Up()
		next[key] = stored
	}
	w.path.Up()
	*m = next
}

// MutableNullableEntries is MutableEntries for a map in which null removes an entry.
func MutableNullableEntries[W, M any](w *Write, name string, in *map[string]*W, m *map[string]*M, write func(*Write, *W, *M)) {
	if in == nil {
		MutableEntries(w, name, nil, m, write)
		return
	}
	present := make(map[string]W, len(*in))
	for key, value := range *in {
		if value != nil {
			present[key] = *value
		}
	}
	MutableEntries(w, name, &present, m, write)
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
