package portal

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/model"
)

// streamCheck is the time after which a stream ends whose kubeconfig was revoked at
// another process.
const streamCheck = 5 * time.Second

var errRevoked = errors.New("the kubeconfig was revoked or has expired")

// streams are the long requests of each kubeconfig, by its document's id.
type streams struct {
	access access.Accesses

	mu   sync.Mutex
	open map[string]*holderStreams
}

// holderStreams are those of one kubeconfig.
type holderStreams struct {
	ends map[int]context.CancelCauseFunc
	next int
	stop context.CancelFunc // of the watch on the document
}

// add bounds a stream by its kubeconfig. done is called at its end.
func (s *streams) add(ctx context.Context, partition, id string, until time.Time) (_ context.Context, done func()) {
	ctx, end := context.WithCancelCause(ctx)
	ctx, expire := context.WithDeadlineCause(ctx, until, errRevoked)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*holderStreams{}
	}
	of := s.open[id]
	if of == nil {
		watched, stop := context.WithCancel(context.WithoutCancel(ctx))
		of = &holderStreams{ends: map[int]context.CancelCauseFunc{}, stop: stop}
		s.open[id] = of
		go s.watch(watched, partition, id)
	}
	number := of.next
	of.next++
	of.ends[number] = end
	return ctx, func() {
		expire()
		end(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		if delete(of.ends, number); len(of.ends) == 0 {
			of.stop()
			if s.open[id] == of {
				delete(s.open, id)
			}
		}
	}
}

// watch ends the streams when the document is gone. A database that does not answer ends
// nothing.
func (s *streams) watch(ctx context.Context, partition, id string) {
	tick := time.NewTicker(streamCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if found, err := s.access.Lasting(ctx, partition, id, model.PortalKubeconfig); err == nil && found == nil {
			s.cut(id)
			return
		}
	}
}

// cut ends the streams of a kubeconfig.
func (s *streams) cut(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.open[id]; of != nil {
		for _, end := range of.ends {
			end(errRevoked)
		}
	}
}

// recent are the kubeconfigs that the database had a moment ago, by their documents' ids, so that not
// every request of a busy client asks it. A revocation by this process counts at once, and one by
// another process when the moment is over.
type recent struct {
	mu          sync.Mutex
	known       map[string]remembered
	revocations int
}

type remembered struct {
	*model.PortalAccess
	until time.Time
}

const (
	// recentAge is the moment, and recentMost bounds how many are remembered.
	recentAge  = time.Second
	recentMost = 1000
)

// find returns what is remembered of a kubeconfig, nil if that is nothing, and the number of
// revocations until now.
func (r *recent) find(id string, now time.Time) (*model.PortalAccess, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.known[id]; ok && now.Before(known.until) && now.Before(known.ExpiresAt) {
		return known.PortalAccess, r.revocations
	}
	return nil, r.revocations
}

// keep remembers what was read, unless there were revocations since.
func (r *recent) keep(id string, found *model.PortalAccess, now time.Time, revocations int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revocations != revocations {
		return
	}
	if r.known == nil || len(r.known) >= recentMost {
		r.known = map[string]remembered{}
	}
	r.known[id] = remembered{found, now.Add(recentAge)}
}

// revoke forgets a kubeconfig.
func (r *recent) revoke(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revocations++
	delete(r.known, id)
}
