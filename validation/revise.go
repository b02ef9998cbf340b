package validation

import "bytes"

// edit is a place of the body where a caller's words are not the spec's.
type edit struct {
	from, to int
	// name is what stands there in the spec's words; empty for a member that goes.
	name string
}

// respell notes that the present member is called name in the spec.
func (w *Walker) respell(name string) {
	w.edits = append(w.edits, edit{from: w.nameAt, to: w.nameEnd, name: name})
}

// cut notes that the present member, whose value has been consumed, goes.
func (w *Walker) cut() {
	w.edits = append(w.edits, edit{from: w.nameAt, to: w.pos})
}

// revised is the body with the edits made; the body itself when there are none.
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
		// Of the two commas that may surround the member, one goes with it.
		rest := bytes.TrimLeft(w.data[at:], " \t\r\n")
		if rest[0] == ',' {
			at = len(w.data) - len(rest) + 1
			continue
		}
		out = bytes.TrimSuffix(bytes.TrimRight(out, " \t\r\n"), []byte(","))
	}
	return append(out, w.data[at:]...)
}
