package pods

import (
	"net"
	"testing"
)

func TestPodsListenOnTheSamePort(t *testing.T) {
	for range 3 {
		address, taken, err := takeAddress()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = taken.Close() }()
		if again, err := net.Listen("tcp", taken.Addr().String()); err == nil {
			_ = again.Close()
			t.Errorf("the address %s may be taken again", address)
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(address, "8080"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
	}
}
