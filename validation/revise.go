package validation

import "bytes"

// edit is a part of the body in which the caller's names differ from the spec's.
type edit struct {
	from, to int
	// name is the name in the spec; empty for a member that is removed.
	name string
}

// respell records that the current member has the given name in the spec.
func (w *Walker) respell(name string) {
	w.edits = append(w.edits, edit{from: w.nameAt, to: w.nameEnd, name: name})
}

// cut records that the current member, whose value has been consumed, is removed.
func (w *Walker) cut() {
	w.edits = append(w.edits, edit{from: w.nameAt, to: w.pos})
}

// revised returns the body with the edits applied; the body itself if there are
// none.
func (w *Walker) revised() []byte {
	if len(w.edits) == 0 {
		return w.data
	}
	out, at := make([]byte, 0, len(w.data)), 0
	for _, e := range w.edits {
		out = append(out, w.data[at:e.from]...)
		at = e.to
		if e.name != "" {
			out = append(append(append(out, '"'), e.name...), '"')
			continue
		}
		// One of the two commas around the member is removed with it.
		rest := bytes.TrimLeft(w.data[at:], " \t\r\n")
		if rest[0] == ',' {
			at = len(w.data) - len(rest) + 1
			continue
		}
		out = bytes.TrimSuffix(bytes.TrimRight(out, " \t\r\n"), []byte(","))
	}
	return append(out, w.data[at:]...)
}
