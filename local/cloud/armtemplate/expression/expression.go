// Package expression reads the expressions of ARM templates, such as
// [concat(parameters('a'), 'b')], and evaluates what is not a function call. What
// functions there are is up to a Scope.
package expression

import (
	"fmt"
	"strings"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// Node is a part of an expression: a Literal, a Call, a Member or an Index.
type Node interface{ node() }

type (
	// Literal is a string or an integer.
	Literal struct{ Value any }
	// Call of a function.
	Call struct {
		// Name as it is written; names of functions match in any casing.
		Name      string
		Arguments []Node
	}
	// Member of an object by a name that is written in the expression.
	Member struct {
		Of   Node
		Name string
	}
	// Index of an array, or the member of an object with a computed name.
	Index struct{ Of, At Node }
)

func (Literal) node() {}
func (Call) node()    {}
func (Member) node()  {}
func (Index) node()   {}

// Scope evaluates function calls.
type Scope interface {
	Call(Call) (any, error)
}

// Is reports whether a text is an expression: those are in brackets. A second opening
// bracket escapes the first.
func Is(text string) bool {
	return strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") && !strings.HasPrefix(text, "[[")
}

// Unescape returns the value of a text that is not an expression.
func Unescape(text string) string {
	if strings.HasPrefix(text, "[[") {
		return text[1:]
	}
	return text
}

// Evaluate evaluates a node.
func Evaluate(n Node, s Scope) (any, error) {
	switch n := n.(type) {
	case Literal:
		return n.Value, nil
	case Call:
		return s.Call(n)
	case Member:
		of, err := Evaluate(n.Of, s)
		if err != nil {
			return nil, err
		}
		return Property(of, n.Name)
	case Index:
		of, err := Evaluate(n.Of, s)
		if err != nil {
			return nil, err
		}
		at, err := Evaluate(n.At, s)
		if err != nil {
			return nil, err
		}
		return Property(of, at)
	}
	return nil, fmt.Errorf("the expression is not valid")
}

// Property is a member of an object, in any casing, or an element of an array.
func Property(of, at any) (any, error) {
	switch at := at.(type) {
	case string:
		o, ok := of.(*value.Object)
		if !ok {
			return nil, fmt.Errorf("the language expression property '%s' can't be evaluated, the value it is asked of is not an object", at)
		}
		if v, ok := o.Find(at); ok {
			return v, nil
		}
		return nil, fmt.Errorf("the language expression property '%s' doesn't exist, available properties are '%s'", at, strings.Join(o.Names(), ", "))
	case int64:
		list, ok := of.([]any)
		if !ok {
			return nil, fmt.Errorf("the language expression property '%d' can't be evaluated, the value it is asked of is not an array", at)
		}
		if at < 0 || at >= int64(len(list)) {
			return nil, fmt.Errorf("the language expression property array index '%d' is out of bounds", at)
		}
		return list[at], nil
	}
	return nil, fmt.Errorf("the language expression property must be a string or an integer")
}

// Walk visits all function calls of an expression.
func Walk(n Node, visit func(Call)) {
	switch n := n.(type) {
	case Call:
		visit(n)
		for _, a := range n.Arguments {
			Walk(a, visit)
		}
	case Member:
		Walk(n.Of, visit)
	case Index:
		Walk(n.Of, visit)
		Walk(n.At, visit)
	}
}
