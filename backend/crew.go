package backend

import (
	"sync"

	"github.com/aro-rp/aro/store"
)

// crew keeps the count of what runs in this process, in all and for each
// subscription.
type crew struct {
	mu      sync.Mutex
	size    int
	running map[string]bool // by document
	busy    map[string]int  // by subscription
	idle    sync.WaitGroup
}

func newCrew(size int) *crew {
	return &crew{size: size, running: map[string]bool{}, busy: map[string]int{}}
}

func nameOf(d *store.ClusterDocument) string { return d.Partition + "/" + d.ID }

// take chooses, of documents in the order they became due, as many as there are
// free hands: again and again the first one of the subscription that has the
// least running. What it chose counts as running until it is done.
func (c *crew) take(due []*store.ClusterDocument) []*store.ClusterDocument {
	c.mu.Lock()
	defer c.mu.Unlock()
	var taken []*store.ClusterDocument
	for len(c.running) < c.size {
		var best *store.ClusterDocument
		for _, d := range due {
			if !c.running[nameOf(d)] && (best == nil || c.busy[d.Partition] < c.busy[best.Partition]) {
				best = d
			}
		}
		if best == nil {
			break
		}
		c.running[nameOf(best)] = true
		c.busy[best.Partition]++
		c.idle.Add(1)
		taken = append(taken, best)
	}
	return taken
}

// done gives the hand back that works on d, and reports whether it was the last one free.
func (c *crew) done(d *store.ClusterDocument) (wasFull bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wasFull = len(c.running) == c.size
	delete(c.running, nameOf(d))
	if c.busy[d.Partition]--; c.busy[d.Partition] == 0 {
		delete(c.busy, d.Partition)
	}
	c.idle.Done()
	return wasFull
}

func (c *crew) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.running)
}

func (c *crew) full() bool { return c.count() >= c.size }
