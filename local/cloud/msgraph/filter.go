package msgraph

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// The filters that clients send: a comparison, a prefix, or a member of a list.
var (
	comparison = regexp.MustCompile(`^(\w+) eq '(.*)'$`)
	prefix     = regexp.MustCompile(`^startswith\((\w+), ?'(.*)'\)$`)
	member     = regexp.MustCompile(`^(\w+)/any\(\w+:\w+ eq '(.*)'\)$`)
)

// filter reports whether an object, whose members are strings or lists of them, matches. Parts may
// be joined with and, or with or, not with both.
func filter(text string, object map[string]any) (bool, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return true, nil
	}
	if parts := split(text, " or "); len(parts) > 1 {
		return some(parts, object, false)
	}
	if parts := split(text, " and "); len(parts) > 1 {
		return some(parts, object, true)
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "("), ")")
	if strings.Count(text, "(") > strings.Count(text, ")") {
		text += ")"
	}
	for _, form := range []struct {
		pattern *regexp.Regexp
		match   func(value any, want string) bool
	}{
		{comparison, func(v any, want string) bool { s, _ := v.(string); return arm.EqualFold(s, want) }},
		{prefix, func(v any, want string) bool {
			s, _ := v.(string)
			return strings.HasPrefix(strings.ToLower(s), strings.ToLower(want))
		}},
		{member, func(v any, want string) bool {
			list, _ := v.([]string)
			return slices.ContainsFunc(list, func(s string) bool { return arm.EqualFold(s, want) })
		}},
	} {
		if m := form.pattern.FindStringSubmatch(text); m != nil {
			return form.match(object[m[1]], strings.ReplaceAll(m[2], "''", "'")), nil
		}
	}
	return false, badRequest("Invalid filter clause: %s", text)
}

// split cuts at a word that is not inside of quotes.
func split(text, word string) (parts []string) {
	start, quoted := 0, false
	for i := range len(text) {
		if text[i] == '\'' {
			quoted = !quoted // two quotes, which stand for one, change nothing
		}
		if !quoted && i >= start && strings.HasPrefix(text[i:], word) {
			parts, start = append(parts, text[start:i]), i+len(word)
		}
	}
	return append(parts, text[start:])
}

// some joins parts: all of them, or any.
func some(parts []string, object map[string]any, all bool) (bool, error) {
	for _, part := range parts {
		ok, err := filter(part, object)
		if err != nil || ok != all {
			return ok, err
		}
	}
	return all, nil
}
