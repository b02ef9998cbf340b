package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pinged is a driver that counts pings, which take 100 ms.
type pinged struct {
	Driver
	asked atomic.Int32
	away  atomic.Bool
}

func (p *pinged) Ping(context.Context) error {
	p.asked.Add(1)
	time.Sleep(100 * time.Millisecond)
	if p.away.Load() {
		return &UnavailableError{Cause: errors.New("away")}
	}
	return nil
}

func (p *pinged) Read(context.Context, *Container, string, string) (Record, error) {
	return Record{}, ErrNotFound
}

func TestManyWhoAskWhetherItIsReadyCostOnePing(t *testing.T) {
	keys := testKeys(t)
	synctest.Test(t, func(t *testing.T) {
		k := &pinged{}
		s := New(k, keys)
		ask := func(want error) {
			t.Helper()
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if err := s.Ping(t.Context()); !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
				})
			}
			all.Wait()
		}
		ask(nil)
		k.away.Store(true)
		ask(nil) // still fresh
		if got := k.asked.Load(); got != 1 {
			t.Errorf("%d pings for 40 questions within a second", got)
		}
		time.Sleep(pingValid)
		ask(ErrUnavailable)
		time.Sleep(pingValid)
		k.away.Store(false)
		ask(nil)
		if got := k.asked.Load(); got != 3 {
			t.Errorf("%d pings in three seconds", got)
		}

		time.Sleep(pingValid)
		hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := s.Ping(hasty); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that left got %v", err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("and takes the answer from others: %v", err)
		}
	})
}
