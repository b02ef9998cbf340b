package wait

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Party is what a step waits for.
type Party string

// The parties. While several are awaited the time counts for the first in this
// order, so that the times add up.
const (
	Installer Party = "installer"
	Cluster   Party = "cluster" // its API server
	Azure     Party = "azure"
	pause     Party = "pause" // until the next attempt
)

// Await records that the step of ctx waits for p until done is called. It is safe
// for concurrent use. Without a step in ctx it does nothing.
func Await(ctx context.Context, p Party) (done func()) {
	w, ok := ctx.Value(waitsKey{}).(*Waits)
	if !ok {
		return func() {}
	}
	w.change(p, 1)
	return func() { w.change(p, -1) }
}

type waitsKey struct{}

// Waits sums up the time that a step waits, by Party. The rest of its duration is
// its own work.
type Waits struct {
	now func() time.Time

	mu      sync.Mutex
	pending map[Party]int
	since   time.Time          // when pending last changed
	seconds map[string]float64 // by Party
}

// NewWaits continues from the times of earlier attempts of the step.
func NewWaits(now func() time.Time, earlier map[string]float64) *Waits {
	w := &Waits{now: now, pending: map[Party]int{}, seconds: map[string]float64{}}
	maps.Copy(w.seconds, earlier)
	return w
}

// In returns a context whose Await records in w.
func (w *Waits) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, waitsKey{}, w)
}

func (w *Waits) change(p Party, by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	for _, first := range []Party{Installer, Cluster, Azure} {
		if w.pending[first] > 0 {
			w.seconds[string(first)] += now.Sub(w.since).Seconds()
			break
		}
	}
	w.pending[p] += by
	w.since = now
}

// Sum returns the times until now, with the pauses added.
func (w *Waits) Sum(pauses time.Duration) map[string]float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := maps.Clone(w.seconds)
	if pauses > 0 {
		sum[string(pause)] += pauses.Seconds()
	}
	return sum
}
