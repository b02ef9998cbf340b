package mirror

import (
	"context"
	"sync"
)

// turns lets one at a time do what has a name. The zero value is ready to use.
type turns struct {
	mu    sync.Mutex
	named map[string]*turn
}

type turn struct {
	free chan struct{} // holds an element while nobody has the turn
	done bool          // is for whoever has the turn
}

func (t *turns) of(name string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.named == nil {
		t.named = map[string]*turn{}
	}
	if t.named[name] == nil {
		t.named[name] = &turn{free: make(chan struct{}, 1)}
		t.named[name].free <- struct{}{}
	}
	return t.named[name]
}

// turn waits until nobody else has the name's turn; release gives it back.
func (t *turns) turn(ctx context.Context, name string) (release func(), err error) {
	one := t.of(name)
	select {
	case <-one.free:
		return func() { one.free <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// once does what has the name, unless that was done before without an error. Those
// who come meanwhile wait for it.
func (t *turns) once(ctx context.Context, name string, do func() error) error {
	release, err := t.turn(ctx, name)
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
