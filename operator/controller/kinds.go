package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds is a set of kinds.
type Kinds map[schema.GroupVersionKind]bool

// ErrKinds is returned when the server begins to serve kinds that controllers watch, as after an upgrade of
// the cluster. What is kept in memory is decided at the start, so it takes another one.
var ErrKinds = errors.New("the server serves further kinds")

// Unserved are the kinds that controllers watch and the server does not serve.
func Unserved(specs []Spec, mapper meta.RESTMapper) (Kinds, error) {
	unserved := Kinds{}
	for kind := range selections(specs) {
		if is, err := serves(mapper, kind); err != nil {
			return nil, err
		} else if !is {
			unserved[kind] = true
		}
	}
	return unserved, nil
}

func serves(mapper meta.RESTMapper, kind schema.GroupVersionKind) (bool, error) {
	_, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("does the server serve %s: %w", kind, err)
	}
	return true, nil
}

// Await looks for the kinds at intervals, and returns ErrKinds once the server serves one of them.
func (k Kinds) Await(ctx context.Context, mapper meta.RESTMapper, every time.Duration) error {
	if len(k) == 0 {
		return nil
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for kind := range k {
			if is, err := serves(mapper, kind); err == nil && is {
				return fmt.Errorf("%w: %s", ErrKinds, kind)
			}
		}
	}
}
