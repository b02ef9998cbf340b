// Package crds holds the CustomResourceDefinitions of an OpenShift release, made
// by `go run ./hack/crds`. Nothing else may live here.
package crds

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the file below
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

//go:embed crds.json.gz
var packed []byte

// List returns all of them, by name.
func List() ([]*unstructured.Unstructured, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("generated CRDs: %w", err)
	}
	var objects []map[string]any
	if err := json.NewDecoder(reader).Decode(&objects); err != nil {
		return nil, fmt.Errorf("generated CRDs: %w", err)
	}
	list := make([]*unstructured.Unstructured, len(objects))
	for i, object := range objects {
		list[i] = &unstructured.Unstructured{Object: object}
	}
	return list, nil
}
