package conversion

// Present points to the model's own value, or is nil when it is absent. The
// answer is encoded before anybody writes the model, so nothing is copied.
func Present[T comparable](p *T) *T {
	var zero T
	if *p == zero {
		return nil
	}
	return p
}

// Value points to a word that was made for the answer, or is nil when it is absent.
func Value[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Object points to an object that the model always has. It is said even if it is
// empty, as the existing service does and clients rely on.
func Object[T any](v T) *T { return &v }

// Number says a count in the width of the spec.
func Number[W, M whole](n M) *W {
	if n == 0 {
		return nil
	}
	v := W(n)
	return &v
}

// Bool says a truth value, false too.
func Bool(b bool) *bool { return &b }

// Maybe says an optional object.
func Maybe[W, M any](m *M, say func(*M) W) *W {
	if m == nil {
		return nil
	}
	v := say(m)
	return &v
}

// Elements says an array of objects; an empty one is absent.
func Elements[W, M any](m []M, say func(*M) W) *[]W {
	if len(m) == 0 {
		return nil
	}
	out := make([]W, len(m))
	for i := range m {
		out[i] = say(&m[i])
	}
	return &out
}

// Strings says a map of texts; an empty one is absent.
func Strings[T ~map[string]string](m map[string]string) *T {
	if len(m) == 0 {
		return nil
	}
	t := T(m)
	return &t
}

// Entries says a map of objects; an empty one is absent.
func Entries[W, M any](m map[string]*M, say func(*M) W) *map[string]W {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]W, len(m))
	for key, value := range m {
		out[key] = say(OrZero(value))
	}
	return &out
}

// NullableEntries is Entries for a map whose values may be null in a request.
func NullableEntries[W, M any](m map[string]*M, say func(*M) W) *map[string]*W {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]*W, len(m))
	for key, value := range m {
		v := say(OrZero(value))
		out[key] = &v
	}
	return &out
}
