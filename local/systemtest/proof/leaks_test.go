package proof

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"
)

var cycles = flag.Int("cycles", 5, "creates and deletes in the search for leaks")

const (
	// strayFiles is by how many the open files of all programs together may differ
	// between two looks, after however many cycles: connections come and go.
	strayFiles = 12
	// maxWritten is what a cycle may add to databases and logs.
	maxWritten = 1 << 20
	// recoverable is how long vaults keep what is deleted.
	recoverable = 90 * 24 * time.Hour
)

// TestCyclesLeaveNothing creates and deletes clusters of both kinds, over and
// over. After each nothing is there that was not. What grows by intention, such as
// databases, has a bound for each cycle. A cycle takes 18 seconds where nothing else
// runs; for twenty of them:
// go test ./systemtest/proof -timeout 30m -run TestCyclesLeaveNothing -cycles 20
func TestCyclesLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t)
	before := w.footprint(t.Context(), t)
	w.cycle(t, 0, before) // connections and caches are there from now on
	_, opened := w.opened(t)
	_, written := w.files(t)
	for n := 1; n < *cycles; n++ {
		w.cycle(t, n, before)
	}
	w.opensNoMore(t, opened)
	_, now := w.files(t)
	t.Logf("databases and logs grew from %d to %d bytes", written, now)
	if most := int64(*cycles-1) * maxWritten; now-written > most {
		t.Errorf("databases and logs grew by %d bytes, at most %d are right", now-written, most)
	}
}

// cycle lets a cluster come and go.
func (w *environment) cycle(t *testing.T, n int, before []string) {
	t.Helper()
	deleted := w.deleted(t)
	c := w.customer(t, order{name: fmt.Sprintf("cycle%d", n), workload: n%2 == 1, private: n%4 >= 2})
	c.created(t)
	c.removed(t)
	w.isAsBefore(t, before)
	if t.Failed() {
		t.Fatalf("cycle %d left something", n+1)
	}
	want := 4 // two certificates, each with its secret
	if c.workload {
		want++ // the identity's credentials
	}
	if more := minus(w.deleted(t), deleted); len(more) != want {
		t.Errorf("cycle %d left %d deleted objects in the vaults, want %d:\n  %s", n+1, len(more), want, lines(more))
	}
}

// deleted is what the vaults keep of what was deleted. All of it has an end.
func (w *environment) deleted(t *testing.T) (ids []string) {
	t.Helper()
	for _, one := range w.vaulted(t.Context(), t, "deletedcertificates", "deletedsecrets") {
		if end := time.Until(time.Unix(one.Purge, 0)); end <= 0 || end > recoverable {
			t.Errorf("the vault keeps %s for another %s", one.ID, end)
		}
		ids = append(ids, one.ID)
	}
	return ids
}

// opensNoMore waits until idle connections are closed.
func (w *environment) opensNoMore(t *testing.T, before int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var now int
	err := until(ctx, func() (bool, error) {
		_, now = w.opened(t)
		return now <= before+strayFiles, nil
	})
	t.Logf("%d files were open after the first cycle, %d are now", before, now)
	if err != nil {
		t.Error("open files grow with each cycle")
	}
}
