package backend

import (
	"strings"
	"testing"

	"github.com/aro-rp/aro/store"
)

func TestTheCrewServesSubscriptionsInTurn(t *testing.T) {
	tests := map[string]struct {
		why     string
		size    int
		running string // taken before; each letter is a subscription
		due     string
		want    string
	}{
		"in turn":             {why: "a and b wait equally long", size: 4, due: "aaabbb", want: "abab"},
		"the longest due":     {why: "with equal load, first come first served", size: 1, due: "ba", want: "b"},
		"what runs counts":    {why: "a has had its share", size: 5, running: "aaa", due: "aabb", want: "bb"},
		"alone takes all":     {why: "free hands are no use", size: 3, due: "aaaa", want: "aaa"},
		"full":                {why: "bounded concurrency", size: 2, running: "ab", due: "c", want: ""},
		"less than there are": {why: "nothing else is due", size: 9, due: "ab", want: "ab"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCrew(test.size)
			n := 0
			documents := func(subscriptions string) (docs []*store.ClusterDocument) {
				for _, s := range subscriptions {
					n++
					docs = append(docs, &store.ClusterDocument{Meta: store.Meta{Partition: string(s), ID: strings.Repeat("x", n)}})
				}
				return docs
			}
			c.take(documents(test.running))
			var got string
			for _, d := range c.take(documents(test.due)) {
				got += d.Partition
			}
			if got != test.want {
				t.Errorf("%s: took %q, want %q", test.why, got, test.want)
			}
		})
	}
}

func TestTheCrewTakesNothingTwice(t *testing.T) {
	c := newCrew(3)
	docs := []*store.ClusterDocument{{Meta: store.Meta{Partition: "a", ID: "1"}}}
	if first, second := c.take(docs), c.take(docs); len(first) != 1 || len(second) != 0 {
		t.Errorf("took it %d and %d times, want 1 and 0", len(first), len(second))
	}
	if c.done(docs[0]) {
		t.Error("the crew says it was full")
	}
	if again := c.take(docs); len(again) != 1 {
		t.Error("what is done cannot be taken again")
	}
}
