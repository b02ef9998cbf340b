package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aro-rp/aro/model"
)

// ErrWrongKeys means that the keys at hand are not those that the database is
// sealed with: what this process sealed nobody else could read.
var ErrWrongKeys = errors.New("the encryption keys are not those of the database")

// ProbeDocument is sealed with the keys of the database, and opens with them alone.
type ProbeDocument struct {
	Meta

	Probe model.Secret `json:"probe"`
}

const (
	probePartition = "keys"
	probeID        = "probe"
	probeText      = "opens"
	// sampled is how many clusters are tried in a database that has no probe yet.
	sampled = 100
)

// CheckKeys reports whether the keys are those of the database, an ErrWrongKeys if
// not. The first process on a database leaves a probe for those after it. It belongs
// before anything else is read or written.
func (s *Store) CheckKeys(ctx context.Context) error {
	err := s.tryProbe(ctx)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := s.tryClusters(ctx); err != nil {
		return err
	}
	probe := &ProbeDocument{Meta: Meta{ID: probeID, Partition: probePartition}, Probe: probeText}
	err = s.probes.Create(ctx, probe)
	if errors.As(err, new(*ConflictError)) {
		return s.tryProbe(ctx) // another process was faster
	}
	return err
}

// tryProbe opens the probe, and has it sealed with the newest key. It returns
// ErrNotFound if there is none.
func (s *Store) tryProbe(ctx context.Context) error {
	r, err := s.driver.Read(ctx, s.probes.container, probePartition, probeID)
	if err != nil {
		return s.probes.name(probeID, err)
	}
	if _, unreadable := s.probes.decoded(r); unreadable != nil {
		return fmt.Errorf("%w: %s", ErrWrongKeys, unreadable.Reason)
	}
	// What an earlier release sealed with this key stays: processes of it may be running.
	newest := s.documents.keys.current.Load().newest
	if boxKey(r.Secrets) == newest.id || bytes.Contains(r.Body, []byte(newest.bound)) {
		return nil
	}
	_, err = s.probes.Update(ctx, probePartition, probeID, func(*ProbeDocument) error { return nil })
	if errors.Is(err, ErrPreconditionFailed) {
		return nil // others seal it at the same time
	}
	return err
}

// tryClusters judges the keys of a database that is older than its probe by
// whether they open anything.
func (s *Store) tryClusters(ctx context.Context) error {
	records, _, err := s.driver.List(ctx, s.Clusters.container, Query{Limit: sampled, Secrets: true})
	if err != nil {
		return s.Clusters.name("list", err)
	}
	var missing *UnreadableError
	for _, r := range records {
		_, unreadable := s.Clusters.decoded(r)
		if unreadable == nil && s.documents.keys.sealed(r) {
			return nil
		}
		if unreadable != nil && unreadable.keyMissing {
			missing = unreadable
		}
	}
	if missing != nil {
		return fmt.Errorf("%w: %s: %s", ErrWrongKeys, missing.ID, missing.Reason)
	}
	return nil
}

// keysFail is nil while the probe opens, and where there is none.
func (s *Store) keysFail(ctx context.Context) error {
	if err := s.tryProbe(ctx); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// HasDocuments reports whether there is anything in the database.
func HasDocuments(ctx context.Context, k Driver) (bool, error) {
	for _, c := range Containers() {
		records, _, err := k.List(ctx, c, Query{Limit: 1})
		if err != nil || len(records) > 0 {
			return len(records) > 0, err
		}
	}
	return false, nil
}

const (
	// pingValid is how long one answer of the database serves everybody who asks.
	pingValid   = time.Second
	pingTimeout = 5 * time.Second
)

// pings ask the database how it is: one at a time, and not again while the answer
// is fresh, for it costs a write and anybody may ask.
type pings struct {
	mu   sync.Mutex
	last *asked
}

type asked struct {
	done chan struct{}
	// at and err are to be read after done.
	at  time.Time
	err error
}

func (a *asked) stale() bool {
	select {
	case <-a.done:
		return time.Since(a.at) >= pingValid
	default:
		return false
	}
}

// Ping answers whether the database can be read and written with the keys at hand,
// as it was at most a second ago.
func (s *Store) Ping(ctx context.Context) error {
	a := s.pings.current(func(ctx context.Context) error {
		if err := s.driver.Ping(ctx); err != nil {
			return err
		}
		return s.keysFail(ctx)
	})
	select {
	case <-a.done:
	case <-ctx.Done():
		return fmt.Errorf("store: %w", &UnavailableError{Cause: ctx.Err()})
	}
	if a.err != nil {
		return fmt.Errorf("store: %w", a.err)
	}
	return nil
}

// current is the question under way, or the last one while it is fresh.
func (p *pings) current(ask func(context.Context) error) *asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil && !p.last.stale() {
		return p.last
	}
	a := &asked{done: make(chan struct{})}
	p.last = a
	go func() { // its end is not that of the request that was first
		ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
		defer cancel()
		a.err = ask(ctx)
		a.at = time.Now()
		close(a.done)
	}()
	return a
}
