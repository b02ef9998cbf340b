package value

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Dialect is how much a text may differ from JSON.
type Dialect int

const (
	// Strict is JSON as RFC 8259 has it.
	Strict Dialect = iota
	// Request is what Azure reads in the bodies of deployments beyond JSON: comments, names
	// of members without quotes, and line breaks within strings.
	Request
	// Loose is what the function json() reads: what Request has, and single quotes.
	Loose
)

// maxDepth bounds how deep values nest.
const maxDepth = 200

// Parse reads a text that is one value.
func Parse(text string, dialect Dialect) (any, error) {
	p := &parser{text: strings.TrimPrefix(text, "\ufeff"), dialect: dialect}
	v, err := p.value(0)
	if err == nil {
		err = p.space()
	}
	if err == nil && p.at < len(p.text) {
		err = p.unexpected()
	}
	return v, err
}

type parser struct {
	text    string
	at      int
	dialect Dialect
}

func (p *parser) fail(message string, args ...any) error {
	before := p.text[:min(p.at, len(p.text))]
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndex(before, "\n")
	return fmt.Errorf("%s, line %d, position %d", fmt.Sprintf(message, args...), line, column)
}

func (p *parser) unexpected() error {
	if p.at >= len(p.text) {
		return p.fail("unexpected end of the text")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return p.fail("unexpected character %q", r)
}

// space skips white space and comments.
func (p *parser) space() error {
	for p.at < len(p.text) {
		switch rest := p.text[p.at:]; {
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			p.at++
		case p.dialect != Strict && strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			p.at += end
		case p.dialect != Strict && strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest, "*/")
			if end < 0 {
				return p.fail("a comment is not closed")
			}
			p.at += end + 2
		default:
			return nil
		}
	}
	return nil
}

// next skips white space and returns the character after it, 0 at the end.
func (p *parser) next() (byte, error) {
	if err := p.space(); err != nil {
		return 0, err
	}
	if p.at >= len(p.text) {
		return 0, nil
	}
	return p.text[p.at], nil
}

func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, p.fail("the value nests too deep")
	}
	c, err := p.next()
	if err != nil {
		return nil, err
	}
	switch {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"', c == '\'' && p.dialect == Loose:
		return p.quoted()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for word, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if strings.HasPrefix(p.text[p.at:], word) && !wordByte(p.text, p.at+len(word)) {
			p.at += len(word)
			return v, nil
		}
	}
	return nil, p.unexpected()
}

func wordByte(text string, at int) bool {
	if at >= len(text) {
		return false
	}
	c := text[at]
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) object(depth int) (any, error) {
	o := &Object{}
	p.at++
	for first := true; ; first = false {
		c, err := p.next()
		switch {
		case err != nil:
			return nil, err
		case c == '}' && (first || p.dialect == Loose):
			p.at++
			return o, nil
		}
		name, err := p.name(c)
		if err != nil {
			return nil, err
		}
		if c, err = p.next(); err != nil {
			return nil, err
		}
		if c != ':' {
			return nil, p.unexpected()
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Set(name, v)
		if c, err = p.next(); err != nil {
			return nil, err
		}
		switch c {
		case ',':
			p.at++
		case '}':
			p.at++
			return o, nil
		default:
			return nil, p.unexpected()
		}
	}
}

// name of a member.
func (p *parser) name(c byte) (string, error) {
	if c == '"' || c == '\'' && p.dialect == Loose {
		return p.quoted()
	}
	from := p.at
	for p.dialect != Strict && wordByte(p.text, p.at) {
		p.at++
	}
	if p.at == from {
		return "", p.unexpected()
	}
	return p.text[from:p.at], nil
}

func (p *parser) array(depth int) (any, error) {
	list := []any{}
	p.at++
	for first := true; ; first = false {
		c, err := p.next()
		switch {
		case err != nil:
			return nil, err
		case c == ']' && (first || p.dialect == Loose):
			p.at++
			return list, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if c, err = p.next(); err != nil {
			return nil, err
		}
		switch c {
		case ',':
			p.at++
		case ']':
			p.at++
			return list, nil
		default:
			return nil, p.unexpected()
		}
	}
}

func (p *parser) number() (any, error) {
	from := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.0123456789eE", p.text[p.at]) >= 0 {
		p.at++
	}
	text := p.text[from:p.at]
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' || text[len(text)-1] == '.' {
		return nil, p.fail("'%s' is not a number", text)
	}
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return nil, p.fail("the integer %s has more than 64 bits", text)
		}
		if err != nil {
			return nil, p.fail("'%s' is not a number", text)
		}
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, p.fail("'%s' is not a number", text)
	}
	return f, nil
}

func (p *parser) quoted() (string, error) {
	quote := p.text[p.at]
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == quote:
			p.at++
			return b.String(), nil
		case c == '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		case c < ' ' && (p.dialect == Strict || c != '\n' && c != '\r' && c != '\t'):
			return "", p.unexpected()
		default:
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			b.WriteRune(r)
			p.at += size
		}
	}
	return "", p.fail("a string is not closed")
}

func (p *parser) escape(b *strings.Builder) error {
	p.at++
	if p.at >= len(p.text) {
		return p.unexpected()
	}
	c := p.text[p.at]
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		return nil
	}
	switch {
	case c == '\'' && p.dialect == Loose:
		b.WriteByte(c)
		return nil
	case c != 'u':
		p.at--
		return p.unexpected()
	}
	r, err := p.hex()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) && strings.HasPrefix(p.text[p.at:], `\u`) {
		p.at += 2
		low, err := p.hex()
		if err != nil {
			return err
		}
		r = utf16.DecodeRune(r, low)
	}
	b.WriteRune(r)
	return nil
}

func (p *parser) hex() (rune, error) {
	if p.at+4 > len(p.text) {
		return 0, p.fail("an escape sequence ends too early")
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, p.fail("'\\u%s' is not an escape sequence", p.text[p.at:p.at+4])
	}
	p.at += 4
	return rune(n), nil
}
