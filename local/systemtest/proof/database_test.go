package proof

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestALockedDatabaseFailsNoOperation locks the database for longer than a lease,
// first while a create does steps that need nothing else, then while it begins to
// bill. It only takes longer.
func TestALockedDatabaseFailsNoOperation(t *testing.T) {
	t.Parallel()
	const lease, locked = "5s", 15 * time.Second // longer than the provider's database waits for a lock
	w := newEnvironment(t, "ARO_LEASE="+lease, "ARO_POLL=200ms")
	before := w.footprint(t.Context(), t)
	c := w.customer(t, order{name: "locked"})
	ctx, cancel := context.WithTimeout(t.Context(), 2*createTimeout)
	defer cancel()
	log, err := c.openLog()
	if err != nil {
		t.Fatal(err)
	}
	stop, done := context.WithCancel(ctx)
	ended := make(chan struct{})
	times := 0
	go func() {
		defer close(ended)
		_ = follow(stop, log, func(e entry) {
			if e.Msg == "step done" && slices.Contains([]string{"choose zones", "make kubeconfigs"}, e.Step) && strings.EqualFold(e.ResourceID, c.id()) {
				if err := c.lockDatabase(stop, locked); err != nil {
					t.Error(err)
				}
				times++
			}
		})
	}()
	c.succeeds(ctx, t, c.create(ctx, t))
	done()
	<-ended
	if times < 2 {
		t.Errorf("the database was locked %d times only", times)
	}
	c.removed(t)
	w.isAsBefore(t, before)
}

// lockDatabase locks the provider's database for a time.
func (w *environment) lockDatabase(ctx context.Context, d time.Duration) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "aro.db")+"?_txlock=immediate&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	lock, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return lock.Rollback()
}
