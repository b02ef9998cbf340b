package controller

import (
	"cmp"
	"fmt"
	"slices"
)

// compact sorts rules, so that what is made of them is always the same, and leaves
// out repetitions.
func compact(rules []Rule) []Rule {
	key := func(r Rule) string {
		return fmt.Sprint(r.Namespace, r.APIGroups, r.Resources, r.ResourceNames, r.Verbs)
	}
	sorted := slices.Clone(rules)
	slices.SortFunc(sorted, func(a, b Rule) int { return cmp.Compare(key(a), key(b)) })
	return slices.CompactFunc(sorted, func(a, b Rule) bool { return key(a) == key(b) })
}
