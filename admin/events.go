package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
)

// events is the response of an action that takes long: what it does, a line of JSON each.
type events struct {
	c   *call
	now func() time.Time

	mu sync.Mutex
}

// eventsMedia is the media type of a stream of events.
const eventsMedia = "application/x-ndjson"

// stream answers with the messages of do, and at the end with the result. An error before the
// first event is an ordinary one.
func (a *API) stream(c *call, do func(e *events) error) error {
	e := &events{c: c, now: a.Now}
	err := do(e)
	switch {
	case err == nil:
		e.send(api.Event{Outcome: new(api.OutcomeSucceeded)})
		return nil
	case !c.Response().Committed:
		return err
	}
	failure := armhttp.Error(c.Exchange, err)
	body := failure.Body()
	last := api.Event{Outcome: new(api.OutcomeFailed), Error: &api.ErrorBody{Code: body.Code, Message: body.Message, Target: present(body.Target)}}
	if ended, isExit := errors.AsType[*exitError](err); isExit {
		last.ExitCode = &ended.code
	}
	e.send(last)
	return failure // for log and audit
}

// send sends one event at once. A client that has left is noticed by the action's context.
func (e *events) send(event api.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	response := e.c.Response()
	if !response.Committed {
		response.Header().Set("Content-Type", eventsMedia)
		response.WriteHeader(http.StatusOK)
	}
	event.Time = e.now().UTC()
	lines := json.NewEncoder(response)
	lines.SetEscapeHTML(false)
	_ = lines.Encode(event)
	_ = http.NewResponseController(response).Flush() // not every writer can
}

// report sends a message.
func (e *events) report(message string) { e.send(api.Event{Message: &message}) }

// output turns what a command writes into events of whole lines, at most maxOutput bytes.
type output struct {
	send func(text string)
	left int
	line []byte
	cut  bool
}

const (
	// maxOutput bounds what is returned of each output of a command, and maxLine one event, in bytes.
	maxOutput = 1 << 20
	maxLine   = 16 << 10
)

// Write implements io.Writer. It takes everything, so that the command goes on.
func (o *output) Write(p []byte) (int, error) {
	taken := p[:min(len(p), o.left)]
	o.left -= len(taken)
	o.line = append(o.line, taken...)
	if end := bytes.LastIndexByte(o.line, '\n') + 1; end > 0 {
		o.flush(end)
	}
	for len(o.line) > maxLine {
		o.flush(whole(o.line[:maxLine]))
	}
	if len(taken) < len(p) && !o.cut {
		o.cut = true
		o.end()
		o.send("\n[the rest is left out]\n")
	}
	return len(p), nil
}

// whole is the length without a last character that is not complete.
func whole(text []byte) int {
	for cut := 1; cut < utf8.UTFMax; cut++ {
		if tail := text[len(text)-cut:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return len(text) - cut
			}
			break
		}
	}
	return len(text)
}

func (o *output) flush(end int) {
	for text := o.line[:end]; len(text) > 0; {
		n := min(len(text), maxLine)
		if n < len(text) {
			n = whole(text[:n])
		}
		o.send(string(text[:n]))
		text = text[n:]
	}
	o.line = append(o.line[:0], o.line[end:]...)
}

// end sends what has no end of line.
func (o *output) end() { o.flush(len(o.line)) }

// stdout and stderr are outputs of a command.
func (e *events) stdout() *output {
	return &output{left: maxOutput, send: func(text string) { e.send(api.Event{Stdout: &text}) }}
}

func (e *events) stderr() *output {
	return &output{left: maxOutput, send: func(text string) { e.send(api.Event{Stderr: &text}) }}
}

// exitError is a command that ended with a code other than 0.
type exitError struct {
	code  int32
	cause *arm.Error
}

// Error implements error.
func (e *exitError) Error() string { return e.cause.Error() }

// Unwrap returns the error for the caller.
func (e *exitError) Unwrap() error { return e.cause }

// clusterStream is stream with the API server of the cluster.
func (a *API) clusterStream(c *call, do func(ctx context.Context, k clusterAPI, e *events) error) error {
	return a.stream(c, func(e *events) error {
		return a.withCluster(c, func(ctx context.Context, k clusterAPI) error { return do(ctx, k, e) })
	})
}
