package worker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPartitionsAreServedInTurn(t *testing.T) {
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
		"alone takes all":     {why: "free workers are no use", size: 3, due: "aaaa", want: "aaa"},
		"full":                {why: "bounded concurrency", size: 2, running: "ab", due: "c", want: ""},
		"less than there are": {why: "nothing else is due", size: 9, due: "ab", want: "ab"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorkers(test.size, 10)
			w.take(places("x", test.running))
			var got string
			for _, t := range w.take(places("y", test.due)) {
				got += t.partition
			}
			if got != test.want {
				t.Errorf("%s: took %q, want %q", test.why, got, test.want)
			}
		})
	}
}

// places are documents of subscriptions, each a letter.
func places(prefix, subscriptions string) (all []key) {
	for i, s := range subscriptions {
		all = append(all, key{string(s), prefix + strings.Repeat("i", i)})
	}
	return all
}

func TestNothingIsTakenTwice(t *testing.T) {
	w := newWorkers(3, 3)
	due := places("", "a")
	first, second := w.take(due), w.take(due)
	if len(first) != 1 || len(second) != 0 {
		t.Fatalf("took it %d and %d times, want 1 and 0", len(first), len(second))
	}
	if held, _ := w.hold(first[0]); !held || len(w.take(due)) != 0 {
		t.Error("what is held was taken once more")
	}
	if w.done(first[0]) {
		t.Error("it looks for new work although it never lacked a worker")
	}
	if again := w.take(due); len(again) != 1 {
		t.Error("what is done cannot be taken again")
	}
}

func TestNoMoreIsHeldThanThereIsRoom(t *testing.T) {
	w := newWorkers(2, 1)
	taken := w.take(places("", "ab"))
	first, _ := w.hold(taken[0])
	second, _ := w.hold(taken[1])
	if !first || second {
		t.Errorf("held %v and %v, want one of two", first, second)
	}
	w.done(taken[0])
	if held, _ := w.hold(taken[1]); !held {
		t.Error("the room of what is done was not given to the next")
	}
}

func TestNewWorkAndWhatWaitedTakeTurns(t *testing.T) {
	w := newWorkers(1, 10)
	hold := func(held *task) (look bool) {
		ok, look := w.hold(held)
		if !ok {
			t.Fatal("no room")
		}
		return look
	}
	ready := func(t *task) {
		w.ready[t.partition] = append(w.ready[t.partition], t)
		w.serve()
	}
	first := w.take(places("first", "a"))[0]
	hold(first)
	second := w.take(places("second", "a"))[0]
	ready(first)
	if !w.allBusy() { // there is new work, which found no worker
		t.Fatal("a worker is free")
	}
	if look := hold(second); look || len(first.worker) != 1 {
		t.Error("after new work it was not the turn of what waited")
	}
	ready(second)
	if look := hold(first); !look || len(second.worker) != 0 {
		t.Error("after what waited it was not the turn of new work")
	}
	w.noneDue()
	if len(second.worker) != 1 {
		t.Error("a worker stays free although no new work is left")
	}
}

func TestWhoGivesUpWaitingForAWorkerLeavesNothingBehind(t *testing.T) {
	w := newWorkers(1, 10)
	first := w.take(places("first", "a"))[0]
	w.hold(first)
	second := w.take(places("second", "a"))[0]
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := w.resume(ctx, first, time.Hour); !errors.Is(err, gone) {
		t.Errorf("resume: %v", err)
	}
	w.done(first)
	w.done(second)
	if w.running != 0 || w.held != 0 || len(w.ready) != 0 || len(w.busy) != 0 || w.count() != 0 {
		t.Errorf("left behind: %+v", w)
	}
}

func TestWhatFindsNoWorkerForLongIsGivenUp(t *testing.T) {
	w := newWorkers(1, 10)
	first := w.take(places("first", "a"))[0]
	w.hold(first)
	second := w.take(places("second", "a"))[0]
	if _, err := w.resume(t.Context(), first, time.Millisecond); !errors.Is(err, errNoWorker) {
		t.Errorf("resume: %v, want %v", err, errNoWorker)
	}
	w.done(first)
	if _, look := w.hold(second); look || w.running != 0 || w.held != 1 || len(w.ready) != 0 {
		t.Errorf("left behind: %+v", w)
	}
	if _, err := w.resume(t.Context(), second, time.Hour); err != nil {
		t.Errorf("resume: %v, although a worker is free", err)
	}
}
