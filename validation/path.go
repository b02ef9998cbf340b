package validation

import (
	"strconv"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// MaxDepth bounds the nesting of a body. It is well above that of valid bodies.
const MaxDepth = 32

// maxName bounds how much of a caller's member name a target contains.
const maxName = 64

// Path is a place in a JSON document. Entering a place allocates nothing; String
// does. The zero value is the root.
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

// Member enters a member with a name of the spec.
func (p *Path) Member(name []byte) { p.push(step{name: name}) }

// Named enters a member whose name is a string.
func (p *Path) Named(name string) { p.push(step{text: name}) }

// Key enters an entry of a map whose key is a string.
func (p *Path) Key(key string) { p.push(step{text: key, kind: entryStep}) }

// Entry enters an entry of a map.
func (p *Path) Entry(key []byte) { p.push(step{name: key, kind: entryStep}) }

// Element enters an element of an array.
func (p *Path) Element(index int) { p.push(step{kind: elementStep, index: index}) }

// Up leaves the place that the last Member, Entry or Element entered.
func (p *Path) Up() { p.depth-- }

func (p *Path) push(s step) {
	p.steps[p.depth] = s
	p.depth++
}

// String returns the path in the form properties.workerProfiles[0].vmSize, with
// entries of maps as identities["name"].
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
