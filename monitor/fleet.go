package monitor

import (
	"container/heap"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/monitor/collectors"
	"github.com/aro-rp/aro/store"
)

// fleet is all clusters, and when each of those that this process has is looked at next.
type fleet struct {
	// interval is the time between two looks at a cluster; gained spreads the first looks
	// at clusters that another process had.
	interval, gained time.Duration
	now              func() time.Time
	// changed is signalled when there may be something to do sooner than before.
	changed chan struct{}

	mu            sync.Mutex
	clusters      map[key]*member
	subscriptions map[string]model.SubscriptionState
	buckets       [store.Buckets]bool
	until         time.Time // the buckets are ours
	began         bool      // buckets were assigned before
	queue         queue
	skipped       map[string]time.Time // when a missing subscription was last told
}

// member is one cluster of the fleet.
type member struct {
	key
	uid    string
	bucket int
	// cluster is nil until the cluster's document was read by the process that has it.
	cluster *collectors.Cluster

	due      time.Time
	index    int // in the queue; -1 if it is not there
	running  bool
	failures int // looks in a row that the cluster did not answer
	last     time.Time
	lastNSG  time.Time

	// stored is what is known of the stored result; gained means that another process may
	// have stored one since.
	stored stored
	gained bool
}

func newFleet(interval time.Duration, now func() time.Time) *fleet {
	return &fleet{interval: interval, gained: min(interval, gainedWithin), now: now, changed: make(chan struct{}, 1), clusters: map[key]*member{},
		subscriptions: map[string]model.SubscriptionState{}, skipped: map[string]time.Time{}}
}

// gainedWithin is how soon clusters are looked at whose process is gone.
const gainedWithin = 10 * time.Second

// key names a cluster's document.
type key struct{ partition, id string }

// put notes a cluster as its document is now. seen is nil for one that is not looked at.
func (f *fleet) put(partition, id, uid string, seen *collectors.Cluster) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := key{partition, id}
	m := f.clusters[at]
	if m != nil && m.uid != uid || seen == nil {
		f.drop(at)
		m = nil
	}
	if seen == nil {
		return
	}
	if m == nil {
		// What is kept shares no memory with the document, and one text with all clusters of a subscription.
		at = key{unique.Make(partition).Value(), strings.Clone(id)}
		m = &member{key: at, uid: strings.Clone(uid), bucket: store.BucketOf(uid), index: -1}
		f.clusters[at] = m
	}
	if m.cluster = nil; f.buckets[m.bucket] {
		m.cluster = seen
		f.enqueue(m, f.interval)
	}
}

// remove forgets a cluster, if it is the one with that UID.
func (f *fleet) remove(partition, id, uid string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := (key{partition, id}); f.clusters[at] != nil && f.clusters[at].uid == uid {
		f.drop(at)
	}
}

func (f *fleet) drop(at key) {
	if m := f.clusters[at]; m != nil {
		delete(f.clusters, at)
		f.dequeue(m)
	}
}

// assign makes buckets those of this process, until that time.
func (f *fleet) assign(mine []int, until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var now [store.Buckets]bool
	for _, b := range mine {
		now[b] = true
	}
	before := f.buckets
	f.buckets, f.until = now, until
	if before == now {
		f.signal()
		return
	}
	spread := f.gained
	if !f.began {
		spread, f.began = f.interval, len(mine) > 0
	}
	for _, m := range f.clusters {
		switch {
		case !now[m.bucket]:
			m.cluster = nil
			f.dequeue(m)
		case !before[m.bucket]:
			m.gained = true
			f.enqueue(m, spread)
		}
	}
}

// enqueue schedules a check of a cluster within that time, unless one is scheduled already.
func (f *fleet) enqueue(m *member, within time.Duration) {
	if m.index >= 0 || m.running {
		return
	}
	m.due = f.now().Add(rand.N(within))
	heap.Push(&f.queue, m)
	f.signal()
}

func (f *fleet) dequeue(m *member) {
	if m.index >= 0 {
		heap.Remove(&f.queue, m.index)
	}
}

func (f *fleet) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// next returns the cluster that has been due the longest, or the time until one is due.
func (f *fleet) next() (m *member, wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if len(f.queue) == 0 || !now.Before(f.until) {
		return nil, f.interval
	}
	if wait := f.queue[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	m = heap.Pop(&f.queue).(*member)
	if m.running = true; m.gained {
		m.stored, m.gained = stored{}, false
	}
	return m, 0
}

// done has a cluster looked at again: after the interval, or later the more often it has
// not answered. began is when the look began.
func (f *fleet) done(m *member, began time.Time, answered bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.running, m.last = false, began
	if m.failures++; answered {
		m.failures = 0
	}
	if f.clusters[m.key] != m || !f.buckets[m.bucket] {
		return
	}
	m.due = began.Add(backoff(f.interval, m.failures))
	if now := f.now(); m.due.Before(now) {
		m.due = now
	}
	heap.Push(&f.queue, m)
	f.signal()
}

// slowest is the longest time between two looks at a cluster that does not answer, if
// the interval is shorter: what is mended is to show soon.
const slowest = 2 * time.Minute

// backoff is the time from one look to the next, after so many without an answer.
func backoff(interval time.Duration, failures int) time.Duration {
	longest := max(interval, slowest)
	if failures == 0 {
		return interval
	}
	const doubles = 16
	return min(interval<<min(failures-1, doubles), longest)
}

// size is how many clusters there are, and how many of them this process has.
func (f *fleet) size() (all, mine, running int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.clusters {
		if f.buckets[m.bucket] {
			mine++
		}
		if m.running {
			running++
		}
	}
	return len(f.clusters), mine, running
}

// queue is a heap of clusters by when they are due.
type queue []*member

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	m := x.(*member)
	m.index = len(*q)
	*q = append(*q, m)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	m := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	m.index = -1
	return m
}
