package actions

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/httpserver"
)

// Answer is what the admin API answers, while it does.
type Answer struct {
	Status int
	Header http.Header
	// Body ends when the answer does. It must be closed.
	Body io.ReadCloser
}

// Send calls a handler in this process, and returns when it begins to answer.
func Send(to http.Handler, req *http.Request) *Answer {
	read, write := io.Pipe()
	w := &writer{header: http.Header{}, pipe: write, begun: make(chan struct{})}
	go func() {
		defer func() {
			err := io.EOF
			if recover() != nil { // the handler broke its answer off
				err = io.ErrUnexpectedEOF
			}
			w.WriteHeader(http.StatusOK)
			_ = write.CloseWithError(err) // never fails
		}()
		to.ServeHTTP(w, req)
	}()
	<-w.begun
	return &Answer{Status: w.status, Header: w.sent, Body: read}
}

// writer is the http.ResponseWriter of an Answer.
type writer struct {
	header, sent http.Header
	status       int
	pipe         *io.PipeWriter
	once         sync.Once
	begun        chan struct{}
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// Flush implements http.Flusher: what is written has already been read.
func (w *writer) Flush() { w.WriteHeader(http.StatusOK) }

const (
	// maxShown bounds what a page shows of an answer, in bytes.
	maxShown = 2 << 20
	// maxEvent bounds one line of a stream; the admin API's are shorter.
	maxEvent = 1 << 20
	// eventsMedia is the media type of a stream.
	eventsMedia = "application/x-ndjson"
)

// Event is a line of a stream.
type Event struct {
	Time, Message, Stdout, Stderr, Outcome string
	ExitCode                               *int
	Error                                  *Problem
}

// Problem is an error of the admin API.
type Problem struct{ Code, Message, Target string }

// Failed reports whether the action was refused. A stream says at its end how it went.
func (a *Answer) Failed() bool { return a.Status >= http.StatusBadRequest }

// isStream reports whether the answer comes as it happens.
func (a *Answer) isStream() bool { return a.Header.Get("Content-Type") == eventsMedia }

// events calls show for each event of a stream. It reports whether the action succeeded; a stream
// that was cut off did not.
func (a *Answer) events(show func(Event) error) (succeeded bool, err error) {
	lines := bufio.NewScanner(a.Body)
	lines.Buffer(nil, maxEvent)
	ended := false
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return false, fmt.Errorf("an event of the admin API: %w", err)
		}
		ended, succeeded = e.Outcome != "", e.Outcome == "Succeeded"
		if err := show(e); err != nil {
			return false, err
		}
	}
	if !ended {
		return false, show(Event{Outcome: "Unknown", Error: &Problem{Message: "The answer was cut off. The action may go on."}})
	}
	return succeeded, lines.Err()
}

// Shown is an answer that is no stream, as it is shown. One of its members is set.
type Shown struct {
	Problem *Problem
	Table   *Table
	Facts   []Fact
	Text    string
	// Done means that the action has nothing to say.
	Done bool
	// Cut means that the rest is left out.
	Cut bool
}

// Fact is a member of an object.
type Fact struct {
	Name, Text string
	// Long means that the text has several lines.
	Long bool
}

// Table is a list of objects.
type Table struct {
	Columns []string
	Rows    [][]string
}

// read reads an answer that is no stream.
func (a *Answer) read() (Shown, error) {
	text, err := io.ReadAll(io.LimitReader(a.Body, maxShown+1))
	if err != nil {
		return Shown{}, fmt.Errorf("the answer of the admin API: %w", err)
	}
	cut := len(text) > maxShown
	if cut {
		return Shown{Text: strings.ToValidUTF8(string(text[:maxShown]), ""), Cut: true}, nil
	}
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return Shown{Done: true}, nil
	case media == httpserver.JSON:
		return shownJSON(text)
	}
	return Shown{Text: strings.ToValidUTF8(string(text), "\ufffd")}, nil
}

// shownJSON shows an error, a list, an object of Kubernetes as YAML, or any object.
func shownJSON(text []byte) (Shown, error) {
	object, err := objectOf(text)
	if err != nil {
		return Shown{Text: string(text)}, nil
	}
	if problem := object.get("error"); problem != nil {
		var p Problem
		if json.Unmarshal(problem, &p) == nil && p.Code != "" {
			return Shown{Problem: &p}, nil
		}
	}
	if object.get("kind") != nil && object.get("apiVersion") != nil {
		written, err := yaml.JSONToYAML(text)
		return Shown{Text: string(written)}, err
	}
	if list := object.get("value"); list != nil && len(object) <= 2 {
		if table, ok := tableOf(list); ok {
			return Shown{Table: table}, nil
		}
	}
	var s Shown
	for _, m := range object {
		fact := Fact{Name: m.Name, Text: plain(m.Value)}
		fact.Long = strings.Contains(fact.Text, "\n")
		s.Facts = append(s.Facts, fact)
	}
	return s, nil
}

// tableOf is a list with a column for each member that any of its objects has.
func tableOf(list json.RawMessage) (*Table, bool) {
	var elements []json.RawMessage
	if json.Unmarshal(list, &elements) != nil {
		return nil, false
	}
	t, at := &Table{}, map[string]int{}
	var objects []object
	for _, element := range elements {
		o, err := objectOf(element)
		if err != nil {
			o = object{{Name: "value", Value: element}}
		}
		for _, m := range o {
			if _, known := at[m.Name]; !known {
				at[m.Name] = len(t.Columns)
				t.Columns = append(t.Columns, m.Name)
			}
		}
		objects = append(objects, o)
	}
	for _, o := range objects {
		row := make([]string, len(t.Columns))
		for _, m := range o {
			row[at[m.Name]] = plain(m.Value)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, true
}

// plain is a value without quotes, or YAML if it has parts.
func plain(value json.RawMessage) string {
	switch value[0] {
	case '"':
		var s string
		if json.Unmarshal(value, &s) == nil {
			return s
		}
	case '{', '[':
		if written, err := yaml.JSONToYAML(value); err == nil {
			return strings.TrimRight(string(written), "\n")
		}
	}
	return string(value)
}

// object is an object of JSON in its order.
type object []member

type member struct {
	Name  string
	Value json.RawMessage
}

func (o object) get(name string) json.RawMessage {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// objectOf reads an object.
func objectOf(text []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil, errors.New("no object")
	}
	var o object
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		o = append(o, member{fmt.Sprint(name), value})
	}
	return o, nil
}
