package install

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
)

const (
	// maxLines and maxLine bound what one run may write into the log.
	maxLines = 300
	maxLine  = 2 << 10
	// maxWhole is the longest line that is inspected. A secret can only be found in a whole line,
	// so longer ones are not shown in part.
	maxWhole = 64 << 10
)

// limited is a buffer with a maximum size; writing more is an error. It does not embed the buffer,
// whose ReadFrom would bypass the limit.
type limited struct {
	kept bytes.Buffer
	max  int
	over bool
}

// Write refuses data beyond the limit.
func (l *limited) Write(p []byte) (int, error) {
	if l.kept.Len()+len(p) > l.max {
		l.over = true
		return 0, errTooMuch
	}
	return l.kept.Write(p)
}

// relay writes the program's log lines into the service's log, each at its level. An incomplete
// last line is omitted: it may be half a secret.
type relay struct {
	ctx   context.Context
	log   *slog.Logger
	hide  []string
	begun []byte // of a line whose end did not come yet; one byte over maxWhole at most
	lines int
}

// Write never fails, so that the program never waits for our log.
func (r *relay) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		r.begun = append(r.begun, part[:min(len(part), maxWhole+1-len(r.begun))]...)
		if ended {
			if len(r.begun) > maxWhole {
				r.begun = append(r.begun[:0], "[a line too long to show]"...)
			}
			r.line(r.begun)
			r.begun = r.begun[:0]
		}
		rest = after
	}
	return len(p), nil
}

func (r *relay) line(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	if r.lines++; r.lines > maxLines {
		if r.lines == maxLines+1 {
			r.log.WarnContext(r.ctx, "the installer says too much; the rest is dropped")
		}
		return
	}
	entry := struct{ Level, Msg string }{Level: "warning", Msg: string(line)}
	if err := json.Unmarshal(line, &entry); err != nil || entry.Msg == "" {
		entry.Msg = string(line) // not a log line of the program
	}
	for _, s := range r.hide {
		entry.Msg = strings.ReplaceAll(entry.Msg, s, hidden)
	}
	r.log.Log(r.ctx, level(entry.Level), "installer", "message", entry.Msg[:min(len(entry.Msg), maxLine)])
}

// level of a line, in the words of the installer's logger.
func level(name string) slog.Level {
	switch name {
	case "trace", "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warning":
		return slog.LevelWarn
	}
	return slog.LevelError
}
