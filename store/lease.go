package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrLeaseLost means that another worker holds the document now, or it is gone. Whoever
// gets it must write nothing more.
var ErrLeaseLost = errors.New("lease lost")

// Due is the value of Meta.Due for a document that may be claimed after d.
func Due(d time.Duration) *float64 {
	seconds := d.Seconds()
	return &seconds
}

// Lease is the right to work on one document. Its time runs by the database's
// clock from the document's last write. Safe for concurrent use.
type Lease[T any] struct {
	collection *Collection[T]
	owner      string
	fence      int64
	ttl        time.Duration

	doc     atomic.Pointer[T]
	renewed atomic.Pointer[time.Time]

	mu       sync.Mutex // serialises writes
	latest   Record
	released bool
}

// Claim takes the lease of a due document as owner for ttl. ErrPreconditionFailed
// means that another worker won, ErrNotFound that the document is gone. A document
// that still has an owner was lost by that owner, and Lost says so.
func (c *Collection[T]) Claim(ctx context.Context, doc *T, owner string, ttl time.Duration) (*Lease[T], error) {
	claimed, begun := *doc, time.Now()
	m := metaOf(&claimed)
	if m.Owner != "" {
		m.Lost++
	}
	m.Fence++
	m.Owner, m.Due = owner, Due(ttl)
	written, err := c.replace(ctx, &claimed)
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	l := &Lease[T]{collection: c, owner: owner, fence: m.Fence, ttl: ttl, latest: written}
	l.doc.Store(&claimed)
	l.renewed.Store(&begun)
	return l, nil
}

// Doc is the last known state. It is not to be changed.
func (l *Lease[T]) Doc() *T { return l.doc.Load() }

// Renewed is since when the lease lasts for its time, by this process's monotonic clock:
// when the last write began that took or renewed it, whoever made that write.
func (l *Lease[T]) Renewed() time.Time { return *l.renewed.Load() }

// Save changes the document and renews the lease. change sees the newest
// document, with what others wrote meanwhile, and may run several times. If it
// returns ErrUnchanged nothing is written and nothing renewed; any other error is
// returned as it is.
func (l *Lease[T]) Save(ctx context.Context, change func(*T) error) error {
	return l.write(ctx, change, func(m *Meta) { m.Due = Due(l.ttl) })
}

// Renew starts the lease's time anew, in a write as small as the database can make
// it. Call it before half the time is over: one lost beat must not cost the lease.
// What others wrote meanwhile is shown to check; if it returns an error, that is
// returned, nothing is written, and Doc stays as it was. A lease that was given back
// meanwhile is lost: the document may have a new delay, which is to stand.
func (l *Lease[T]) Renew(ctx context.Context, check func(*T) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released { // by another call, while this one waited for it
		return ErrLeaseLost
	}
	stale := false
	return lost(RetryOnPreconditionFailed(ctx, func() error {
		if stale {
			if err := l.read(ctx, check); err != nil {
				return err
			}
		}
		stale = true
		begun := time.Now()
		renewed, err := l.collection.driver.Postpone(ctx, l.collection.container, l.latest, l.ttl)
		if err != nil {
			return l.collection.name(l.latest.ID, err)
		}
		l.latest = renewed
		l.renewed.Store(&begun)
		return nil
	}))
}

// Refresh makes Doc what is stored now, without a write. What others wrote is shown
// to check first, as by Renew.
func (l *Lease[T]) Refresh(ctx context.Context, check func(*T) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return lost(l.read(ctx, check))
}

// read makes the newest version the last known one, unless it is not this lease's
// or check refuses it.
func (l *Lease[T]) read(ctx context.Context, check func(*T) error) error {
	now, err := l.collection.driver.Read(ctx, l.collection.container, l.latest.Partition, l.latest.ID)
	if err != nil {
		return l.collection.name(l.latest.ID, err)
	}
	if now.ETag == l.latest.ETag {
		return nil
	}
	doc, err := l.decode(ctx, now)
	if err != nil {
		return err
	}
	if err := check(doc); err != nil {
		return err
	}
	l.latest = now
	l.doc.Store(doc)
	return nil
}

// decode refuses a version that this lease does not hold.
func (l *Lease[T]) decode(ctx context.Context, r Record) (*T, error) {
	doc, err := l.collection.decode(ctx, r)
	if err != nil {
		return nil, err
	}
	if m := metaOf(doc); m.Owner != l.owner || m.Fence != l.fence {
		return nil, ErrLeaseLost
	}
	return doc, nil
}

// lost is what it means for a lease that its document is gone.
func lost(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrLeaseLost, err)
	}
	return err
}

// Release changes the document and gives the lease back. The document is due
// again after that time; nil means that no work is left. An ErrUnchanged of
// change still gives the lease back.
func (l *Lease[T]) Release(ctx context.Context, change func(*T) error, after *time.Duration) error {
	always := func(doc *T) error {
		if err := change(doc); !errors.Is(err, ErrUnchanged) {
			return err
		}
		return nil
	}
	return l.write(ctx, always, func(m *Meta) {
		m.Owner, m.Due = "", nil
		if after != nil {
			m.Due = Due(*after)
		}
	})
}

// Delete removes the document while the lease holds.
func (l *Lease[T]) Delete(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.guarded(ctx, func(doc *T) error {
		err := l.collection.Delete(ctx, doc)
		l.released = err == nil
		return err
	})
}

func (l *Lease[T]) write(ctx context.Context, change func(*T) error, then func(*Meta)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.guarded(ctx, func(doc *T) error {
		if err := change(doc); err != nil {
			return err
		}
		m := metaOf(doc)
		m.Owner, m.Fence = l.owner, l.fence
		then(m)
		begun := time.Now()
		written, err := l.collection.replace(ctx, doc)
		if err != nil {
			return err
		}
		l.latest, l.released = written, m.Owner == ""
		l.doc.Store(doc)
		l.renewed.Store(&begun)
		return nil
	})
	if errors.Is(err, ErrUnchanged) {
		return nil
	}
	return err
}

// guarded gives a fresh copy of the document to act, which writes under its ETag.
// The last known version is tried first; only if it is not current any more the
// document is read.
func (l *Lease[T]) guarded(ctx context.Context, act func(*T) error) error {
	newest, stale := l.latest, false
	return lost(RetryOnPreconditionFailed(ctx, func() (err error) {
		if stale {
			if newest, err = l.collection.driver.Read(ctx, l.collection.container, newest.Partition, newest.ID); err != nil {
				return l.collection.name(l.latest.ID, err)
			}
		}
		stale = true
		doc, err := l.decode(ctx, newest)
		if err != nil {
			return err
		}
		return act(doc)
	}))
}
