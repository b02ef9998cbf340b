package resources

import (
	"net/http"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// Filter is a parsed $filter: comparisons and functions joined by and, or, not.
type Filter struct {
	operator string // and, or, not, eq, ne, call; empty matches everything
	name     string // of the field or function
	values   []string
	operands []*Filter
}

// Fields is what a filter is evaluated on: the values of a field (several for tags), and functions
// it may call.
type Fields struct {
	Values func(field string) []string
	Call   func(function string, arguments []string) bool
}

// ParseFilter reads the value of $filter.
func ParseFilter(text string) (*Filter, error) {
	p := &filterParser{tokens: filterTokens(text)}
	if len(p.tokens) == 0 {
		return &Filter{}, nil
	}
	f := p.either(0)
	if f == nil || len(p.tokens) > 0 {
		return nil, Refuse(http.StatusBadRequest, "InvalidFilterInQueryString", "Invalid $filter '%s' specified in the query string.", text)
	}
	return f, nil
}

// Matches evaluates the filter.
func (f *Filter) Matches(fields Fields) bool {
	switch f.operator {
	case "":
		return true
	case "and":
		return f.operands[0].Matches(fields) && f.operands[1].Matches(fields)
	case "or":
		return f.operands[0].Matches(fields) || f.operands[1].Matches(fields)
	case "not":
		return !f.operands[0].Matches(fields)
	case "call":
		if fields.Call != nil && fields.Call(f.name, f.values) {
			return true
		}
		return matchText(f.name, f.values, fields)
	}
	equal := false
	for _, v := range fields.Values(f.name) {
		equal = equal || arm.EqualFold(v, f.values[0])
	}
	return equal == (f.operator == "eq")
}

// matchText evaluates the functions on text, whose arguments are a field and a value.
func matchText(function string, arguments []string, fields Fields) bool {
	if len(arguments) != 2 {
		return false
	}
	field, value := arguments[0], arguments[1]
	if arm.EqualFold(function, "substringof") {
		field, value = value, field
	}
	for _, v := range fields.Values(field) {
		v, value := arm.ToLower(v), arm.ToLower(value)
		switch arm.ToLower(function) {
		case "startswith":
			if strings.HasPrefix(v, value) {
				return true
			}
		case "substringof", "contains":
			if strings.Contains(v, value) {
				return true
			}
		}
	}
	return false
}

// filterTokens splits at spaces, commas and brackets outside quotes; quoted
// tokens keep their first quote.
func filterTokens(text string) []string {
	var tokens []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		n := 1
		switch {
		case text[0] == '\'':
			value := "'"
			for n < len(text) {
				if text[n] != '\'' {
					value += text[n : n+1]
					n++
					continue
				}
				n++
				if n >= len(text) || text[n] != '\'' {
					break
				}
				value += "'"
				n++
			}
			tokens, text = append(tokens, value), text[n:]
			continue
		case !strings.ContainsRune("(),", rune(text[0])):
			if n = strings.IndexAny(text, " (),'"); n < 0 {
				n = len(text)
			}
		}
		tokens, text = append(tokens, text[:n]), text[n:]
	}
	return tokens
}

// filterDepth bounds nested brackets.
const filterDepth = 20

// filterParser takes tokens from the front; nil is returned for what is no filter.
type filterParser struct{ tokens []string }

func (p *filterParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *filterParser) take() string {
	t := p.next()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *filterParser) either(depth int) *Filter {
	f := p.both(depth)
	for f != nil && arm.EqualFold(p.next(), "or") {
		p.take()
		f = pair("or", f, p.both(depth))
	}
	return f
}

func (p *filterParser) both(depth int) *Filter {
	f := p.term(depth)
	for f != nil && arm.EqualFold(p.next(), "and") {
		p.take()
		f = pair("and", f, p.term(depth))
	}
	return f
}

func pair(operator string, a, b *Filter) *Filter {
	if b == nil {
		return nil
	}
	return &Filter{operator: operator, operands: []*Filter{a, b}}
}

func (p *filterParser) term(depth int) *Filter {
	if depth > filterDepth {
		return nil
	}
	name := p.take()
	switch {
	case name == "" || strings.HasPrefix(name, "'") || name == ")" || name == ",":
		return nil
	case arm.EqualFold(name, "not"):
		f := p.term(depth + 1)
		if f == nil {
			return nil
		}
		return &Filter{operator: "not", operands: []*Filter{f}}
	case name == "(":
		f := p.either(depth + 1)
		if p.take() != ")" {
			return nil
		}
		return f
	case p.next() == "(":
		p.take()
		f := &Filter{operator: "call", name: name}
		for p.next() != ")" {
			if p.next() == "" {
				return nil
			}
			if t := p.take(); t != "," {
				f.values = append(f.values, strings.TrimPrefix(t, "'"))
			}
		}
		p.take()
		return f
	}
	operator := arm.ToLower(p.take())
	if operator != "eq" && operator != "ne" || p.next() == "" {
		return nil
	}
	return &Filter{operator: operator, name: name, values: []string{strings.TrimPrefix(p.take(), "'")}}
}
