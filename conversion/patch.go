package conversion

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// MergePatch is RFC 7396 on a cluster's JSON, with one difference that ARM wants:
// tags are replaced as a set.
func MergePatch(doc, patch []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(patch, &members); err != nil {
		return nil, fmt.Errorf("merge patch: %w", err)
	}
	if _, ok := members["tags"]; ok {
		var err error
		if doc, err = without(doc, "tags"); err != nil {
			return nil, fmt.Errorf("document: %w", err)
		}
	}
	merged, err := jsonpatch.MergePatch(doc, patch)
	if err != nil {
		return nil, fmt.Errorf("merge patch: %w", err)
	}
	return merged, nil
}

func without(doc []byte, name string) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(doc, &members); err != nil {
		return nil, err
	}
	delete(members, name)
	return json.Marshal(members)
}
