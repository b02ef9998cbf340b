package expression

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxDepth bounds how deep expressions nest.
	maxDepth = 100
	// maxLength is Azure's limit of an expression.
	maxLength = 24576
)

// Parse reads an expression in its brackets.
func Parse(text string) (Node, error) {
	inner := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if len(text) > maxLength {
		return nil, fmt.Errorf("the expression has more than %d characters", maxLength)
	}
	p := &parser{text: inner}
	n, err := p.expression(0)
	if err == nil {
		if p.space(); p.at < len(p.text) {
			err = fmt.Errorf("unexpected %q", p.text[p.at:])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the language expression '%s' is not valid: %w", inner, err)
	}
	return n, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
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

func (p *parser) expression(depth int) (Node, error) {
	if depth > maxDepth {
		return nil, errors.New("it nests too deep")
	}
	n, err := p.primary(depth)
	for err == nil {
		switch {
		case p.take('.'):
			p.space()
			name := p.word()
			if name == "" {
				return nil, errors.New("a name is missing after '.'")
			}
			n = Member{n, name}
		case p.take('['):
			var at Node
			if at, err = p.expression(depth + 1); err != nil {
				return nil, err
			}
			if !p.take(']') {
				return nil, errors.New("']' is missing")
			}
			n = Index{n, at}
		default:
			return n, nil
		}
	}
	return nil, err
}

func (p *parser) primary(depth int) (Node, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, errors.New("it ends too early")
	}
	switch c := p.text[p.at]; {
	case c == '\'':
		return p.quoted()
	case c == '-' || c == '+' || c >= '0' && c <= '9':
		return p.integer()
	}
	name := p.word()
	if name == "" {
		return nil, fmt.Errorf("unexpected %q", p.text[p.at:])
	}
	for p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++ // functions of a namespace
		name += "." + p.word()
	}
	if !p.take('(') {
		return nil, fmt.Errorf("'%s' is not a function call", name)
	}
	arguments, err := p.arguments(name, depth)
	return Call{Name: name, Arguments: arguments}, err
}

func (p *parser) arguments(name string, depth int) ([]Node, error) {
	if p.take(')') {
		return nil, nil
	}
	var all []Node
	for {
		argument, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		all = append(all, argument)
		if p.take(')') {
			return all, nil
		}
		if !p.take(',') {
			return nil, fmt.Errorf("',' or ')' is missing in the call of '%s'", name)
		}
	}
}

func (p *parser) integer() (Node, error) {
	from := p.at
	p.at++
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	if p.at < len(p.text) && (p.text[p.at] == '.' || isWord(p.text[p.at])) {
		return nil, fmt.Errorf("'%s' is not an integer; write json('1.5') for a number with a fraction", p.text[from:p.at+1])
	}
	n, err := strconv.ParseInt(p.text[from:p.at], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("'%s' is not an integer of 64 bits", p.text[from:p.at])
	}
	return Literal{n}, nil
}

func (p *parser) quoted() (Node, error) {
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
		return Literal{b.String()}, nil
	}
	return nil, errors.New("a quote is not closed")
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) word() string {
	from := p.at
	for p.at < len(p.text) && isWord(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}
