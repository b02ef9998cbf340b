package wait

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Party is somebody a step waits for.
type Party string

// The parties. A moment in which several are awaited counts for the first of
// them, so that their times add up.
const (
	Installer Party = "installer"
	Cluster   Party = "cluster" // its API server
	Azure     Party = "azure"
	pause     Party = "pause" // until the next attempt
)

// Await tells that the step of ctx waits for p until done is called. What waits
// in parallel may tell so at the same time. Without a step it does nothing.
func Await(ctx context.Context, p Party) (done func()) {
	w, ok := ctx.Value(waitsKey{}).(*Waits)
	if !ok {
		return func() {}
	}
	w.change(p, 1)
	return func() { w.change(p, -1) }
}

type waitsKey struct{}

// Waits adds up for whom a step waits: what is left of its time is its own work.
type Waits struct {
	now func() time.Time

	mu      sync.Mutex
	pending map[Party]int
	since   time.Time          // when pending changed last
	seconds map[string]float64 // by Party
}

// NewWaits goes on from what earlier attempts of the step waited.
func NewWaits(now func() time.Time, earlier map[string]float64) *Waits {
	w := &Waits{now: now, pending: map[Party]int{}, seconds: map[string]float64{}}
	maps.Copy(w.seconds, earlier)
	return w
}

// In is a context whose Await tells w.
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

// Sum is what the step waited until now, and pauses for besides.
func (w *Waits) Sum(pauses time.Duration) map[string]float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := maps.Clone(w.seconds)
	if pauses > 0 {
		sum[string(pause)] += pauses.Seconds()
	}
	return sum
}
