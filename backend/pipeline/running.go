package pipeline

import (
	"maps"
	"sync"
)

// Token returns the token that the step stored for a long-running operation, under a name that the
// step chooses; empty if there is none.
func (w *Work[D, R]) Token(name string) string { return w.running.get(name) }

// Keep stores a token for later attempts of the step, by any worker; an empty token removes it. It
// is written when the attempt ends.
func (w *Work[D, R]) Keep(name, token string) { w.running.set(name, token) }

// running are the tokens of the current step. Several calls may be made at once.
type running struct {
	mu     sync.Mutex
	tokens map[string]string
}

func (r *running) get(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tokens[name]
}

func (r *running) set(name, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token == "" {
		delete(r.tokens, name)
		return
	}
	if r.tokens == nil {
		r.tokens = map[string]string{}
	}
	r.tokens[name] = token
}

// begin starts from the tokens of earlier attempts.
func (r *running) begin(tokens map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = map[string]string{}
	maps.Copy(r.tokens, tokens)
}

// kept returns the tokens to record; nil if there are none.
func (r *running) kept() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.tokens) == 0 {
		return nil
	}
	return maps.Clone(r.tokens)
}
