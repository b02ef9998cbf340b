package monitor

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aro-rp/aro/store"
)

func loads(owners []string) map[string]int {
	n := map[string]int{}
	for _, o := range owners {
		n[o]++
	}
	return n
}

func moved(before, after []string) (n int) {
	for i := range after {
		if before[i] != after[i] {
			n++
		}
	}
	return n
}

func TestBucketsAreBalanced(t *testing.T) {
	none := make([]string, store.Buckets)
	ab := balance(none, []string{"a", "b"})
	abc := balance(ab, []string{"c", "b", "a"})
	for name, test := range map[string]struct {
		before, workers []string
		loads           map[string]int
		moved           int
	}{
		"no process":        {none, nil, map[string]int{"": 256}, 0},
		"the first":         {nil, []string{"a"}, map[string]int{"a": 256}, 256},
		"two":               {none, []string{"b", "a"}, map[string]int{"a": 128, "b": 128}, 256},
		"nothing changes":   {ab, []string{"b", "a"}, map[string]int{"a": 128, "b": 128}, 0},
		"a third comes":     {ab, []string{"a", "b", "c"}, map[string]int{"a": 86, "b": 85, "c": 85}, 85},
		"one goes":          {abc, []string{"a", "c"}, map[string]int{"a": 128, "c": 128}, 85},
		"all leave":         {abc, nil, map[string]int{"": 256}, 256},
		"all are exchanged": {abc, []string{"x"}, map[string]int{"x": 256}, 256},
		"too short a list":  {[]string{"a"}, []string{"a"}, map[string]int{"a": 256}, 255},
		"too long a list":   {append(slices.Clone(ab), "a", "b"), []string{"a", "b"}, map[string]int{"a": 128, "b": 128}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			after := balance(test.before, test.workers)
			if got := loads(after); fmt.Sprint(got) != fmt.Sprint(test.loads) {
				t.Errorf("the loads are %v, want %v", got, test.loads)
			}
			before := append(slices.Clone(test.before), none...)[:store.Buckets]
			if got := moved(before, after); got != test.moved {
				t.Errorf("%d moved, want %d", got, test.moved)
			}
		})
	}
}

// TestNoBucketMovesWithoutNeed: whatever workers come and go, the loads differ by one at
// most, and no more moves than the workers that went had and those that came need.
func TestNoBucketMovesWithoutNeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-j]`), 1, 8, rapid.ID[string])
		before := balance(nil, workers.Draw(t, "before"))
		alive := workers.Draw(t, "alive")
		after := balance(before, alive)
		n, old := loads(after), loads(before)
		least, needed := store.Buckets/len(alive), 0
		for _, w := range alive {
			if n[w] < least || n[w] > least+1 {
				t.Fatalf("%s has %d of %d", w, n[w], store.Buckets)
			}
			needed += max(0, n[w]-old[w])
		}
		if got := moved(before, after); got != needed {
			t.Fatalf("%d moved, %d had to", got, needed)
		}
	})
}

func TestClustersAreSpreadEvenly(t *testing.T) {
	var n [store.Buckets]int
	const clusters = 50_000
	for i := range clusters {
		n[store.BucketOf(fmt.Sprintf("%08x-0000-4000-8000-%012x", i*7919, i))]++
	}
	if least, most := slices.Min(n[:]), slices.Max(n[:]); least < 140 || most > 260 {
		t.Errorf("buckets have from %d to %d clusters, 195 on average", least, most)
	}
}
