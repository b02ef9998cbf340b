package model

// Unknown keeps the members of a stored object that this release does not know, so
// that a rewrite does not lose what a newer release wrote. It implements
// MissingFielder of the store's codec.
type Unknown struct {
	members map[string]any
}

// CodecMissingField keeps one unknown member; the codec calls it when decoding.
func (u *Unknown) CodecMissingField(field []byte, value any) bool {
	if u.members == nil {
		u.members = map[string]any{}
	}
	u.members[string(field)] = value
	return true
}

// CodecMissingFields returns the unknown members; the codec calls it when encoding.
func (u *Unknown) CodecMissingFields() map[string]any { return u.members }
