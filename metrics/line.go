package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// marshal is the text of a line, with the newline at its end.
func (h head) marshal(value string) ([]byte, error) {
	if h.Dims == nil {
		h.Dims = map[string]string{}
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	text = append(text, ':')
	text = append(text, value...)
	return append(text, '\n'), nil
}

func gaugeValue(value int64) string   { return strconv.FormatInt(value, 10) + "|" + gaugeType }
func floatValue(value float64) string { return fmt.Sprintf("%f|%s", value, floatType) }

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
