// Package endpoints finds room on this machine for an aro-local that a test starts:
// loopback addresses and ports that no other such test has.
package endpoints

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
)

// Place is what an aro-local needs for itself.
type Place struct {
	Addresses int    // N of its loopback addresses 127.N and 127.N+1
	Provider  string // where the resource provider listens
	Azure     string // where Azure answers
}

const (
	first  = 70
	places = 75
	// ports are below those that systems choose for outgoing connections: a port
	// that was free a moment ago is then still free when aro-local listens.
	ports = 20000
)

var taken atomic.Int32 // by this process

// Take finds a place and keeps it until the test and its clean-up have ended.
func Take(t testing.TB) Place {
	t.Helper()
	start := os.Getpid() + int(taken.Add(1))
	for try := range places {
		n := first + 2*((start+try)%places)
		lock := lock(n)
		if lock == nil {
			continue
		}
		p := Place{n, net.JoinHostPort("127.0.0.1", strconv.Itoa(ports+2*n)), net.JoinHostPort("localhost", strconv.Itoa(ports+2*n+1))}
		if isFree(p.Provider) && isFree(p.Azure) {
			t.Cleanup(func() { _ = lock.Close() })
			return p
		}
		_ = lock.Close()
	}
	t.Fatal("all places for an aro-local are taken")
	return Place{}
}

// lock is nil if another process holds it. Another user's lock cannot even be opened.
func lock(n int) *os.File {
	file, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprintf("aro-addresses-%d.lock", n)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		_ = file.Close()
		return nil
	}
	return file
}

func isFree(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return l.Close() == nil
}
