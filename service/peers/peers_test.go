package peers_test

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/service/peers"
)

// hearing is a process that hears notices, and how often it did.
func hearing(t *testing.T) (address string, heard *atomic.Int32) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard = &atomic.Int32{}
	ended := make(chan error, 1)
	ctx, end := context.WithCancel(t.Context())
	go func() { ended <- peers.Hear(ctx, socket, func() { heard.Add(1) }) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return socket.LocalAddr().String(), heard
}

func telling(t *testing.T, names ...string) *peers.Peers {
	t.Helper()
	p := peers.New(names, slog.New(slog.DiscardHandler))
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func TestAllPeersHearOfWork(t *testing.T) {
	one, heardByOne := hearing(t)
	two, heardByTwo := hearing(t)
	p := telling(t, one, "nobody.invalid:1", two)
	p.Notify()
	eventually(t, "a peer did not hear", func() bool { return heardByOne.Load() > 0 && heardByTwo.Load() > 0 })
}

// TestNoticesCostNoMoreThanPolling: they are not authenticated.
func TestNoticesCostNoMoreThanPolling(t *testing.T) {
	address, heard := hearing(t)
	sender, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	begun := time.Now()
	for heard.Load() < 3 {
		for _, datagram := range []string{"aro: work", "something else", "aro: work, and more", ""} {
			_, _ = sender.Write([]byte(datagram))
		}
		time.Sleep(time.Millisecond)
		if time.Since(begun) > 10*time.Second {
			t.Fatal("notices are not heard")
		}
	}
	if took := time.Since(begun); took < 2*time.Second {
		t.Errorf("three looks within %s", took)
	}
}

func TestAnythingElseIsNoNotice(t *testing.T) {
	address, heard := hearing(t)
	sender, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	for _, datagram := range []string{"something else", "aro: work, and more", "aro:", ""} {
		_, _ = sender.Write([]byte(datagram))
	}
	_, _ = sender.Write([]byte("aro: work"))
	eventually(t, "the notice is not heard", func() bool { return heard.Load() > 0 })
	if n := heard.Load(); n != 1 {
		t.Errorf("heard %d notices", n)
	}
}
