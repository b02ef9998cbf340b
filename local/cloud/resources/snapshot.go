package resources

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aro-rp/aro/arm"
)

// Snapshot is all resources of some types at one moment.
type Snapshot struct {
	keys []string
	kept map[string]kept
}

// kept is a resource, and the text that it was decoded from; both are nil for a resource
// of another type.
type kept struct {
	value    json.RawMessage
	resource *Resource
}

// Resources are sorted by key. They must not be edited.
func (s *Snapshot) Resources() []*Resource {
	all := make([]*Resource, len(s.keys))
	for i, key := range s.keys {
		all[i] = s.kept[key].resource
	}
	return all
}

// Snapshot reads all resources of the types. Those that are as in an earlier snapshot of the
// same types, which may be nil, are shared with it: most of the time of a read is decoding.
func (e *Engine) Snapshot(ctx context.Context, types []string, before *Snapshot) (*Snapshot, error) {
	entries, err := e.State.List(ctx, kind, "")
	if err != nil {
		return nil, err
	}
	if before == nil {
		before = &Snapshot{}
	}
	now := &Snapshot{kept: make(map[string]kept, len(entries))}
	for _, entry := range entries {
		one, known := before.kept[entry.Key]
		if !known || one.resource != nil && !bytes.Equal(one.value, entry.Value) {
			if one, err = decode(entry.Key, entry.Value, types); err != nil {
				return nil, err
			}
		}
		now.kept[entry.Key] = one
		if one.resource != nil {
			now.keys = append(now.keys, entry.Key)
		}
	}
	return now, nil
}

func decode(key string, value json.RawMessage, types []string) (kept, error) {
	id, err := Parse(key)
	if err != nil {
		return kept{}, err
	}
	if !slices.ContainsFunc(types, func(t string) bool { return arm.EqualFold(t, id.Type()) }) {
		return kept{}, nil
	}
	r := &Resource{}
	if err := r.UnmarshalJSON(value); err != nil {
		return kept{}, fmt.Errorf("resource %s: %w", key, err)
	}
	return kept{value, r}, nil
}
