package admin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
)

// strict reads the body, a JSON object, into v and refuses members that v does
// not have.
func (c *call) strict(v any) error { return c.read(v, jsonv2.RejectUnknownMembers(true)) }

// lenient reads the members that v has.
func (c *call) lenient(v any) error { return c.read(v) }

func (c *call) read(v any, options ...jsonv2.Options) error {
	if kind := jsontext.Value(c.body).Kind(); kind != jsontext.KindBeginObject {
		return arm.InvalidRequestContent.Errorf("The body must be one JSON object.")
	}
	err := jsonv2.Unmarshal(c.body, v, options...)
	var meaning *jsonv2.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return arm.InvalidRequestContent.At(target(syntax.JSONPointer), "The body is not valid JSON; the fault is at byte %d.", syntax.ByteOffset).Because(err)
	case errors.As(err, &meaning) && errors.Is(err, jsonv2.ErrUnknownName):
		return arm.InvalidParameter.At(target(meaning.JSONPointer), "There is no such member. Remove it, or correct its name.").Because(err)
	case errors.As(err, &meaning):
		return arm.InvalidRequestContent.At(target(meaning.JSONPointer), "The value has the wrong JSON type.").Because(err)
	}
	return fmt.Errorf("body: %w", err)
}

// target spells a place in the body as all our errors do.
func target(place jsontext.Pointer) string {
	var b strings.Builder
	for name := range place.Tokens() {
		switch _, err := strconv.ParseUint(name, 10, 0); {
		case err == nil:
			b.WriteString("[" + name + "]")
		case b.Len() > 0:
			b.WriteString("." + httpserver.ShortText(name))
		default:
			b.WriteString(httpserver.ShortText(name))
		}
	}
	return b.String()
}

// present is nil for a zero value, which means absent.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
