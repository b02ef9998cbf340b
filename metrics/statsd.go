package metrics

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// DefaultQueue is how many metrics wait at most while the agent does not take any.
	DefaultQueue = 1024
	// staleAfter is the age at which a metric is not worth sending any more.
	staleAfter = time.Minute
	// writeTimeout bounds one write: a socket whose reader is slow takes no more.
	writeTimeout = 10 * time.Second
	// redialPause is the time between two attempts to reach the agent.
	redialPause = time.Second
	// complainEvery is the least time between two lines in the log.
	complainEvery = time.Minute
	// gather is the time for which metrics are collected before they are sent: those of a check of a
	// cluster are emitted one by one, and need not wake the process for each.
	gather = 50 * time.Millisecond
	// tries is how often one metric is written: a reader that was restarted shows in an
	// error of the first write after it.
	tries = 2
)

// Options configure where a StatsD sends, and what it adds. Address is required.
type Options struct {
	Address Address
	// Account and Namespace of MDM; * if empty.
	Account, Namespace string
	// Dimensions are added to every metric, and win over those of the caller.
	Dimensions map[string]string
	// Queue is how many metrics may wait; DefaultQueue if 0.
	Queue int
	// Optional means that nothing needs to listen, as in development: a missing listener is not
	// logged.
	Optional bool
	// Log defaults to silence, Now to the clock.
	Log *slog.Logger
	Now func() time.Time
}

// StatsD is an Emitter that sends to an agent. Run sends; until then, and while the
// agent does not take them, metrics wait in a queue, which drops the oldest.
type StatsD struct {
	Options

	wake chan struct{}

	mu    sync.Mutex
	queue []entry // a ring
	first int
	count int
	lost  map[Loss]uint64
	sent  uint64

	conn       net.Conn
	complained time.Time
}

// entry is a line and when it was emitted.
type entry struct {
	line []byte
	at   time.Time
}

// Loss is why a metric was not sent.
type Loss string

// The losses.
const (
	Dropped   Loss = "dropped"   // the queue was full
	Stale     Loss = "stale"     // it waited for too long
	Unwritten Loss = "unwritten" // the agent did not take it
)

// New makes an emitter. Only what it holds is made: nothing is dialled.
func New(o Options) *StatsD {
	o.Account, o.Namespace = cmp.Or(o.Account, "*"), cmp.Or(o.Namespace, "*")
	o.Queue = cmp.Or(o.Queue, DefaultQueue)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &StatsD{Options: o, wake: make(chan struct{}, 1), queue: make([]entry, o.Queue),
		lost: map[Loss]uint64{Dropped: 0, Stale: 0, Unwritten: 0}}
}

// EmitGauge implements Emitter.
func (s *StatsD) EmitGauge(name string, value int64, dims map[string]string) {
	s.emit(name, gaugeValue(value), dims)
}

// EmitFloat implements Emitter.
func (s *StatsD) EmitFloat(name string, value float64, dims map[string]string) {
	s.emit(name, floatValue(value), dims)
}

func (s *StatsD) emit(name, value string, dims map[string]string) {
	now := s.Now()
	line := head{Metric: name, Account: s.Account, Namespace: s.Namespace, Dims: dims, TS: now.UTC().Format(timeLayout)}.text(s.Dimensions, value)
	s.push(entry{line, now})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// push appends to the ring. A full ring drops its oldest entry, because newer values are worth
// more.
func (s *StatsD) push(e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == len(s.queue) {
		s.lost[Dropped]++
		s.first = (s.first + 1) % len(s.queue)
		s.count--
	}
	s.queue[(s.first+s.count)%len(s.queue)] = e
	s.count++
}

func (s *StatsD) pop() (e entry, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 {
		return entry{}, false
	}
	e, s.queue[s.first] = s.queue[s.first], entry{}
	s.first = (s.first + 1) % len(s.queue)
	s.count--
	return e, true
}

// Run sends until ctx ends, and then what is left as far as the agent takes it at once.
func (s *StatsD) Run(ctx context.Context) error {
	defer s.hangUp()
	for {
		for e, ok := s.pop(); ok; e, ok = s.pop() {
			s.send(ctx, e)
		}
		select {
		case <-s.wake:
			_ = pause(ctx, gather)
		case <-ctx.Done():
			for e, ok := s.pop(); ok && s.conn != nil; e, ok = s.pop() {
				s.send(ctx, e)
			}
			return nil
		}
	}
}

// send writes one metric, unless it becomes stale before the agent can be reached.
func (s *StatsD) send(ctx context.Context, e entry) {
	for try := 1; ; {
		if s.Now().Sub(e.at) > staleAfter {
			s.lose(Stale)
			return
		}
		if !s.dial(ctx) {
			if !pause(ctx, redialPause) {
				s.lose(Unwritten)
				return
			}
			continue
		}
		err := s.write(e.line)
		if err == nil {
			s.mu.Lock()
			s.sent++
			s.mu.Unlock()
			return
		}
		s.complain("a metric was not written", err)
		if errors.Is(err, syscall.EMSGSIZE) || try == tries {
			s.lose(Unwritten)
			return
		}
		s.hangUp() // whatever it was: a socket may answer the same for ever
		try++
	}
}

func (s *StatsD) write(line []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(line)
	return err
}

func (s *StatsD) dial(ctx context.Context) bool {
	if s.conn != nil {
		return true
	}
	dialer := net.Dialer{Timeout: writeTimeout}
	conn, err := dialer.DialContext(ctx, s.Address.Network, s.Address.Address)
	if err != nil {
		if !s.Optional {
			s.complain("the metrics are not received", err)
		}
		return false
	}
	s.conn = conn
	return true
}

func (s *StatsD) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

func (s *StatsD) lose(why Loss) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost[why]++
}

// Sent is the number of metrics that the agent accepted.
func (s *StatsD) Sent() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// Lost is how many metrics were not sent for that reason.
func (s *StatsD) Lost(why Loss) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost[why]
}

// complain logs at most once in a while: one broken socket is one problem.
func (s *StatsD) complain(what string, err error) {
	if now := time.Now(); now.Sub(s.complained) >= complainEvery {
		s.complained = now
		s.Log.Warn(what, "address", s.Address.String(), "error", err)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Register counts for Prometheus what was sent and lost, of which that kind of metrics.
func (s *StatsD) Register(r prometheus.Registerer, kind string) error {
	of := prometheus.Labels{"kind": kind}
	return r.Register(losses{s,
		prometheus.NewDesc("aro_mdm_sent_total", "Metrics that the agent of MDM took, by kind: service or clusters.", nil, of),
		prometheus.NewDesc("aro_mdm_lost_total", "Metrics that the agent of MDM did not get, by reason: the queue was full (dropped), they waited for too long (stale), or it did not take them (unwritten).", []string{"reason"}, of)})
}

// losses are the counts of a StatsD.
type losses struct {
	of         *StatsD
	sent, lost *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (l losses) Describe(ch chan<- *prometheus.Desc) {
	ch <- l.sent
	ch <- l.lost
}

// Collect implements prometheus.Collector.
func (l losses) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(l.sent, prometheus.CounterValue, float64(l.of.Sent()))
	for _, why := range []Loss{Dropped, Stale, Unwritten} {
		ch <- prometheus.MustNewConstMetric(l.lost, prometheus.CounterValue, float64(l.of.Lost(why)), string(why))
	}
}
