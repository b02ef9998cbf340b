package armtemplate

import (
	"fmt"
	"strconv"
	"strings"
)

// expression is a node of a parsed expression of the template language.
type expression interface {
	eval(*frame) (any, error)
}

type (
	literal struct{ value any }
	call    struct {
		name      string // lower case
		arguments []expression
	}
	member struct {
		of   expression
		name string
	}
	index struct{ of, at expression }
)

// isExpression tells expressions from texts: they are in brackets, which a second
// opening bracket escapes.
func isExpression(text string) bool {
	return strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") && !strings.HasPrefix(text, "[[")
}

// maxDepth bounds how deep expressions and values nest.
const maxDepth = 100

// parse reads an expression without its brackets.
func parse(text string) (expression, error) {
	p := &parser{text: text}
	e, err := p.expression(0)
	if err == nil {
		if p.space(); p.at < len(p.text) {
			err = fmt.Errorf("unexpected %q", p.text[p.at:])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the expression '%s' is not valid: %w", text, err)
	}
	return e, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.ContainsRune(" \t\r\n", rune(p.text[p.at])) {
		p.at++
	}
}

// take skips one character if it is next.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) expression(depth int) (expression, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it nests too deep")
	}
	e, err := p.primary(depth)
	for err == nil {
		switch {
		case p.take('.'):
			p.space()
			name := p.word()
			if name == "" {
				return nil, fmt.Errorf("a name is missing after '.'")
			}
			e = member{e, name}
		case p.take('['):
			var at expression
			if at, err = p.expression(depth + 1); err != nil {
				return nil, err
			}
			if !p.take(']') {
				return nil, fmt.Errorf("']' is missing")
			}
			e = index{e, at}
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) primary(depth int) (expression, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, fmt.Errorf("it ends too early")
	}
	switch c := p.text[p.at]; {
	case c == '\'':
		return p.quoted()
	case c == '-' || c >= '0' && c <= '9':
		from := p.at
		p.at++
		for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9') {
			p.at++
		}
		n, err := strconv.ParseInt(p.text[from:p.at], 10, 64)
		return literal{float64(n)}, err
	}
	name := p.word()
	if name == "" {
		return nil, fmt.Errorf("unexpected %q", p.text[p.at:])
	}
	for p.at < len(p.text) && p.text[p.at] == '.' && strings.Contains(p.text[p.at:], "(") {
		p.at++ // functions of a namespace
		name += "." + p.word()
	}
	if !p.take('(') {
		return nil, fmt.Errorf("'%s' is not a function call", name)
	}
	c := call{name: strings.ToLower(name)}
	if p.take(')') {
		return c, nil
	}
	for {
		argument, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		c.arguments = append(c.arguments, argument)
		if p.take(')') {
			return c, nil
		}
		if !p.take(',') {
			return nil, fmt.Errorf("',' or ')' is missing in the call of %s", name)
		}
	}
}

func (p *parser) quoted() (expression, error) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		if p.text[p.at] != '\'' {
			b.WriteByte(p.text[p.at])
			continue
		}
		if p.at+1 < len(p.text) && p.text[p.at+1] == '\'' {
			b.WriteByte('\'')
			p.at++
			continue
		}
		p.at++
		return literal{b.String()}, nil
	}
	return nil, fmt.Errorf("a quote is not closed")
}

func (p *parser) word() string {
	from := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && c != '$' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			break
		}
		p.at++
	}
	return p.text[from:p.at]
}

func (l literal) eval(*frame) (any, error) { return l.value, nil }

func (m member) eval(f *frame) (any, error) {
	of, err := m.of.eval(f)
	if err != nil {
		return nil, err
	}
	return property(of, m.name)
}

func (i index) eval(f *frame) (any, error) {
	of, err := i.of.eval(f)
	if err != nil {
		return nil, err
	}
	at, err := i.at.eval(f)
	if err != nil {
		return nil, err
	}
	if name, ok := at.(string); ok {
		return property(of, name)
	}
	n, ok := at.(float64)
	values, isArray := of.([]any)
	if !ok || !isArray || n < 0 || int(n) >= len(values) {
		return nil, fmt.Errorf("the index '%s' is out of bounds", text(at))
	}
	return values[int(n)], nil
}

// property of an object; names match in any case.
func property(of any, name string) (any, error) {
	object, ok := of.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the property '%s' is asked of what is no object", name)
	}
	if value, ok := lookup(object, name); ok {
		return value, nil
	}
	return nil, fmt.Errorf("the language expression property '%s' doesn't exist", name)
}

func lookup(object map[string]any, name string) (any, bool) {
	if value, ok := object[name]; ok {
		return value, true
	}
	for key, value := range object {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}

func (c call) eval(f *frame) (any, error) {
	if special, ok := specials()[c.name]; ok {
		return special(f, c.arguments)
	}
	arguments := make([]any, len(c.arguments))
	for i, a := range c.arguments {
		var err error
		if arguments[i], err = a.eval(f); err != nil {
			return nil, err
		}
	}
	function, ok := functions()[c.name]
	if !ok && strings.HasPrefix(c.name, "list") {
		return f.list(c.name, arguments)
	}
	if !ok {
		return nil, fmt.Errorf("the template function '%s' is not known", c.name)
	}
	if len(arguments) < function.least || function.most >= 0 && len(arguments) > function.most {
		return nil, fmt.Errorf("the template function '%s' cannot have %d arguments", c.name, len(arguments))
	}
	value, err := function.call(f, arguments)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return value, nil
}

// walk visits an expression and all within it.
func walk(e expression, visit func(call)) {
	switch e := e.(type) {
	case call:
		visit(e)
		for _, a := range e.arguments {
			walk(a, visit)
		}
	case member:
		walk(e.of, visit)
	case index:
		walk(e.of, visit)
		walk(e.at, visit)
	}
}
