package store

import (
	"context"
	"sync"
	"time"
)

const (
	// renewTime bounds one look at the source of the keys.
	renewTime = 10 * time.Second
	// renewPause is the least time between two looks for the same reason, which may
	// be a key that is nowhere.
	renewPause = 10 * time.Second
)

// renewal is how a keyring learns of keys that are newer than itself.
type renewal struct {
	mu sync.Mutex
	// source is nil for keys that are never renewed.
	source func(context.Context) ([]byte, error)
	// looked is when the source was last read, by the id of the key that was wanted;
	// the empty id stands for no particular one.
	looked map[string]time.Time
}

// Follow names where the text of the keys comes from, for Renew. It belongs before
// the first use.
func (r *Keyring) Follow(source func(context.Context) ([]byte, error)) {
	r.renewal.source, r.renewal.looked = source, map[string]time.Time{}
}

// Renew reads the keys again, unless that was done just now: new ones are taken up,
// and the first of them seals from now on. Keys that are gone from the source still
// open what they sealed. On an error everything stays.
func (r *Keyring) Renew(ctx context.Context) error {
	r.renewal.mu.Lock()
	defer r.renewal.mu.Unlock()
	return r.renew(ctx, "")
}

// key finds a key. One that is not known was made since by whoever sealed with it,
// so that the source has it.
func (r *Keyring) key(id string) *sealKey {
	if k := r.current.Load().keys[id]; k != nil || r.renewal.source == nil {
		return k
	}
	r.renewal.mu.Lock()
	defer r.renewal.mu.Unlock()
	if k := r.current.Load().keys[id]; k != nil {
		return k
	}
	// The codec, which asks, knows no context. Its own error says what is missing.
	_ = r.renew(context.Background(), id)
	return r.current.Load().keys[id]
}

func (r *Keyring) renew(ctx context.Context, wanted string) error {
	if r.renewal.source == nil || time.Since(r.renewal.looked[wanted]) < renewPause {
		return nil
	}
	r.renewal.looked[wanted] = time.Now()
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
