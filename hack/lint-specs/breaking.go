package main

import (
	"fmt"

	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/flatten/allof"
	"github.com/oasdiff/oasdiff/load"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// breakingChanges compares each spec with the one before it, as clients see them:
// converted by the generator's pipeline, without the overlays.
func breakingChanges(files []string) ([]finding, error) {
	var found []finding
	var older *load.SpecInfo
	for _, file := range files {
		newer, err := flattened(file)
		if err != nil {
			return nil, err
		}
		if older != nil {
			changes, err := compare(older, newer)
			if err != nil {
				return nil, fmt.Errorf("compare %s with %s: %w", older.Url, newer.Url, err)
			}
			found = append(found, changes...)
		}
		older = newer
	}
	return found, nil
}

// flattened reads a spec with every allOf merged. Otherwise moving a property
// between a type and its base would count as a change.
func flattened(file string) (*load.SpecInfo, error) {
	document, err := spec.Read(file)
	if err != nil {
		return nil, err
	}
	merged, err := allof.MergeSpec(document.OpenAPI)
	if err != nil {
		return nil, fmt.Errorf("%s: merge allOf: %w", file, err)
	}
	return &load.SpecInfo{Url: version(file), Spec: merged}, nil
}

func compare(older, newer *load.SpecInfo) ([]finding, error) {
	difference, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), older, newer)
	if err != nil {
		return nil, err
	}
	words := checker.NewDefaultLocalizer()
	var found []finding
	for _, c := range checker.CheckBackwardCompatibility(checker.NewConfig(checker.GetAllChecks()), difference, sources) {
		text := c.GetUncolorizedText(words)
		found = append(found, finding{
			Check: "since " + older.Url, Rule: c.GetId(), Version: newer.Url,
			Where: c.GetOperationId() + ": " + text, Text: c.GetComment(words),
		})
	}
	return found, nil
}
