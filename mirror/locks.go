package mirror

import (
	"context"
	"sync"
)

// locks are mutual exclusion by name. The zero value is ready to use.
type locks struct {
	mu    sync.Mutex
	named map[string]*lock
}

type lock struct {
	free chan struct{} // holds an element while the lock is free
	done bool          // guarded by the lock
}

func (t *locks) of(name string) *lock {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.named == nil {
		t.named = map[string]*lock{}
	}
	if t.named[name] == nil {
		t.named[name] = &lock{free: make(chan struct{}, 1)}
		t.named[name].free <- struct{}{}
	}
	return t.named[name]
}

// lock waits for the lock of a name; release releases it.
func (t *locks) lock(ctx context.Context, name string) (release func(), err error) {
	one := t.of(name)
	select {
	case <-one.free:
		return func() { one.free <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// once calls do for a name, unless an earlier call succeeded. Concurrent callers
// wait for it.
func (t *locks) once(ctx context.Context, name string, do func() error) error {
	release, err := t.lock(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	one := t.of(name)
	if one.done {
		return nil
	}
	err = do()
	one.done = err == nil
	return err
}
