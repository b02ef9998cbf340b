package controller

import (
	"cmp"
	"fmt"
	"slices"
)

// compact sorts rules, so that what is made of them is always the same, joins those that differ
// in the names of objects only, and leaves out repetitions.
func compact(rules []Rule) []Rule {
	what := func(r Rule) string {
		return fmt.Sprint(r.Namespace, r.APIGroups, r.Resources, len(r.ResourceNames) > 0, r.Verbs)
	}
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b Rule) int { return cmp.Compare(what(a), what(b)) })
	var list []Rule
	for _, r := range sorted {
		if last := len(list) - 1; last >= 0 && what(list[last]) == what(r) {
			names := slices.Concat(list[last].ResourceNames, r.ResourceNames)
			slices.Sort(names)
			list[last].ResourceNames = slices.Compact(names)
			continue
		}
		list = append(list, r)
	}
	return list
}
