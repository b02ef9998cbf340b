package conversion

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// MergePatch is RFC 7396 on a cluster's JSON, with two differences. ARM wants tags to
// be replaced as a set. And a cluster has one user-assigned identity, so that clients
// send the new one alone to put it in the place of the old.
func MergePatch(doc, patch []byte) ([]byte, error) {
	whole, err := replacedWhole(patch)
	if err != nil {
		return nil, fmt.Errorf("merge patch: %w", err)
	}
	for _, p := range [][]byte{whole, patch} {
		if doc, err = jsonpatch.MergePatch(doc, p); err != nil {
			return nil, fmt.Errorf("merge patch: %w", err)
		}
	}
	return doc, nil
}

// replacedWhole is the merge patch that removes what another one does not merge with.
func replacedWhole(patch []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(patch, &members); err != nil {
		return nil, err
	}
	gone := map[string]any{}
	if _, sent := members["tags"]; sent {
		gone["tags"] = nil
	}
	const assigned = "userAssignedIdentities"
	var identity, assignments map[string]json.RawMessage
	// What is not of this form, the specs refuse.
	if json.Unmarshal(members["identity"], &identity) == nil && json.Unmarshal(identity[assigned], &assignments) == nil && len(assignments) > 0 {
		gone["identity"] = map[string]any{assigned: nil}
	}
	return json.Marshal(gone)
}
