package validation

import (
	"strconv"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// MaxDepth is how deep a body may be nested. No valid one comes near it.
const MaxDepth = 32

// maxName bounds how much of a caller's own member name is repeated in a target.
const maxName = 64

// Path is a place in a JSON document, kept so that noting it costs nothing and
// only printing it does. The zero value is the document itself.
type Path struct {
	steps [MaxDepth + 1]step
	depth int
}

// step is a member of an object, an entry of a map, or an element of an array.
type step struct {
	name  []byte
	text  string // instead of name
	kind  stepKind
	index int
}

type stepKind uint8

const (
	memberStep stepKind = iota
	entryStep
	elementStep
)

// Member goes down to a member named by the spec.
func (p *Path) Member(name []byte) { p.push(step{name: name}) }

// Named goes down to a member whose name is at hand as a string.
func (p *Path) Named(name string) { p.push(step{text: name}) }

// Key goes down to an entry of a map whose key is at hand as a string.
func (p *Path) Key(key string) { p.push(step{text: key, kind: entryStep}) }

// Entry goes down to an entry of a map.
func (p *Path) Entry(key []byte) { p.push(step{name: key, kind: entryStep}) }

// Element goes down to an element of an array.
func (p *Path) Element(index int) { p.push(step{kind: elementStep, index: index}) }

// Up leaves the place that the last Member, Entry or Element went down to.
func (p *Path) Up() { p.depth-- }

func (p *Path) push(s step) {
	p.steps[p.depth] = s
	p.depth++
}

// String writes the path as properties.workerProfiles[0].vmSize, and entries of
// maps as identities["name"].
func (p *Path) String() string {
	var b strings.Builder
	for i := range p.depth {
		s := &p.steps[i]
		switch s.kind {
		case elementStep:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case entryStep:
			b.WriteString("[" + strconv.Quote(s.label()) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.label())
		}
	}
	return b.String()
}

func (s *step) label() string {
	name := s.text
	if s.name != nil {
		name = string(s.name)
	}
	return arm.Plain(name, maxName)
}
