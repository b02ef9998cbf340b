package monitor

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
)

// process is a pool whose beats the test makes.
type process struct {
	*Pool
	mu    sync.Mutex
	mine  []int
	until time.Time
}

func newProcess(s *store.Store, id string, ttl time.Duration) *process {
	p := &process{}
	p.Pool = &Pool{Workers: s.PoolWorkers, Name: store.MonitorPool, ID: id, TTL: ttl, Log: slog.New(slog.DiscardHandler), Assign: func(mine []int, until time.Time) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.mine, p.until = mine, until
	}}
	return p
}

func (p *process) has() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mine)
}

// beatAll makes one beat of each. One that fails is repeated by the next call, as by the next tick:
// a busy machine may take longer than a beat's limit, a quarter of the TTL.
func beatAll(t *testing.T, all ...*process) {
	t.Helper()
	for _, p := range all {
		if err := p.beat(t.Context()); err != nil {
			t.Log(err)
		}
	}
}

// sound reports whether every bucket has one process, of the same number of buckets.
func sound(all ...*process) bool {
	seen := map[int]bool{}
	for _, p := range all {
		if p.has() < store.Buckets/len(all) || p.has() > store.Buckets/len(all)+1 {
			return false
		}
		for _, b := range p.mine {
			if seen[b] {
				return false
			}
			seen[b] = true
		}
	}
	return len(seen) == store.Buckets
}

func TestProcessesShareTheBuckets(t *testing.T) {
	s := newStore(t)
	const ttl = 3 * time.Second
	a, b, c := newProcess(s, "a", ttl), newProcess(s, "b", ttl), newProcess(s, "c", ttl)
	eventually(t, "the first has all", func() bool { beatAll(t, a); return sound(a) })
	eventually(t, "three share", func() bool { beatAll(t, a, b, c); return sound(a, b, c) })
	before := append([]int{}, b.mine...)
	beatAll(t, a, b, c)
	if len(before) != len(b.mine) || before[0] != b.mine[0] {
		t.Error("buckets move without need")
	}
	// c says nothing any more.
	gone := time.Now()
	eventually(t, "two share", func() bool { beatAll(t, a, b); return sound(a, b) })
	if took := time.Since(gone); took < ttl-ttl/beats {
		t.Errorf("c was taken for dead after %s, before its time", took)
	}
}

func TestWhoLosesTheLeaseDecidesNothingAnyMore(t *testing.T) {
	s := newStore(t)
	const ttl = 2 * time.Second
	a, b := newProcess(s, "a", ttl), newProcess(s, "b", ttl)
	eventually(t, "a decides", func() bool { beatAll(t, a); return a.lease != nil && sound(a) })
	eventually(t, "b decides, and has all", func() bool { beatAll(t, b); return b.lease != nil && sound(b) })
	if !a.until.Before(time.Now()) {
		t.Error("a still thinks that it has its buckets")
	}
	eventually(t, "both share", func() bool { beatAll(t, b, a); return sound(a, b) })
	if a.lease != nil || b.lease == nil {
		t.Error("a still decides")
	}
}

func TestWhoLeavesIsNotWaitedFor(t *testing.T) {
	s := newStore(t)
	a, b := newProcess(s, "a", time.Hour), newProcess(s, "b", time.Hour)
	eventually(t, "both share", func() bool { beatAll(t, a, b); return sound(a, b) })
	check(t, a.leave(t.Context()))
	if a.has() != 0 {
		t.Error("a still has buckets")
	}
	eventually(t, "b has all", func() bool { beatAll(t, b); return sound(b) })
}

func TestSharesThatWereRemovedAreMadeAnew(t *testing.T) {
	s := newStore(t)
	a := newProcess(s, "a", time.Second)
	eventually(t, "a has all", func() bool { beatAll(t, a); return sound(a) })
	doc, err := s.PoolWorkers.Get(t.Context(), store.MonitorPool, store.MonitorPool)
	check(t, err)
	check(t, s.PoolWorkers.Delete(t.Context(), doc))
	eventually(t, "a has all again", func() bool { beatAll(t, a); return a.lease != nil && sound(a) })
}

func TestABeatThatFailsLeavesWhatWasAssigned(t *testing.T) {
	s := newStore(t)
	a := newProcess(s, "a", time.Hour)
	eventually(t, "a has all", func() bool { beatAll(t, a); return sound(a) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.beat(ctx); err == nil || !sound(a) {
		t.Errorf("after %v it has %d", err, a.has())
	}
}
