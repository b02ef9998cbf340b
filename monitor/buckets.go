package monitor

import (
	"cmp"
	"slices"

	"github.com/aro-rp/aro/store"
)

// balance assigns each bucket to one of the workers, none of which gets more than its share rounded
// up, and moves only unassigned buckets, those of workers that are gone, and those beyond a
// worker's share. The result depends on the workers only. Without workers no bucket is assigned.
func balance(owners, workers []string) []string {
	balanced := make([]string, store.Buckets)
	if len(workers) == 0 {
		return balanced
	}
	workers = slices.Compact(slices.Sorted(slices.Values(workers)))
	// The first so many may have one more than the others.
	least, more := store.Buckets/len(workers), store.Buckets%len(workers)
	load := make(map[string]int, len(workers))
	for _, w := range workers {
		load[w] = 0
	}
	for i, owner := range owners[:min(len(owners), store.Buckets)] {
		n, known := load[owner]
		switch {
		case !known:
		case n < least:
		case n == least && more > 0: // one of those with one more
			more--
		default:
			known = false
		}
		if known {
			balanced[i] = owner
			load[owner]++
		}
	}
	for i := range balanced {
		if balanced[i] == "" {
			idle := slices.MinFunc(workers, func(a, b string) int { return cmp.Or(cmp.Compare(load[a], load[b]), cmp.Compare(a, b)) })
			balanced[i] = idle
			load[idle]++
		}
	}
	return balanced
}
