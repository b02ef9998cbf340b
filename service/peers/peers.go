// Package peers lets processes of the service notify each other of work. The
// database has no notifications, so that without peers a worker has to query it as
// often as work must start.
//
// A notice is one UDP datagram without data. It may be lost or forged: a process
// that receives one looks for work, at most once a second, and every process also
// looks periodically.
package peers

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"
)

const (
	// notice is the content of a datagram.
	notice = "aro: work"
	// again is the delay after which a notice is repeated, so that one lost
	// datagram causes no longer delay.
	again = 200 * time.Millisecond
	// heed is the minimum time between two looks for work because of notices.
	heed = time.Second
	// resolveTime bounds the resolution of one name.
	resolveTime = 2 * time.Second
	// fresh is how long addresses are cached.
	fresh = 30 * time.Second
)

// Peers are the other processes of the service.
type Peers struct {
	names []string
	log   *slog.Logger
	due   chan struct{}
}

// New returns the peers with the given names and ports. A name with several
// addresses is several processes; one without an address is a process that does not
// run.
func New(names []string, log *slog.Logger) *Peers {
	return &Peers{names: names, log: log, due: make(chan struct{}, 1)}
}

// Notify notifies the others of work. It never blocks.
func (p *Peers) Notify() {
	select {
	case p.due <- struct{}{}:
	default: // the pending notice includes this one
	}
}

// Run sends notices until ctx ends. A pending one is still sent.
func (p *Peers) Run(ctx context.Context) error {
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
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

// Hear calls wake for each notice, until ctx ends.
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
		// The first of several notices takes effect at once, the last one after
		// heed.
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
