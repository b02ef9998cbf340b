package network

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

const (
	// retryListen is how soon an address that could not be listened on is tried again.
	retryListen = 5 * time.Second
	// dialTime bounds the search for a machine that answers.
	dialTime = 10 * time.Second
)

// Run carries traffic to machines until ctx ends: it listens wherever a public
// load balancer or a private endpoint does. It returns when all is closed.
func (n *Network) Run(ctx context.Context, machines Machines) error {
	n.mu.Lock()
	n.machines = machines
	n.mu.Unlock()
	plane := &dataPlane{network: n, open: map[netip.AddrPort]*forwarder{}, warned: map[netip.AddrPort]bool{}}
	defer plane.close()
	var probing sync.WaitGroup
	defer probing.Wait()
	probing.Go(func() { n.probeAll(ctx) })
	retry := time.NewTicker(retryListen)
	defer retry.Stop()
	for {
		if err := plane.settle(ctx); err != nil && ctx.Err() == nil {
			n.log.ErrorContext(ctx, "load balancers are not up to date", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
		case <-retry.C:
		}
	}
}

// dataPlane is every listener there is.
type dataPlane struct {
	network *Network
	open    map[netip.AddrPort]*forwarder
	warned  map[netip.AddrPort]bool
}

// settle opens and closes listeners until they are those of the topology.
func (p *dataPlane) settle(ctx context.Context) error {
	t, err := p.network.topology(ctx)
	if err != nil {
		return err
	}
	wanted := t.listeners()
	for address, f := range p.open {
		if d, keep := wanted[address]; !keep || d != f.door {
			f.close()
			delete(p.open, address)
		}
	}
	for address, d := range wanted {
		if p.open[address] != nil {
			continue
		}
		f, err := listen(ctx, p.network, address, d)
		if err != nil {
			p.warn(ctx, address, err)
			continue
		}
		p.open[address] = f
		delete(p.warned, address)
	}
	return nil
}

// warn logs once that an address cannot be used on this machine.
func (p *dataPlane) warn(ctx context.Context, address netip.AddrPort, err error) {
	if p.warned[address] {
		return
	}
	p.warned[address] = true
	advice := "give the system this loopback address, on macOS by: sudo ifconfig lo0 alias " + address.Addr().String()
	if errors.Is(err, syscall.EADDRINUSE) {
		advice = "another program has it; a second local Azure on one machine needs other --addresses"
	}
	p.network.log.WarnContext(ctx, "what is behind a load balancer cannot be reached", "address", address.String(), "error", err, "advice", advice)
}

func (p *dataPlane) close() {
	for _, f := range p.open {
		f.close()
	}
}

// forwarder is one listener and the connections through it.
type forwarder struct {
	network  *Network
	door     door
	listener net.Listener
	stop     context.CancelFunc
	work     sync.WaitGroup
}

func listen(ctx context.Context, n *Network, address netip.AddrPort, d door) (*forwarder, error) {
	ctx, stop := context.WithCancel(ctx)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address.String())
	if err != nil {
		stop()
		return nil, err
	}
	f := &forwarder{network: n, door: d, listener: listener, stop: stop}
	f.work.Go(func() { f.accept(ctx) })
	return f, nil
}

// close returns when no connection is left.
func (f *forwarder) close() {
	f.stop()
	_ = f.listener.Close()
	f.work.Wait()
}

func (f *forwarder) accept(ctx context.Context) {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			f.network.log.WarnContext(ctx, "a load balancer cannot accept", "address", f.listener.Addr().String(), "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
				continue
			}
		}
		f.work.Go(func() { f.carry(ctx, conn) })
	}
}

// carry connects a client to a machine for as long as both like.
func (f *forwarder) carry(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := f.dial(ctx)
	if err != nil {
		f.network.log.DebugContext(ctx, "no machine for a connection", slog.String("address", f.listener.Addr().String()), slog.Any("error", err))
		if tcp, ok := client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, as from a closed port
		}
		return
	}
	defer func() { _ = server.Close() }()
	stop := context.AfterFunc(ctx, func() {
		_ = client.Close()
		_ = server.Close()
	})
	defer stop()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			if _, err := io.Copy(way[1], way[0]); err != nil { // one end broke: so does the other
				_ = way[0].Close()
				_ = way[1].Close()
				return
			}
			if half, ok := way[1].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both.Wait()
}

func (f *forwarder) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	t, err := f.network.topology(ctx)
	if err != nil {
		return nil, err
	}
	return f.network.dialAny(ctx, t.behind(f.door, f.network.Healthy))
}
