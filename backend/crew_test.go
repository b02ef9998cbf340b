package backend

import (
	"context"
	"errors"
	"strings"
	"testing"
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
			c := newCrew(test.size, 10)
			c.take(places("x", test.running))
			var got string
			for _, k := range c.take(places("y", test.due)) {
				got += k.partition
			}
			if got != test.want {
				t.Errorf("%s: took %q, want %q", test.why, got, test.want)
			}
		})
	}
}

// places are documents of subscriptions, each a letter.
func places(prefix, subscriptions string) (all []place) {
	for i, s := range subscriptions {
		all = append(all, place{string(s), prefix + strings.Repeat("i", i)})
	}
	return all
}

func TestTheCrewTakesNothingTwice(t *testing.T) {
	c := newCrew(3, 3)
	due := places("", "a")
	first, second := c.take(due), c.take(due)
	if len(first) != 1 || len(second) != 0 {
		t.Fatalf("took it %d and %d times, want 1 and 0", len(first), len(second))
	}
	if held, _ := c.hold(first[0]); !held || len(c.take(due)) != 0 {
		t.Error("what is held was taken once more")
	}
	if c.done(first[0]) {
		t.Error("the crew looks for new work although it never lacked a hand")
	}
	if again := c.take(due); len(again) != 1 {
		t.Error("what is done cannot be taken again")
	}
}

func TestTheCrewHoldsNoMoreThanThereIsRoom(t *testing.T) {
	c := newCrew(2, 1)
	taken := c.take(places("", "ab"))
	first, _ := c.hold(taken[0])
	second, _ := c.hold(taken[1])
	if !first || second {
		t.Errorf("held %v and %v, want one of two", first, second)
	}
	c.done(taken[0])
	if held, _ := c.hold(taken[1]); !held {
		t.Error("the room of what is done was not given to the next")
	}
}

func TestNewWorkAndWhatWaitedTakeTurns(t *testing.T) {
	c := newCrew(1, 10)
	hold := func(k *kept) (look bool) {
		held, look := c.hold(k)
		if !held {
			t.Fatal("no room")
		}
		return look
	}
	ready := func(k *kept) {
		c.ready[k.partition] = append(c.ready[k.partition], k)
		c.serve()
	}
	first := c.take(places("first", "a"))[0]
	hold(first)
	second := c.take(places("second", "a"))[0]
	ready(first)
	if !c.isFull() { // there is new work, which found no hand
		t.Fatal("a hand is free")
	}
	if look := hold(second); look || len(first.hand) != 1 {
		t.Error("after new work it was not the turn of what waited")
	}
	ready(second)
	if look := hold(first); !look || len(second.hand) != 0 {
		t.Error("after what waited it was not the turn of new work")
	}
	c.sated()
	if len(second.hand) != 1 {
		t.Error("a hand stays free although no new work is left")
	}
}

func TestWhoGivesUpWaitingForAHandLeavesNothingBehind(t *testing.T) {
	c := newCrew(1, 10)
	first := c.take(places("first", "a"))[0]
	c.hold(first)
	second := c.take(places("second", "a"))[0]
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := c.resume(ctx, first); !errors.Is(err, gone) {
		t.Errorf("resume: %v", err)
	}
	c.done(first)
	c.done(second)
	if c.hands != 0 || c.held != 0 || len(c.ready) != 0 || len(c.busy) != 0 || c.count() != 0 {
		t.Errorf("left behind: %+v", c)
	}
}
