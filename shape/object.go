package shape

import (
	"strings"

	"github.com/aro-rp/aro/arm"
)

// Object iterates over the members of a JSON object.
type Object struct {
	w       *Walker
	seen    uint64 // members named by the spec, by their number
	given   uint64 // those that are not null
	count   int    // entries so far
	start   int    // where the first entry begins
	keys    map[string]bool
	started bool
}

// manyKeys is from how many entries on a map's keys are compared with a set.
const manyKeys = 32

// Object enters an object; false, and a fault, when the value is something else.
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

// Next goes to the next member, whose name Walker.Name then gives. It has to be
// followed by exactly one of Has, Entry or Unknown.
func (o *Object) Next() bool {
	w := o.w
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
		w.name = w.text()
		w.peek()
		w.pos++ // the colon
		return true
	}
}

// Has notes that member number bit, which the spec knows, is there. It tells
// whether there is a value to check; null counts as absent.
func (o *Object) Has(bit uint) bool {
	w := o.w
	w.path.Member(w.name)
	if o.seen&(1<<bit) != 0 {
		w.faults.Add(arm.InvalidRequestContent, w.path.String(), "The member occurs more than once.")
	}
	o.seen |= 1 << bit
	if w.peek() == 'n' {
		w.skip()
		return false
	}
	o.given |= 1 << bit
	return true
}

// Entry goes to the value of a map's entry. It tells whether there is a value to
// check: null removes an entry in a PATCH, and elsewhere only if the spec allows it.
func (o *Object) Entry(nullable bool) bool {
	w := o.w
	key := w.name
	w.path.Entry(key)
	if o.duplicate(key) {
		w.faults.Add(arm.InvalidRequestContent, w.path.String(), "The entry occurs more than once.")
	}
	o.count++
	if w.peek() == 'n' && (nullable || w.mode == Merge) {
		w.skip()
		return false
	}
	return true
}

// duplicate tells whether key occurred before. A few keys are found by reading
// them again, many with a set, so that a large map costs linear time.
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

// AtMost notes a fault when a map has more than limit entries.
func (o *Object) AtMost(limit int) {
	if o.count > limit {
		o.w.fault("The map must not have more than %d entries.", limit)
	}
}

// Unknown notes a member that the spec does not know; names are those it knows.
func (o *Object) Unknown(names ...string) {
	w := o.w
	w.path.Member(w.name)
	for _, known := range names {
		if strings.EqualFold(known, string(w.name)) {
			w.fault("This api-version has no such property. Did you mean %q? Names are case-sensitive.", known)
			w.skip()
			return
		}
	}
	w.fault("This api-version has no such property. Remove it, or use an api-version that has it.")
	w.skip()
}

// Require notes a fault unless member number bit was there. A PATCH requires nothing.
func (o *Object) Require(bit uint, name string) {
	w := o.w
	if w.mode == Merge || o.given&(1<<bit) != 0 {
		return
	}
	w.path.Member([]byte(name))
	w.fault("The property is required.")
	w.path.Up()
}
