package cosmos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// divide walks the members of a JSON object once. It returns the object without its
// closing brace and without the members for which take returns true; names and values
// are passed as they are in the text. extra is how much the caller will append.
func divide(object []byte, extra int, take func(name string, value []byte) bool) ([]byte, error) {
	d := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(d)
	// The store checks for duplicate names and invalid UTF-8.
	d.Reset(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if kind := d.PeekKind(); kind != '{' {
		return nil, fmt.Errorf("document: no JSON object but %v", kind)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	left := append(make([]byte, 0, len(object)+extra), '{')
	for d.PeekKind() == '"' {
		quoted, err := d.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("document: %w", err)
		}
		name := string(quoted[1 : len(quoted)-1])
		value, err := d.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("document: %s: %w", name, err)
		}
		if !take(name, value) {
			left = appendMember(left, name, value)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("document: something follows it")
	}
	return left, nil
}

// appendMember appends a member to an object without its closing brace. name is the
// text between the quotes.
func appendMember(object []byte, name string, value []byte) []byte {
	if len(object) > 1 {
		object = append(object, ',')
	}
	object = append(append(append(object, '"'), name...), `":`...)
	return append(object, value...)
}
