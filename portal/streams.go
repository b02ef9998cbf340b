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
