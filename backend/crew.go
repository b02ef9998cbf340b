package backend

import (
	"context"
	"slices"
	"sync"
)

// place is where a document is.
type place struct{ partition, id string }

// crew keeps the count of the operations of this process, in all and for each
// subscription: those that a hand is at, and those that are held, which need none
// until their next attempt.
type crew struct {
	mu sync.Mutex
	// size is how many hands there are, room how many operations may be held.
	size, room int
	kept       map[place]*kept
	hands      int            // in use
	busy       map[string]int // hands by subscription
	held       int
	// ready want a hand again: by subscription, the longest waiting first.
	ready map[string][]*kept
	// starved: there may be new work in the database that found no hand. It and those
	// that are ready are served in turn; ourTurn says that it is the turn of the ready.
	starved, ourTurn bool
	idle             sync.WaitGroup
}

// kept is one operation of this process.
type kept struct {
	place
	isHeld bool
	hand   chan struct{} // gets one when a hand takes it up again
	nudge  chan struct{} // gets one when somebody else wrote the document
}

func newCrew(size, room int) *crew {
	return &crew{size: size, room: room, kept: map[place]*kept{}, busy: map[string]int{}, ready: map[string][]*kept{}}
}

// take chooses, of documents in the order they became due, as many as there are
// free hands: again and again the first one of the subscription that has the
// least running. What it chose is kept until it is done.
func (c *crew) take(due []place) (taken []*kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.hands < c.size {
		var best *place
		for i, p := range due {
			if c.kept[p] == nil && (best == nil || c.busy[p.partition] < c.busy[best.partition]) {
				best = &due[i]
			}
		}
		if best == nil {
			break
		}
		k := &kept{place: *best, hand: make(chan struct{}, 1), nudge: make(chan struct{}, 1)}
		c.kept[k.place] = k
		c.employ(k)
		c.idle.Add(1)
		c.ourTurn = true
		taken = append(taken, k)
	}
	return taken
}

func (c *crew) employ(k *kept) {
	c.hands++
	c.busy[k.partition]++
}

func (c *crew) dismiss(k *kept) {
	c.hands--
	if c.busy[k.partition]--; c.busy[k.partition] == 0 {
		delete(c.busy, k.partition)
	}
}

// isFull reports whether there is no free hand. Then one of the next is for new work.
func (c *crew) isFull() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hands < c.size {
		return false
	}
	c.starved = true
	return true
}

// hold gives the hand back that is at k, which stays kept, if there is room. It
// reports whether new work is to be looked for.
func (c *crew) hold(k *kept) (ok, look bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held >= c.room {
		return false, false
	}
	c.held++
	k.isHeld = true
	c.dismiss(k)
	return true, c.serve()
}

// resume waits until a hand is free for k.
func (c *crew) resume(ctx context.Context, k *kept) (look bool, err error) {
	c.mu.Lock()
	c.ready[k.partition] = append(c.ready[k.partition], k)
	look = c.serve()
	c.mu.Unlock()
	select {
	case <-k.hand:
		return look, nil
	case <-ctx.Done():
		return look, context.Cause(ctx)
	}
}

// serve gives free hands to those that are ready, but for one that is new work's. It
// reports whether new work is to be looked for.
func (c *crew) serve() (look bool) {
	for c.hands < c.size && len(c.ready) > 0 && (!c.starved || c.ourTurn) {
		k := c.nextReady()
		c.leave(k)
		c.held--
		k.isHeld = false
		c.employ(k)
		c.ourTurn = false
		k.hand <- struct{}{}
	}
	return c.starved && c.hands < c.size
}

// nextReady is the first of the subscription that has the least running.
func (c *crew) nextReady() *kept {
	best, found := "", false
	for subscription := range c.ready {
		if !found || c.busy[subscription] < c.busy[best] {
			best, found = subscription, true
		}
		if c.busy[best] == 0 {
			break // there may be thousands
		}
	}
	return c.ready[best][0]
}

// leave takes k, if it is there, out of those that are ready.
func (c *crew) leave(k *kept) {
	line := c.ready[k.partition]
	if i := slices.Index(line, k); i >= 0 {
		line = slices.Delete(line, i, i+1)
	}
	if c.ready[k.partition] = line; len(line) == 0 {
		delete(c.ready, k.partition)
	}
}

// sated says that no new work is left.
func (c *crew) sated() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.starved = false
	c.serve()
}

// done ends the keeping of k. It reports whether new work is to be looked for.
func (c *crew) done(k *kept) (look bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.isHeld {
		c.leave(k) // it may have given up waiting for a hand
		c.held--
	} else {
		c.dismiss(k)
	}
	delete(c.kept, k.place)
	c.idle.Done()
	return c.serve()
}

// nudge tells the operation of a document that somebody else wrote that, if it is kept here.
func (c *crew) nudge(p place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.kept[p]; k != nil {
		select {
		case k.nudge <- struct{}{}:
		default:
		}
	}
}

func (c *crew) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.kept)
}
