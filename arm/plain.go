package arm

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxTarget and maxLogged bound what an error repeats of a caller's words.
const (
	maxTarget = 512
	maxLogged = 2048
)

// Plain is text of a caller as answers and logs may repeat it: without characters that
// do not print, and of most bytes at most, beside the mark of what was cut off.
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
