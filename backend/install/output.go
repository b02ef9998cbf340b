package install

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
)

const (
	// maxLines and maxLine bound what one run may write into our log.
	maxLines = 300
	maxLine  = 2 << 10
)

// limited keeps what is written, up to a size; more makes the writer fail. It does
// not embed the buffer, whose ReadFrom would go round the limit.
type limited struct {
	kept bytes.Buffer
	max  int
	over bool
}

// Write refuses what is too much.
func (l *limited) Write(p []byte) (int, error) {
	if l.kept.Len()+len(p) > l.max {
		l.over = true
		return 0, errTooMuch
	}
	return l.kept.Write(p)
}

// relay writes the program's log lines into ours, each at its level.
type relay struct {
	ctx   context.Context
	log   *slog.Logger
	hide  []string
	rest  []byte // of a line whose end did not come yet
	lines int
}

// Write never fails, so that the program never waits for our log.
func (r *relay) Write(p []byte) (int, error) {
	r.rest = append(r.rest, p...)
	for {
		line, rest, found := bytes.Cut(r.rest, []byte("\n"))
		if !found {
			break
		}
		r.line(line)
		r.rest = rest
	}
	if len(r.rest) > maxLine {
		r.line(r.rest)
		r.rest = nil
	}
	return len(p), nil
}

// flush is for a last line without an end.
func (r *relay) flush() {
	r.line(r.rest)
	r.rest = nil
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
	said := struct{ Level, Msg string }{Level: "warning", Msg: string(line)}
	if err := json.Unmarshal(line, &said); err != nil || said.Msg == "" {
		said.Msg = string(line) // no log line of the program's, so nobody expected it
	}
	for _, s := range r.hide {
		said.Msg = strings.ReplaceAll(said.Msg, s, hidden)
	}
	r.log.Log(r.ctx, level(said.Level), "installer", "said", said.Msg[:min(len(said.Msg), maxLine)])
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
