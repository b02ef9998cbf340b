package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// The longest and the shortest time between two lines in the drawing.
	longest, shortest = 700 * time.Millisecond, 60 * time.Millisecond
	typing            = 900 * time.Millisecond

	// The height of a row, the width of a character and the margin, in pixels.
	height, width, margin = 18, 7.8, 16
	// columns is the maximum length of a line.
	columns = 112
)

// step matches a line of progress; in the drawing the next one replaces it.
var step = regexp.MustCompile(`^ *\d+ %`)

// paced returns the lines with the times at which the drawing shows them.
func paced(lines []line) []line {
	paced := make([]line, len(lines))
	var now, before time.Duration
	for i, l := range lines {
		gap := min(max(l.at-before, shortest), longest)
		if l.typed && i > 0 {
			gap = typing
		}
		before, now = l.at, now+gap
		l.at = now
		paced[i] = l
	}
	return paced
}

// draw writes the drawing. Viewers that do not play animations show the end.
func draw(out io.Writer, lines []line) {
	var body strings.Builder
	row, longestLine := 0, 0
	for i, l := range lines {
		transient := step.MatchString(l.text) && i+1 < len(lines) && step.MatchString(lines[i+1].text)
		style := fmt.Sprintf("animation:off %.2fs", l.at.Seconds())
		if transient {
			style = fmt.Sprintf("visibility:hidden;animation:on %.2fs %.2fs", (lines[i+1].at - l.at).Seconds(), l.at.Seconds())
		}
		text, class := cut(l.text), ""
		if l.typed {
			text, class = "$ "+text, ` class="typed"`
		}
		longestLine = max(longestLine, utf8.RuneCountInString(text))
		if text != "" {
			_, _ = fmt.Fprintf(&body, `<text y="%d"%s style="%s">%s</text>`+"\n", margin+height*row+13, class, style, escaped(text))
		}
		if !transient {
			row++
		}
	}
	w, h := int(float64(longestLine)*width)+2*margin, height*row+2*margin
	_, _ = fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">
<title>Creating a cluster, reading its nodes with kubectl, and deleting it</title>
<!-- Recorded by go run ./hack/quickstart. Do not edit. -->
<style>
@keyframes off{from,to{visibility:hidden}}
@keyframes on{from,to{visibility:visible}}
text{font:13px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d4d4d4;white-space:pre}
.typed{fill:#7ec699;font-weight:bold}
</style>
<rect width="100%%" height="100%%" rx="8" fill="#1b1f27"/>
<g transform="translate(%d 0)">
%s</g>
</svg>
`, w, h, w, h, margin, &body)
}

// cut shortens a line to the columns of the drawing.
func cut(text string) string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\t", "    "), " ")
	if runes := []rune(text); len(runes) > columns {
		return string(runes[:columns-1]) + "…"
	}
	return text
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder does not fail
	return b.String()
}
