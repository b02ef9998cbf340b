// Package peers lets processes of the service tell each other that there is work.
// The database cannot tell: it answers at once, so that whoever learns from it alone
// has to ask as often as work may not wait.
//
// A notice is one UDP datagram without content of meaning. It may get lost or be
// forged: who hears one looks for work, at most once a second, and everybody looks
// from time to time anyway.
package peers

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"
)

const (
	// notice is what a datagram says.
	notice = "aro: work"
	// again is after what time a notice is repeated: one lost datagram then costs
	// no more than that.
	again = 200 * time.Millisecond
	// heed is the least time between two looks for work because of notices.
	heed = time.Second
	// resolveTime bounds finding the addresses of one name.
	resolveTime = 2 * time.Second
	// fresh is how long addresses are used.
	fresh = 30 * time.Second
)

// Peers are the other processes of the service.
type Peers struct {
	names []string
	log   *slog.Logger
	due   chan struct{}
}

// New makes peers of names with ports. A name that has several addresses is all of
// them; one that has none is a process that does not run.
func New(names []string, log *slog.Logger) *Peers {
	return &Peers{names: names, log: log, due: make(chan struct{}, 1)}
}

// Notify tells the others that there is work. It never blocks.
func (p *Peers) Notify() {
	select {
	case p.due <- struct{}{}:
	default: // they will be told of this, too
	}
}

// Run sends notices until ctx ends. One that is due then is sent.
func (p *Peers) Run(ctx context.Context) error {
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return err
	}
	defer socket.Close()
	var addresses []*net.UDPAddr
	var resolved time.Time
	for {
		select {
		case <-p.due:
		case <-ctx.Done():
			select {
			case <-p.due:
				p.send(ctx, socket, addresses)
			default:
			}
			return nil
		}
		if time.Since(resolved) > fresh {
			addresses, resolved = p.resolve(ctx), time.Now()
		}
		p.send(ctx, socket, addresses)
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
		p.send(ctx, socket, addresses)
	}
}

func (p *Peers) send(ctx context.Context, socket *net.UDPConn, to []*net.UDPAddr) {
	for _, address := range to {
		if _, err := socket.WriteToUDP([]byte(notice), address); err != nil {
			p.log.DebugContext(ctx, "peer not told of work", "peer", address.String(), "error", err)
		}
	}
}

func (p *Peers) resolve(ctx context.Context) (addresses []*net.UDPAddr) {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	for _, name := range p.names {
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			continue // the configuration was checked
		}
		number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
		if err != nil {
			continue
		}
		found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
		if err != nil {
			p.log.DebugContext(ctx, "peer without address", "peer", name, "error", err)
		}
		for _, ip := range found {
			addresses = append(addresses, &net.UDPAddr{IP: ip.IP, Zone: ip.Zone, Port: number})
		}
	}
	return addresses
}

// Hear calls wake when a notice comes in, until ctx ends.
func Hear(ctx context.Context, socket net.PacketConn, wake func()) error {
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	datagram := make([]byte, len(notice)+1)
	var last time.Time
	for {
		n, _, err := socket.ReadFrom(datagram)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil || string(datagram[:n]) != notice:
			continue
		}
		// The first of many is heeded at once, and the last of them, too.
		if wait := time.Until(last.Add(heed)); wait > 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
		}
		last = time.Now()
		wake()
	}
}
