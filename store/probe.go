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

// ErrWrongKeys means that the configured keys are not those with which the database
// is encrypted: other processes could not decrypt what this one writes.
var ErrWrongKeys = errors.New("the encryption keys are not those of the database")

// ProbeDocument is encrypted with the keys of the database, to check the keys of a
// process.
type ProbeDocument struct {
	Meta

	Probe model.Secret `json:"probe"`
}

const (
	probePartition = "keys"
	probeID        = "probe"
	probeText      = "opens"
	// sampled is how many clusters are checked in a database without a probe.
	sampled = 100
)

// CheckKeys returns ErrWrongKeys if the keys are not those of the database. The
// first process of a database writes a probe for later ones. It must be called
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
		return s.tryProbe(ctx) // another process created it first
	}
	return err
}

// tryProbe decrypts the probe, and encrypts it again with the newest key if needed.
// It returns ErrNotFound if there is none.
func (s *Store) tryProbe(ctx context.Context) error {
	r, err := s.driver.Read(ctx, s.probes.container, probePartition, probeID)
	if err != nil {
		return s.probes.name(probeID, err)
	}
	if _, unreadable := s.probes.decoded(r); unreadable != nil {
		return fmt.Errorf("%w: %s", ErrWrongKeys, unreadable.Reason)
	}
	// Keys of an earlier release are kept: its processes may be running.
	newest := s.documents.keys.current.Load().newest
	if boxKey(r.Secrets) == newest.id || bytes.Contains(r.Body, []byte(newest.bound)) {
		return nil
	}
	_, err = s.probes.Update(ctx, probePartition, probeID, func(*ProbeDocument) error { return nil })
	if errors.Is(err, ErrPreconditionFailed) {
		return nil // others encrypt it concurrently
	}
	return err
}

// tryClusters checks the keys of a database without a probe by whether they decrypt
// any cluster.
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

// keysFail returns nil if the probe can be decrypted, and if there is none.
func (s *Store) keysFail(ctx context.Context) error {
	if err := s.tryProbe(ctx); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// HasDocuments reports whether the database has any document.
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
	// pingValid is how long a result of Ping is cached for all callers.
	pingValid   = time.Second
	pingTimeout = 5 * time.Second
)

// pings check the database: one at a time, with a cached result, because a check
// costs a write and callers are not authenticated.
type pings struct {
	mu   sync.Mutex
	last *pingResult
}

type pingResult struct {
	done chan struct{}
	// at and err may be read after done.
	at  time.Time
	err error
}

func (a *pingResult) stale() bool {
	select {
	case <-a.done:
		return time.Since(a.at) >= pingValid
	default:
		return false
	}
}

// Ping checks that the database can be read and written with the current keys. The
// result is at most a second old.
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

// current returns the running check, or the last one while it is valid.
func (p *pings) current(check func(context.Context) error) *pingResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil && !p.last.stale() {
		return p.last
	}
	a := &pingResult{done: make(chan struct{})}
	p.last = a
	go func() { // it must not end with the first request
		ctx, cancel := context.WithTimeout(context.Background(), pingTimeout)
		defer cancel()
		a.err = check(ctx)
		a.at = time.Now()
		close(a.done)
	}()
	return a
}
