package arm

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxTarget and maxLogged bound how much of a caller's text an error contains.
const (
	maxTarget = 512
	maxLogged = 2048
)

// Plain returns a caller's text for use in responses and logs: unprintable characters
// are removed, and at most `most` bytes are kept, followed by a mark if text was cut
// off.
func Plain(s string, most int) string {
	cut := ""
	if len(s) > most {
		for most > 0 && !utf8.RuneStart(s[most]) {
			most--
		}
		s, cut = s[:most], "…"
	}
	if strings.IndexFunc(s, unprintable) >= 0 {
		var b strings.Builder
		for _, r := range s {
			if unprintable(r) {
				b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
				continue
			}
			b.WriteRune(r)
		}
		s = b.String()
	}
	return s + cut
}

func unprintable(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }
