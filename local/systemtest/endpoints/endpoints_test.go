package endpoints_test

import (
	"net"
	"os"
	"testing"

	"github.com/aro-rp/aro/local/systemtest/endpoints"
)

func TestNoTwoTestsHaveOnePlace(t *testing.T) {
	held := endpoints.Take(t)
	for range 75 { // as many as there are: each comes first once
		t.Run("another", func(t *testing.T) {
			if p := endpoints.Take(t); p.Addresses == held.Addresses || p.Provider == held.Provider || p.Azure == held.Azure {
				t.Errorf("%+v and %+v have something in common", p, held)
			}
		})
	}
}

func TestAPlaceWhosePortIsInUseIsNotTaken(t *testing.T) {
	var former endpoints.Place
	t.Run("one that ended", func(t *testing.T) { former = endpoints.Take(t) })
	l, err := net.Listen("tcp", former.Azure)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for range 75 {
		t.Run("another", func(t *testing.T) {
			if p := endpoints.Take(t); p == former {
				t.Errorf("%+v was taken although %s is in use", p, former.Azure)
			}
		})
	}
}

func TestAPlaceWhoseLockCannotBeOpenedIsTaken(t *testing.T) {
	var former endpoints.Place
	t.Setenv("TMPDIR", t.TempDir())
	t.Run("one that ended", func(t *testing.T) { former = endpoints.Take(t) })
	locks, err := os.ReadDir(os.TempDir())
	if err != nil || len(locks) != 1 {
		t.Fatalf("%d locks, %v", len(locks), err)
	}
	name := os.TempDir() + "/" + locks[0].Name()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil { // it cannot be written, not even by root
		t.Fatal(err)
	}
	for range 75 {
		t.Run("another", func(t *testing.T) {
			if p := endpoints.Take(t); p == former {
				t.Errorf("%+v was taken although its lock cannot be opened", p)
			}
		})
	}
}
