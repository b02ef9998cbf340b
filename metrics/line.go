package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// timeLayout has milliseconds and no zone: times are UTC.
const timeLayout = "2006-01-02T15:04:05.000"

// The types of values, as they end a line.
const (
	gaugeType = "g"
	floatType = "f"
)

// floatDigits are those after the point.
const floatDigits = 6

// Line is one metric as it travels.
type Line struct {
	Metric, Account, Namespace string
	Dims                       map[string]string
	Time                       time.Time
	Value                      float64
	// Float is false for gauges, which are whole numbers.
	Float bool
}

// head is what of a line is JSON. The agent relies on the order of the members.
type head struct {
	Metric    string
	Account   string `json:",omitempty"`
	Namespace string `json:",omitempty"`
	Dims      map[string]string
	TS        string
}

// text is the line, with the newline at its end: what encoding/json makes of a head, without its
// reflection, since a monitor emits thousands of lines a second. wins are dimensions that replace those of the head.
func (h head) text(wins map[string]string, value string) []byte {
	const perDimension, rest = 6, 64 // quotes and punctuation
	size := rest + len(h.Metric) + len(h.Account) + len(h.Namespace) + len(h.TS) + len(value)
	names := make([]string, 0, 16) //nolint:mnd // more are appended; so few need no memory
	for name, text := range wins {
		names, size = append(names, name), size+len(name)+len(text)+perDimension
	}
	for name, text := range h.Dims {
		if _, replaced := wins[name]; !replaced {
			names, size = append(names, name), size+len(name)+len(text)+perDimension
		}
	}
	slices.Sort(names)
	line := appendString(append(make([]byte, 0, size), `{"Metric":`...), h.Metric)
	if h.Account != "" {
		line = appendString(append(line, `,"Account":`...), h.Account)
	}
	if h.Namespace != "" {
		line = appendString(append(line, `,"Namespace":`...), h.Namespace)
	}
	line = append(line, `,"Dims":{`...)
	for i, name := range names {
		if i > 0 {
			line = append(line, ',')
		}
		text, found := wins[name]
		if !found {
			text = h.Dims[name]
		}
		line = appendString(append(appendString(line, name), ':'), text)
	}
	line = append(appendString(append(line, `},"TS":`...), h.TS), "}:"...)
	return append(append(line, value...), '\n')
}

// appendString appends a string as encoding/json quotes it.
func appendString(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s) // a string always marshals
			return append(to, text...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}

func gaugeValue(value int64) string { return strconv.FormatInt(value, 10) + "|" + gaugeType }
func floatValue(value float64) string {
	return strconv.FormatFloat(value, 'f', floatDigits, 64) + "|" + floatType
}

// ErrMalformed means that a text is not a valid metric line.
var ErrMalformed = errors.New("malformed metric")

// Parse reads one line, with or without the newline at its end.
func Parse(text []byte) (Line, error) {
	text = bytes.TrimSuffix(text, []byte{'\n'})
	end := bytes.LastIndexByte(text, '}')
	if end < 0 {
		return Line{}, fmt.Errorf("%w: it does not begin with JSON", ErrMalformed)
	}
	var h head
	if err := json.Unmarshal(text[:end+1], &h); err != nil {
		return Line{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if h.Metric == "" {
		return Line{}, fmt.Errorf("%w: it has no name", ErrMalformed)
	}
	value, kind, found := bytes.Cut(bytes.TrimPrefix(text[end+1:], []byte{':'}), []byte{'|'})
	if !found || text[end+1] != ':' || string(kind) != gaugeType && string(kind) != floatType {
		return Line{}, fmt.Errorf("%w: it does not end in :VALUE|g or :VALUE|f", ErrMalformed)
	}
	l := Line{Metric: h.Metric, Account: h.Account, Namespace: h.Namespace, Dims: h.Dims, Float: string(kind) == floatType}
	var err error
	if l.Value, err = strconv.ParseFloat(string(value), 64); err != nil {
		return Line{}, fmt.Errorf("%w: its value is no number", ErrMalformed)
	}
	if l.Time, err = time.ParseInLocation(timeLayout, h.TS, time.UTC); err != nil {
		return Line{}, fmt.Errorf("%w: its time is none", ErrMalformed)
	}
	return l, nil
}
