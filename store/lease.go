package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrLeaseLost means that another worker holds the document, or that it no longer
// exists. The caller must write nothing more.
var ErrLeaseLost = errors.New("lease lost")

// Due returns the value of Meta.Due for a document that can be claimed after d.
func Due(d time.Duration) *float64 {
	seconds := d.Seconds()
	return &seconds
}

// Lease is the exclusive right to work on one document. It expires by the
// database's clock after the document's last write. It is safe for concurrent use.
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
// means that another worker won, ErrNotFound that the document no longer exists. If
// the document still has an owner, that owner lost it, which Lost counts.
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

// Doc returns the last known state. It must not be changed.
func (l *Lease[T]) Doc() *T { return l.doc.Load() }

// Renewed returns the time from which the lease lasts, by this process's monotonic
// clock: the begin of the last write that took or renewed it.
func (l *Lease[T]) Renewed() time.Time { return *l.renewed.Load() }

// Save changes the document and renews the lease. change is called with the newest
// document, including concurrent writes, and may be called several times. If it
// returns ErrUnchanged nothing is written or renewed; any other error is returned
// unchanged.
func (l *Lease[T]) Save(ctx context.Context, change func(*T) error) error {
	return l.write(ctx, change, func(m *Meta) { m.Due = Due(l.ttl) })
}

// Renew restarts the lease's time, with as small a write as the database supports.
// It must be called before half of the time is over, so that one failure does not
// lose the lease. check is called with concurrent changes; if it returns an error,
// that is returned, nothing is written, and Doc is unchanged. A lease that was
// released meanwhile is lost: the document may have a new delay, which is kept.
func (l *Lease[T]) Renew(ctx context.Context, check func(*T) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released { // by another call, while this one waited
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

// Refresh reads the stored document into Doc, without a write. check is called
// first, as by Renew.
func (l *Lease[T]) Refresh(ctx context.Context, check func(*T) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return lost(l.read(ctx, check))
}

// read makes the newest version the last known one, unless another lease holds it
// or check returns an error.
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

// decode rejects a version that this lease does not hold.
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

// lost converts an error about a missing document to ErrLeaseLost.
func lost(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrLeaseLost, err)
	}
	return err
}

// Release changes the document and releases the lease. The document is due again
// after that time; nil means that there is no more work. If change returns
// ErrUnchanged the lease is still released.
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

// Delete removes the document while the lease is held.
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

// guarded calls act with a copy of the document; act writes it with its ETag. The
// last known version is tried first; the document is read only if that is no longer
// current.
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
