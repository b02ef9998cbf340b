package sqlite

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/store"
)

// wall is a clock that tests set.
type wall struct{ ahead atomic.Int64 }

func (w *wall) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *wall) set(ahead time.Duration) { w.ahead.Store(int64(ahead)) }

func openAt(t *testing.T, clock *wall) *driver {
	t.Helper()
	k, err := open(t.Context(), filepath.Join(t.TempDir(), "aro.db"), clock.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// TestAClockSetBackHoldsUpNoWork: a lease of a second that was stamped an hour ahead
// ends a second after the clock's fault was noticed, which takes restampEvery at most.
func TestAClockSetBackHoldsUpNoWork(t *testing.T) {
	var clock wall
	clock.set(time.Hour)
	k := openAt(t, &clock)
	clusters := store.Containers()[0]
	write := func(id, due string) store.Record {
		t.Helper()
		r, err := k.Create(t.Context(), clusters, store.Record{Partition: "p", ID: id,
			Body: []byte(`{"id":"` + id + `","partition":"p"` + due + `}`)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	soon := write("soon", `,"due":1`)
	write("later", `,"due":600`)
	write("idle", "")
	clock.set(0)
	ids := func() string {
		t.Helper()
		records, err := k.Due(t.Context(), clusters, 10, 10)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range records {
			all = append(all, r.ID)
		}
		return strings.Join(all, " ")
	}
	if got := ids(); got != "" {
		t.Fatalf("due at once: %s", got)
	}
	for range 2 { // the second time there is nothing to do
		if err := k.restamp(t.Context(), clusters); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(); got != "" {
		t.Errorf("a lease ends before its time: %s", got)
	}
	clock.set(1100 * time.Millisecond)
	if got := ids(); got != "soon" {
		t.Errorf("after a second are due: %q", got)
	}
	clock.set(601 * time.Second)
	if got := ids(); got != "soon later" {
		t.Errorf("after ten minutes are due: %q", got)
	}
	if _, err := k.Replace(t.Context(), clusters, soon); err != nil {
		t.Errorf("the holder of the lease cannot write any more: %v", err)
	}
}

// TestAClockSetBackHoldsUpNoRenewedLease: the same for one that was renewed since.
func TestAClockSetBackHoldsUpNoRenewedLease(t *testing.T) {
	var clock wall
	clock.set(time.Hour)
	k := openAt(t, &clock)
	clusters := store.Containers()[0]
	r, err := k.Create(t.Context(), clusters, store.Record{Partition: "p", ID: "a", Body: []byte(`{"id":"a","partition":"p","due":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if r, err = k.Postpone(t.Context(), clusters, r, time.Second); err != nil {
		t.Fatal(err)
	}
	clock.set(0)
	if err := k.restamp(t.Context(), clusters); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]int{900 * time.Millisecond: 0, 1100 * time.Millisecond: 1} {
		clock.set(at)
		if records, err := k.Due(t.Context(), clusters, 1, 1); err != nil || len(records) != want {
			t.Errorf("after %s %d are due, want %d (%v)", at, len(records), want, err)
		}
	}
	if _, err := k.Replace(t.Context(), clusters, r); err != nil {
		t.Errorf("the holder of the lease cannot write any more: %v", err)
	}
}

// TestTheClockIsWatched: what the test above does by hand happens by itself.
func TestTheClockIsWatched(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the background")
	}
	var clock wall
	clock.set(time.Hour)
	k := openAt(t, &clock)
	clusters := store.Containers()[0]
	if _, err := k.Create(t.Context(), clusters, store.Record{Partition: "p", ID: "a", Body: []byte(`{"id":"a","partition":"p","due":0.1}`)}); err != nil {
		t.Fatal(err)
	}
	clock.set(0)
	for end := time.Now().Add(4 * restampEvery); ; time.Sleep(50 * time.Millisecond) {
		records, err := k.Due(t.Context(), clusters, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the document waits for a time that the clock left")
		}
	}
}

// TestAFullDiskIsNotReady uses SQLite's own limit of the file, which fails like a
// full disk: small writes succeed, and Ping reports the error.
func TestAFullDiskIsNotReady(t *testing.T) {
	k := openAt(t, new(wall))
	if err := k.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	bound := func(pages string) {
		t.Helper()
		done := make(chan error, 1)
		err := k.writer.do(t.Context(), store.Containers()[0], func(*statements, stamp) error {
			var now int
			done <- k.writer.conn.QueryRowContext(t.Context(), "PRAGMA max_page_count = "+pages).Scan(&now)
			return nil
		})
		if err == nil {
			err = <-done
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	bound("1") // no less than what there is
	full := false
	for i := 0; !full && i < 100; i++ { // with what a ping has freed
		id := strings.Repeat("x", i+1)
		_, err := k.Create(t.Context(), store.Containers()[0], store.Record{Partition: "p", ID: id,
			Body: []byte(`{"id":"` + id + `","partition":"p","new":"` + strings.Repeat("x", 8<<10) + `"}`)})
		full = err != nil
	}
	if err := k.Ping(t.Context()); !full || err == nil {
		t.Fatalf("on a full disk a document is refused: %t; the ping says %v", full, err)
	}
	bound("1000000")
	for range 3 {
		if err := k.Ping(t.Context()); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
}

// TestARenewalLeavesItsDocumentAlone: it is kept beside the document until that is
// written or removed, and is refused when the document has changed.
func TestARenewalLeavesItsDocumentAlone(t *testing.T) {
	var clock wall
	clock.set(0)
	k := openAt(t, &clock)
	clusters := store.Containers()[0]
	count := func() (n int) {
		t.Helper()
		if err := k.readers.QueryRow("SELECT count(*) FROM " + clusters.Name + "_renewals").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	renew := func(r store.Record) store.Record {
		t.Helper()
		renewed, err := k.Postpone(t.Context(), clusters, r, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return renewed
	}
	first, err := k.Create(t.Context(), clusters, store.Record{Partition: "p", ID: "a", Body: []byte(`{"id":"a","partition":"p","due":60}`)})
	if err != nil {
		t.Fatal(err)
	}
	once, twice := renew(first), renew(first)
	if once.ETag != first.ETag || twice.ETag != first.ETag || count() != 1 {
		t.Errorf("after two renewals there are %d, and the version changed", count())
	}
	second, err := k.Replace(t.Context(), clusters, first)
	if err != nil || count() != 0 {
		t.Fatalf("after a write there are %d renewals (%v)", count(), err)
	}
	if _, err := k.Postpone(t.Context(), clusters, first, time.Minute); !errors.Is(err, store.ErrPreconditionFailed) {
		t.Errorf("renewal of a version that is gone: %v", err)
	}
	renew(second)
	clock.set(61 * time.Second)
	if late := renew(second); late.ETag == second.ETag || count() != 0 {
		t.Error("a late renewal left the version as it was: another worker may have seen that it was due")
	} else if err := k.Delete(t.Context(), clusters, "p", "a", renew(late).ETag); err != nil || count() != 0 {
		t.Errorf("after the document is removed there are %d renewals (%v)", count(), err)
	}
}
