package store

import (
	"context"
	"sync"
	"time"
)

const (
	// renewTime bounds one read of the source of the keys.
	renewTime = 10 * time.Second
	// renewPause is the minimum time between two reads for the same reason, which
	// may be a key that does not exist.
	renewPause = 10 * time.Second
)

// renewal reads newer keys of a keyring.
type renewal struct {
	mu sync.Mutex
	// source is nil for keys that are never renewed.
	source func(context.Context) ([]byte, error)
	// read is when the source was last read, by the id of the missing key; empty
	// for no particular key.
	read map[string]time.Time
}

// Follow sets the source of the keys, for Renew. It must be called before the first
// use.
func (r *Keyring) Follow(source func(context.Context) ([]byte, error)) {
	r.renewal.source, r.renewal.read = source, map[string]time.Time{}
}

// Renew reads the keys again, unless that was just done: new ones are added, and
// the first of them encrypts from now on. Keys that are no longer in the source
// still decrypt. After an error nothing changes.
func (r *Keyring) Renew(ctx context.Context) error {
	r.renewal.mu.Lock()
	defer r.renewal.mu.Unlock()
	return r.renew(ctx, "")
}

// key returns a key. An unknown one has been created since by another process, so
// it is read from the source.
func (r *Keyring) key(id string) *sealKey {
	if k := r.current.Load().keys[id]; k != nil || r.renewal.source == nil {
		return k
	}
	r.renewal.mu.Lock()
	defer r.renewal.mu.Unlock()
	if k := r.current.Load().keys[id]; k != nil {
		return k
	}
	// The codec has no context. Its own error names the missing key.
	_ = r.renew(context.Background(), id)
	return r.current.Load().keys[id]
}

func (r *Keyring) renew(ctx context.Context, missing string) error {
	if r.renewal.source == nil || time.Since(r.renewal.read[missing]) < renewPause {
		return nil
	}
	r.renewal.read[missing] = time.Now()
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	text, err := r.renewal.source(ctx)
	if err != nil {
		return err
	}
	set, err := parseKeys(text)
	if err != nil {
		return err
	}
	old := r.current.Load()
	for _, raw := range old.raw {
		if id := keyID(raw); set.keys[id] == nil {
			set.keys[id] = old.keys[id]
			set.raw = append(set.raw, raw)
		}
	}
	r.current.Store(set)
	return nil
}
