package resources

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

// index knows the keys of all resources by type. It is read from the state when it
// is first needed.
type index struct {
	mutex  sync.Mutex
	byType map[string]map[string]bool
}

// load needs the mutex.
func (i *index) load(ctx context.Context, db *state.DB) error {
	if i.byType != nil {
		return nil
	}
	entries, err := db.List(ctx, kind, "")
	if err != nil {
		return err
	}
	i.byType = map[string]map[string]bool{}
	for _, entry := range entries {
		id, err := Parse(entry.Key)
		if err != nil {
			return err
		}
		i.put(id.Type(), entry.Key)
	}
	return nil
}

func (i *index) put(resourceType, key string) {
	resourceType = arm.ToLower(resourceType)
	if i.byType[resourceType] == nil {
		i.byType[resourceType] = map[string]bool{}
	}
	i.byType[resourceType][key] = true
}

func (i *index) add(ctx context.Context, db *state.DB, resourceType, key string) error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if err := i.load(ctx, db); err != nil {
		return err
	}
	i.put(resourceType, key)
	return nil
}

func (i *index) remove(resourceType, key string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	delete(i.byType[arm.ToLower(resourceType)], key)
}

// under are the keys of a type that begin with a prefix, sorted.
func (i *index) under(ctx context.Context, db *state.DB, prefix, resourceType string) ([]string, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if err := i.load(ctx, db); err != nil {
		return nil, err
	}
	var keys []string
	for key := range i.byType[arm.ToLower(resourceType)] {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// ofType are the resources of a type whose keys begin with a prefix.
func (e *Engine) ofType(ctx context.Context, prefix, resourceType string) ([]*Resource, error) {
	keys, err := e.keys.under(ctx, e.State, prefix, resourceType)
	if err != nil {
		return nil, err
	}
	var all []*Resource
	for _, key := range keys {
		r := &Resource{}
		found, err := e.State.Get(ctx, kind, key, r)
		if err != nil {
			return nil, err
		}
		if found { // else it was deleted just now
			all = append(all, r)
		}
	}
	return all, nil
}
