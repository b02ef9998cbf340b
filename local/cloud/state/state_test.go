package state_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aro-rp/aro/local/cloud/state"
)

type document struct{ Value int }

func open(t *testing.T, path string) *state.DB {
	t.Helper()
	db, err := state.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDocumentsSurviveReopening(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "with space?", "..", "state.db")
	path = filepath.Clean(path)
	db := open(t, path)
	must(t, db.Put(ctx, "a", "k", document{1}))
	must(t, db.Put(ctx, "a", "k", document{2}))
	must(t, db.Put(ctx, "b", "k", document{3}))
	must(t, db.Close())

	db = open(t, path)
	var d document
	found, err := db.Get(ctx, "a", "k", &d)
	if must(t, err); !found || d.Value != 2 {
		t.Errorf("found %v, %v", found, d)
	}
	existed, err := db.Delete(ctx, "a", "k")
	if must(t, err); !existed {
		t.Error("the document was not there to delete")
	}
	if existed, err = db.Delete(ctx, "a", "k"); err != nil || existed {
		t.Errorf("second delete: %v %v", existed, err)
	}
	if found, err = db.Get(ctx, "a", "k", &d); err != nil || found {
		t.Errorf("get after delete: %v %v", found, err)
	}
}

func TestListsByPrefixInOrder(t *testing.T) {
	ctx, db := context.Background(), open(t, filepath.Join(t.TempDir(), "db"))
	for _, key := range []string{"/b", "/a/ü", "/a/1", "/a%", "/a/2", "/a"} {
		must(t, db.Put(ctx, "k", key, document{}))
	}
	must(t, db.Put(ctx, "other", "/a/3", document{}))
	entries, err := db.List(ctx, "k", "/a/")
	must(t, err)
	got := ""
	for _, e := range entries {
		got += e.Key + " "
	}
	if got != "/a/1 /a/2 /a/ü " {
		t.Errorf("got %q", got)
	}
	all, err := db.List(ctx, "k", "")
	if must(t, err); len(all) != 6 {
		t.Errorf("%d documents", len(all))
	}
}

func TestChangesAreAtomicAndOneAfterTheOther(t *testing.T) {
	ctx, db := context.Background(), open(t, filepath.Join(t.TempDir(), "db"))
	boom := errors.New("boom")
	err := db.Update(ctx, func(tx *state.Tx) error {
		if err := tx.Put(ctx, "k", "x", document{7}); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if entries, err := db.List(ctx, "k", ""); err != nil || len(entries) != 0 {
		t.Errorf("a failed change left %v, %v", entries, err)
	}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if err := db.Update(ctx, func(tx *state.Tx) error {
				var d document
				if _, err := tx.Get(ctx, "k", "counter", &d); err != nil {
					return err
				}
				d.Value++
				return tx.Put(ctx, "k", "counter", d)
			}); err != nil {
				panic(fmt.Sprint(err))
			}
		})
	}
	wait.Wait()
	var d document
	if _, err := db.Get(ctx, "k", "counter", &d); err != nil || d.Value != 20 {
		t.Errorf("%v, %v", d, err)
	}
}
