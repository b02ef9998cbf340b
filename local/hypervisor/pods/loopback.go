package pods

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
)

// loopback is where programs listen that do not use the address of their pod.
const loopback = "127.0.0.1"

const (
	// addressTries is how many addresses are tried, most of which are free.
	addressTries = 100
	// reservedPort is open as long as the address is taken.
	reservedPort = "1025"
)

// takeAddress finds an address of this machine for the programs of one pod, so that pods can
// listen on the same port although all share the machine's network. It is in 127.255.0.0/16,
// which no network of the local Azure uses, and it is taken until the listener is closed.
func takeAddress() (address string, taken net.Listener, err error) {
	for range addressTries {
		n := 1 + rand.N[uint16](1<<16-2) // neither the network's nor the broadcast address
		address = netip.AddrFrom4([4]byte{127, 255, byte(n >> 8), byte(n)}).String()
		if taken, err = net.Listen("tcp", net.JoinHostPort(address, reservedPort)); err == nil {
			return address, taken, nil
		}
	}
	return "", nil, fmt.Errorf("an address of this machine for the pod: %w", err)
}
