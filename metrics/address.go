package metrics

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// Address is where metrics are sent: a socket of this machine.
type Address struct{ Network, Address string }

// DefaultAddress is where the agent of Geneva listens.
const DefaultAddress = "unix:/var/etw/mdm_statsd.socket"

// ParseAddress reads unix:PATH or udp:HOST:PORT.
func ParseAddress(text string) (Address, error) {
	network, address, found := strings.Cut(text, ":")
	if !found {
		return Address{}, fmt.Errorf("%q is malformed: it must be unix:PATH or udp:HOST:PORT", text)
	}
	switch strings.ToLower(network) {
	case "unix":
		if address == "" {
			return Address{}, errors.New("unix: needs the path of a socket")
		}
		return Address{Network: "unixgram", Address: address}, nil
	case "udp":
		if _, _, err := net.SplitHostPort(address); err != nil {
			return Address{}, fmt.Errorf("udp: needs HOST:PORT, which %q is not", address)
		}
		return Address{Network: "udp", Address: address}, nil
	}
	return Address{}, fmt.Errorf("unsupported protocol %q: it must be unix or udp", network)
}

// String is the text that ParseAddress reads.
func (a Address) String() string { return strings.TrimSuffix(a.Network, "gram") + ":" + a.Address }
