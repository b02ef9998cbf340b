package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// source is where the text of keys comes from.
type source struct {
	mu   sync.Mutex
	text string
	err  error
	read int
}

func (s *source) get(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read++
	return []byte(s.text), s.err
}

func (s *source) set(err error, lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text, s.err = strings.Join(lines, "\n"), err
}

func following(t *testing.T, s *source, lines ...string) *Keyring {
	t.Helper()
	s.set(nil, lines...)
	keys := mustParse(t, s.text)
	keys.Follow(s.get)
	return keys
}

func TestASecretSealedWithANewerKeyOpensAtOnce(t *testing.T) {
	var s source
	old, young := NewKey(), NewKey()
	behind := following(t, &s, old)
	ahead := mustParse(t, young+"\n"+old)
	s.set(nil, young, old)
	if plain, err := behind.open(ahead.sealInline("canary", here), here); err != nil || plain != "canary" {
		t.Fatalf("got %v", err)
	}
	if plain, err := ahead.open(behind.sealInline("canary", here), here); err != nil || plain != "canary" {
		t.Errorf("got %v", err)
	}
	if got, want := behind.current.Load().newest.id, ahead.current.Load().newest.id; got != want {
		t.Errorf("it seals with %s, want the newest, %s", got, want)
	}
}

func TestAKeyThatIsGoneFromItsSourceStillOpens(t *testing.T) {
	var s source
	old, young := NewKey(), NewKey()
	keys := following(t, &s, old)
	sealed := keys.sealInline("canary", here)
	before, _ := keys.Derive("a")
	s.set(nil, young)
	if err := keys.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if plain, err := keys.open(sealed, here); err != nil || plain != "canary" {
		t.Errorf("got %v", err)
	}
	if after, _ := keys.Derive("a"); len(after) != 2 || string(after[1]) != string(before[0]) {
		t.Errorf("%d derived keys, want the new one and the old one", len(after))
	}
	if mustParse(t, young).current.Load().newest.id != keys.current.Load().newest.id {
		t.Error("the new key does not seal")
	}
}

func TestKeysStayWhenTheSourceFails(t *testing.T) {
	cause := errors.New("away")
	for name, broken := range map[string]struct {
		text string
		err  error
	}{"away": {err: cause}, "empty": {}, "half written": {text: "AAAA"}} {
		synctest.Test(t, func(t *testing.T) {
			var s source
			old := NewKey()
			keys := following(t, &s, old)
			sealed := keys.sealInline("canary", here)
			s.set(broken.err, broken.text)
			if err := keys.Renew(t.Context()); err == nil || broken.err != nil && !errors.Is(err, cause) {
				t.Errorf("%s: got %v", name, err)
			}
			if plain, err := keys.open(sealed, here); err != nil || plain != "canary" {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
}

// TestAKeyThatIsNowhereIsNotAskedForAgainAndAgain: neither that, nor does it keep
// another key from being found.
func TestAKeyThatIsNowhereIsNotAskedForAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s source
		old, lost, young := NewKey(), NewKey(), NewKey()
		keys := following(t, &s, old)
		stranger, ahead := mustParse(t, lost), mustParse(t, young)
		for range 5 {
			if _, err := keys.open(stranger.sealInline("canary", here), here); err == nil {
				t.Fatal("opened without its key")
			}
		}
		if s.read != 1 {
			t.Errorf("the source was read %d times", s.read)
		}
		s.set(nil, young, old)
		if _, err := keys.open(ahead.sealInline("canary", here), here); err != nil {
			t.Error(err)
		}
		s.set(nil, young, old, lost)
		time.Sleep(renewPause)
		if _, err := keys.open(stranger.sealInline("canary", here), here); err != nil {
			t.Errorf("it is there now: %v", err)
		}
	})
}
