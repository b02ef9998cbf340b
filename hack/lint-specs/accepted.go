package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// acceptance is an accepted deviation from one rule.
type acceptance struct {
	Rule string `json:"rule"`
	// Versions to which it applies; all if empty.
	Versions []string `json:"versions"`
	// Where are patterns for the place of the finding; * matches any text.
	Where []string `json:"where"`
	// Reason is why the finding is accepted.
	Reason string `json:"reason"`
}

type acceptances []acceptance

// readAccepted reads the accepted findings. Each needs a rule, a place and a
// reason.
func readAccepted(path string) (acceptances, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list acceptances
	if err := yaml.UnmarshalStrict(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, a := range list {
		if a.Rule == "" || len(a.Where) == 0 || a.Reason == "" {
			return nil, fmt.Errorf("%s: entry %d (%s) needs rule, where and reason", path, i+1, a.Rule)
		}
	}
	return list, nil
}

// sift returns the findings that nothing accepts, and the unused parts of the list:
// each place of each entry has to occur in each of its versions.
func (list acceptances) sift(found []finding, all []string) (open []finding, idle []string) {
	used := make([]bool, len(found))
	for _, a := range list {
		versions := a.Versions
		if len(versions) == 0 {
			versions = all
		}
		for _, where := range a.Where {
			place := pattern(where)
			for _, v := range versions {
				if !mark(used, found, func(f finding) bool {
					return f.Rule == a.Rule && f.Version == v && place.MatchString(f.Where)
				}) {
					idle = append(idle, fmt.Sprintf("%s: %s at %s", v, a.Rule, where))
				}
			}
		}
	}
	for i, f := range found {
		if !used[i] {
			open = append(open, f)
		}
	}
	slices.SortStableFunc(open, func(a, b finding) int { return strings.Compare(a.Version, b.Version) })
	return open, idle
}

// mark sets used for every finding that matches and reports whether there was one.
func mark(used []bool, found []finding, matches func(finding) bool) bool {
	hit := false
	for i, f := range found {
		if matches(f) {
			used[i], hit = true, true
		}
	}
	return hit
}

// pattern returns the regular expression for a text with * in it.
func pattern(text string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$")
}
