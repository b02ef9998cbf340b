package conversion

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// MergePatch applies RFC 7396 to the JSON of a cluster, with three exceptions. Tags are
// replaced as a set, as ARM requires. The user-assigned identity is replaced, because a
// cluster has one and clients send only the new one. A pull secret that is null becomes
// empty, because GET never returns one that could be removed.
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
	return withoutPullSecret(doc, patch)
}

// withoutPullSecret marks in the merged document that the patch removes the pull secret.
func withoutPullSecret(doc, patch []byte) ([]byte, error) {
	var sent struct {
		Properties struct {
			ClusterProfile map[string]json.RawMessage `json:"clusterProfile"`
		} `json:"properties"`
	}
	const secret = "pullSecret"
	// The generated validators reject any other form.
	if err := json.Unmarshal(patch, &sent); err != nil || string(sent.Properties.ClusterProfile[secret]) != "null" {
		return doc, nil //nolint:nilerr // see above
	}
	return jsonpatch.MergePatch(doc, []byte(`{"properties": {"clusterProfile": {"`+secret+`": ""}}}`))
}

// replacedWhole returns a merge patch that removes the members that the given patch
// replaces as a whole.
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
	// The generated validators reject any other form.
	if json.Unmarshal(members["identity"], &identity) == nil && json.Unmarshal(identity[assigned], &assignments) == nil && len(assignments) > 0 {
		gone["identity"] = map[string]any{assigned: nil}
	}
	return json.Marshal(gone)
}
