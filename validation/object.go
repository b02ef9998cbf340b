package validation

import "github.com/aro-rp/aro/arm"

// Object iterates over the members of a JSON object.
type Object struct {
	w       *Walker
	seen    uint64 // members in the spec, by number
	given   uint64 // members that are not null
	count   int    // entries so far
	start   int    // where the first entry begins
	keys    map[string]bool
	started bool
	again   bool // the current member has another name
}

// manyKeys is the number of entries from which a set is used to find duplicate
// keys.
const manyKeys = 32

// Object enters an object. It returns false and adds a fault if the value is
// something else.
func (w *Walker) Object() (Object, bool) {
	if w.peek() != '{' {
		w.typeFault("an object")
		return Object{}, false
	}
	if w.path.depth == MaxDepth {
		w.skip()
		return Object{}, false
	}
	w.pos++
	return Object{w: w, start: w.pos}, true
}

// Next advances to the next member, whose name Walker.Name returns. It must be
// followed by exactly one of Has, Entry or Other.
func (o *Object) Next() bool {
	w := o.w
	if o.again {
		o.again = false
		return true
	}
	if o.started {
		w.path.Up()
	}
	o.started = true
	for {
		switch w.peek() {
		case '}':
			w.pos++
			return false
		case ',':
			w.pos++
			continue
		}
		w.nameAt = w.pos
		w.name = w.text()
		w.sent, w.nameEnd = w.name, w.pos
		w.peek()
		w.pos++ // the colon
		return true
	}
}

// Has records that member number bit, which the spec defines, is present. It
// reports whether there is a value to check; null counts as absent.
func (o *Object) Has(bit uint) bool {
	w := o.w
	w.path.Member(w.name)
	if o.seen&(1<<bit) != 0 {
		o.repeated()
	}
	o.seen |= 1 << bit
	if w.peek() == 'n' {
		w.skip()
		return false
	}
	o.given |= 1 << bit
	return true
}

// Entry enters the value of a map entry. It reports whether there is a value to
// check: null removes an entry in a PATCH, and is otherwise valid only if the spec
// allows it.
func (o *Object) Entry(nullable bool) bool {
	w := o.w
	key := w.name
	w.path.Entry(key)
	if o.duplicate(key) {
		w.faults.Add(arm.InvalidRequestContent, w.path.String(), "The entry occurs more than once.")
	}
	o.count++
	if w.peek() == 'n' && (nullable || w.mode&Merge != 0) {
		w.skip()
		return false
	}
	return true
}

// duplicate reports whether key occurred before. Few keys are compared by reading
// them again, many with a set, so that a large map takes linear time.
func (o *Object) duplicate(key []byte) bool {
	if o.keys != nil {
		if o.keys[string(key)] {
			return true
		}
		o.keys[string(key)] = true
		return false
	}
	if o.count == manyKeys {
		o.keys = map[string]bool{}
	}
	found := false
	again := Walker{data: o.w.data, pos: o.start}
	for range o.count {
		if again.peek() == ',' {
			again.pos++
			again.peek()
		}
		earlier := again.text()
		if string(earlier) == string(key) {
			found = true
		}
		if o.keys != nil {
			o.keys[string(earlier)] = true
		}
		again.peek()
		again.pos++ // the colon
		again.skip()
	}
	if o.keys != nil {
		o.keys[string(key)] = true
	}
	return found
}

// AtMost adds a fault if a map has more than limit entries.
func (o *Object) AtMost(limit int) {
	if o.count > limit {
		o.w.fault("The map must not have more than %d entries.", limit)
	}
}

// Other handles a member with none of names, which are those in the spec. If it
// matches one of them ignoring case, Next returns it again under the name of the
// spec. Otherwise it is unknown, and must be null, which is the same as absent.
func (o *Object) Other(names ...string) {
	w := o.w
	known := ""
	for _, name := range names {
		if sameLetters(name, w.name) {
			known = name
		}
	}
	if known != "" && w.mode&AnyCase != 0 {
		w.respell(known)
		w.name, o.again = []byte(known), true
		return
	}
	w.path.Member(w.name)
	switch {
	case w.peek() == 'n':
		w.skip()
		w.cut()
		return
	case known != "":
		w.fault("This api-version has no such property. Did you mean %q? Names are case-sensitive.", known)
	default:
		w.fault("This api-version has no such property. Remove it, or use an api-version that has it.")
	}
	w.skip()
}

// sameLetters reports whether sent equals name ignoring the case of ASCII letters.
func sameLetters(name string, sent []byte) bool {
	if len(name) != len(sent) {
		return false
	}
	for i, c := range sent {
		if lower(c) != lower(name[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// repeated adds a fault for a member that occurred before, possibly with another
// casing.
func (o *Object) repeated() {
	w := o.w
	first := o.firstSpelling()
	if string(first) == string(w.sent) {
		w.faults.Add(arm.InvalidRequestContent, w.path.String(), "The member occurs more than once.")
		return
	}
	w.faults.Add(arm.InvalidRequestContent, w.path.String(),
		"The member occurs more than once, as %q and as %q. In this api-version names that differ in case only are the same member. Send it once.", first, w.sent)
}

// firstSpelling returns the name of the first member that equals the current one,
// as the caller sent it.
func (o *Object) firstSpelling() []byte {
	again := Walker{data: o.w.data, pos: o.start}
	for {
		if again.peek() == ',' {
			again.pos++
			again.peek()
		}
		name := again.text()
		if again.pos >= o.w.nameEnd || sameLetters(string(o.w.name), name) {
			return name
		}
		again.peek()
		again.pos++ // the colon
		again.skip()
	}
}

// Require adds a fault unless member number bit was present. A PATCH requires
// nothing.
func (o *Object) Require(bit uint, name string) {
	w := o.w
	if w.mode&Merge != 0 || o.given&(1<<bit) != 0 {
		return
	}
	w.path.Member([]byte(name))
	w.fault("The property is required.")
	w.path.Up()
}
