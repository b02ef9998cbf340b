// Package sink receives metrics in place of MDM's agent and shows the last value of each series: as
// a table, as JSON, and in Prometheus' format.
//
// It is for development and tests. It keeps only the last values.
package sink

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/metrics"
)

const (
	// DefaultKeep is how long a series is shown after its last value.
	DefaultKeep = 5 * time.Minute
	// maxSeries bounds the memory that series take.
	maxSeries = 200_000
	// maxDatagram is the largest that a unix socket takes by default.
	maxDatagram = 212992
)

// Series is one metric with one set of dimensions, and the last value that came.
type Series struct {
	Metric    string            `json:"metric"`
	Account   string            `json:"account,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	Dims      map[string]string `json:"dims"`
	Value     float64           `json:"value"`
	// LastSeen is when the last value came, by the sink's clock; Count how many did.
	LastSeen time.Time `json:"lastSeen"`
	Count    uint64    `json:"count"`
}

// Sink holds the last value of each series. It is safe for concurrent use.
type Sink struct {
	// Keep is how long a series is shown after its last value.
	Keep time.Duration
	// Log gets what is wrong with datagrams; it may be nil.
	Log *slog.Logger

	mu        sync.Mutex
	series    map[string]*Series
	swept     time.Time
	lines     uint64
	malformed uint64
	now       func() time.Time
}

// New makes an empty sink.
func New(keep time.Duration, log *slog.Logger) *Sink {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Sink{Keep: cmp.Or(keep, DefaultKeep), Log: log, series: map[string]*Series{}, now: time.Now}
}

// Listen takes datagrams at unix:PATH or udp:HOST:PORT until ctx ends. A unix socket that
// another process left is replaced.
func (s *Sink) Listen(ctx context.Context, address string) error {
	at, err := metrics.ParseAddress(address)
	if err != nil {
		return fmt.Errorf("socket for metrics: %w", err)
	}
	if at.Network == "unixgram" {
		if err := os.Remove(at.Address); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("socket for metrics: %w", err)
		}
	}
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, at.Network, at.Address)
	if err != nil {
		return fmt.Errorf("socket for metrics: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	datagram := make([]byte, maxDatagram)
	for {
		n, _, err := conn.ReadFrom(datagram)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("socket for metrics: %w", err)
		}
		s.Take(datagram[:n])
	}
}

// Take notes the lines of one datagram.
func (s *Sink) Take(datagram []byte) {
	for text := range bytes.Lines(datagram) {
		line, err := metrics.Parse(text)
		if err != nil {
			s.Log.Warn("a datagram is no metric", "error", err)
		}
		s.note(line, err == nil)
	}
}

func (s *Sink) note(l metrics.Line, valid bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.sweep(now)
	if !valid {
		s.malformed++
		return
	}
	s.lines++
	key := seriesKey(l)
	found := s.series[key]
	if found == nil {
		if len(s.series) >= maxSeries {
			return
		}
		found = &Series{Metric: l.Metric, Account: l.Account, Namespace: l.Namespace, Dims: l.Dims}
		s.series[key] = found
	}
	found.Value, found.LastSeen = l.Value, now
	found.Count++
}

// sweep forgets what did not come for a while, now and then.
func (s *Sink) sweep(now time.Time) {
	if now.Sub(s.swept) < s.Keep/10 {
		return
	}
	s.swept = now
	maps.DeleteFunc(s.series, func(_ string, one *Series) bool { return now.Sub(one.LastSeen) > s.Keep })
}

// seriesKey is the same for values of one series alone.
func seriesKey(l metrics.Line) string {
	var b strings.Builder
	for _, part := range []string{l.Account, l.Namespace, l.Metric} {
		b.WriteString(part)
		b.WriteByte(0)
	}
	for _, name := range slices.Sorted(maps.Keys(l.Dims)) {
		b.WriteString(name)
		b.WriteByte(0)
		b.WriteString(l.Dims[name])
		b.WriteByte(0)
	}
	return b.String()
}

// Series are copies of those that contain every text of words in their name or in a
// dimension, in the order of their names.
func (s *Sink) Series(words ...string) []Series {
	s.mu.Lock()
	now := s.now()
	var found []Series
	for _, one := range s.series {
		if now.Sub(one.LastSeen) <= s.Keep && one.matches(words) {
			found = append(found, *one)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b Series) int {
		return cmp.Or(strings.Compare(a.Metric, b.Metric), strings.Compare(a.text(), b.text()))
	})
	return found
}

func (one *Series) matches(words []string) bool {
	for _, word := range words {
		if !strings.Contains(one.Metric, word) && !strings.Contains(one.text(), word) {
			return false
		}
	}
	return true
}

// text formats the dimensions for people.
func (one *Series) text() string {
	parts := make([]string, 0, len(one.Dims))
	for _, name := range slices.Sorted(maps.Keys(one.Dims)) {
		parts = append(parts, name+"="+one.Dims[name])
	}
	return strings.Join(parts, " ")
}
