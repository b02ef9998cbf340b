package conversion

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// MergePatch is RFC 7396 on a cluster's JSON, with three differences. ARM wants tags to
// be replaced as a set. A cluster has one user-assigned identity, so that clients
// send the new one alone to put it in the place of the old. And a pull secret that is
// null becomes empty: what GET returns never holds one that could be removed.
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

// withoutPullSecret notes in the merged document that the patch removes the pull secret.
func withoutPullSecret(doc, patch []byte) ([]byte, error) {
	var sent struct {
		Properties struct {
			ClusterProfile map[string]json.RawMessage `json:"clusterProfile"`
		} `json:"properties"`
	}
	const secret = "pullSecret"
	// What is not of this form, the specs refuse.
	if err := json.Unmarshal(patch, &sent); err != nil || string(sent.Properties.ClusterProfile[secret]) != "null" {
		return doc, nil
	}
	return jsonpatch.MergePatch(doc, []byte(`{"properties": {"clusterProfile": {"`+secret+`": ""}}}`))
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
