package conversion

// Present returns a pointer to the model's own value, or nil if it is absent. It
// copies nothing: the response is encoded before the model changes.
func Present[T comparable](p *T) *T {
	var zero T
	if *p == zero {
		return nil
	}
	return p
}

// Value returns a pointer to a value made for the response, or nil if it is absent.
func Value[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Object returns a pointer to an object that the model always has. It is encoded
// even if it is empty, as the existing service does and clients require.
func Object[T any](v T) *T { return &v }

// Number encodes a count in the integer width of the spec.
func Number[W, M whole](n M) *W {
	if n == 0 {
		return nil
	}
	v := W(n)
	return &v
}

// Bool encodes a boolean, false included.
func Bool(b bool) *bool { return &b }

// Maybe encodes an optional object.
func Maybe[W, M any](m *M, encode func(*M) W) *W {
	if m == nil {
		return nil
	}
	v := encode(m)
	return &v
}

// Elements encodes an array of objects; an empty array is absent.
func Elements[W, M any](m []M, encode func(*M) W) *[]W {
	if len(m) == 0 {
		return nil
	}
	out := make([]W, len(m))
	for i := range m {
		out[i] = encode(&m[i])
	}
	return &out
}

// Strings encodes a map of texts; an empty map is absent.
func Strings[T ~map[string]string](m map[string]string) *T {
	if len(m) == 0 {
		return nil
	}
	t := T(m)
	return &t
}

// Entries encodes a map of objects; an empty map is absent.
func Entries[W, M any](m map[string]*M, encode func(*M) W) *map[string]W {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]W, len(m))
	for key, value := range m {
		out[key] = encode(OrZero(value))
	}
	return &out
}

// NullableEntries is Entries for a map whose values may be null in a request.
func NullableEntries[W, M any](m map[string]*M, encode func(*M) W) *map[string]*W {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]*W, len(m))
	for key, value := range m {
		v := encode(OrZero(value))
		out[key] = &v
	}
	return &out
}
