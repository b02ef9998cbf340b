// Package validation checks the shape of a JSON body: strict syntax, types, names,
// enums, ranges. The code generated from each spec walks a body with a Walker
// and every violation is noted at once, with its path and never with its value.
//
// It holds what generated validators call. It knows no property of any API and
// no rule of meaning.
package validation

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aro-rp/aro/arm"
)

// Mode says how strict a walk is.
type Mode uint8

// Replace checks the body of a PUT: required members must be there, and null is
// the same as absent.
const Replace Mode = 0

const (
	// Merge checks the body of a PATCH: nothing is required and null removes.
	Merge Mode = 1 << iota
	// AnyCase takes member names that differ from the spec's in ASCII case only.
	AnyCase
)

// checker is everything one check needs, pooled so that a check costs no allocation.
type checker struct {
	decoder jsontext.Decoder
	reader  bytes.Buffer
	walker  Walker
}

// pool is safe to share: a checker carries nothing from one body to the next.
var pool = sync.Pool{New: func() any { return new(checker) }}

// Check notes in f everything that is wrong with body: first its syntax and, if
// that is sound, what root finds walking it. It returns the body in the words of
// the spec: members have the spec's spelling, and unknown ones, which may only be
// null, are gone. Nearly always that is body itself.
func Check(body []byte, mode Mode, f *arm.Faults, root func(*Walker)) []byte {
	c := pool.Get().(*checker)
	defer pool.Put(c)
	if c.syntax(body, f) {
		c.walker.reset(body, mode, f)
		root(&c.walker)
		body = c.walker.revised()
		c.walker.reset(nil, mode, nil)
	}
	return body
}

// syntax reports whether body is one strict JSON value: valid UTF-8 and nothing
// behind it. Duplicate names are left to the walk, which can go on after them.
func (c *checker) syntax(body []byte, f *arm.Faults) bool {
	c.reader = *bytes.NewBuffer(body)
	c.decoder.Reset(&c.reader, jsontext.AllowDuplicateNames(true))
	defer func() { c.reader = bytes.Buffer{} }()
	switch _, err := c.decoder.ReadValue(); {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		f.Add(arm.InvalidRequestContent, "", "The body is empty or ends too early. Send one JSON object.")
		return false
	case err != nil:
		f.Add(arm.InvalidRequestContent, "", "The body is not valid JSON in UTF-8; the fault is at byte %d.", offset(err, &c.decoder))
		return false
	}
	if _, err := c.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		f.Add(arm.InvalidRequestContent, "", "Something follows the JSON value in the body. Send one JSON object.")
		return false
	}
	return true
}

func offset(err error, d *jsontext.Decoder) int64 {
	if syntactic := (*jsontext.SyntacticError)(nil); errors.As(err, &syntactic) {
		return syntactic.ByteOffset
	}
	return d.InputOffset()
}
