// Package validation checks JSON bodies against a schema: syntax, types, names,
// enums and ranges. The code generated from each spec walks a body with a Walker,
// which records all violations with their paths and without the values.
//
// It has the functions that generated validators call. It knows no property of any
// API and no rule beyond the schema.
package validation

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/aro-rp/aro/arm"
)

// Mode is how strict a walk is.
type Mode uint8

// Replace checks the body of a PUT: required members must be present, and null is
// the same as absent.
const Replace Mode = 0

const (
	// Merge checks the body of a PATCH: nothing is required, and null removes.
	Merge Mode = 1 << iota
	// AnyCase accepts member names that differ from the spec's in ASCII case only.
	AnyCase
)

// checker is the state of one check. It is pooled so that a check does not allocate.
type checker struct {
	decoder jsontext.Decoder
	reader  bytes.Buffer
	walker  Walker
}

// A checker keeps nothing of one body for the next.
var pool = sync.Pool{New: func() any { return new(checker) }}

// Check adds everything that is wrong with body to f: first its syntax and, if that
// is valid, what root finds. It returns the body with the names of the spec:
// members have the casing of the spec, and unknown members, which must be null, are
// removed. Usually this is body itself.
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

// syntax reports whether body is one valid JSON value in UTF-8 with nothing after
// it. The walk finds duplicate names.
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
