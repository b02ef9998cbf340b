package httpserver

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// defaultConnections is far more than ARM and engineers open, and less than the files
// that a process may have open.
const defaultConnections = 4096

// connections bounds how many connections are open, so that those of which no request
// comes cannot keep others out: beyond the bound the one is closed that has waited
// longest for a request, header half sent or not. Those with a running request stay.
type connections struct {
	net.Listener
	most int

	mu      sync.Mutex
	open    int
	waiting list.List // of *connection, the longest wait first
}

// connection is one of them. Its fields belong to the lock of its pool.
type connection struct {
	net.Conn
	pool    *connections
	running int
	waits   *list.Element // nil while requests run, and after the end
	closed  bool
}

// Accept waits for a connection, and makes room for it.
func (p *connections) Accept() (net.Conn, error) {
	for {
		inner, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, longest := p.admit(inner); longest != c {
			if longest != nil {
				_ = longest.Close()
			}
			return c, nil
		}
		_ = inner.Close() // all others are busy
	}
}

// admit returns the connection, and the one that is to be closed for it: itself, if
// all others have running requests.
func (p *connections) admit(inner net.Conn) (c, closing *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c = &connection{Conn: inner, pool: p}
	if p.open >= p.most {
		if p.waiting.Len() == 0 {
			return c, c
		}
		closing = p.waiting.Front().Value.(*connection)
		closing.leave()
	}
	p.open++
	c.waits = p.waiting.PushBack(c)
	return c, closing
}

// leave takes the connection out of the pool, once.
func (c *connection) leave() {
	if c.closed {
		return
	}
	c.closed = true
	c.pool.open--
	c.rest()
}

func (c *connection) rest() {
	if c.waits != nil {
		c.pool.waiting.Remove(c.waits)
		c.waits = nil
	}
}

// Close closes the connection and frees its place.
func (c *connection) Close() error {
	c.pool.mu.Lock()
	c.leave()
	c.pool.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends what is sent, as net/http does before it closes.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// begin says that a request runs on the connection, and the returned that it has ended.
func (c *connection) begin() (end func()) {
	c.count(1)
	return func() { c.count(-1) }
}

func (c *connection) count(more int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.running += more
	switch {
	case c.running > 0:
		c.rest()
	case !c.closed && c.waits == nil:
		c.waits = c.pool.waiting.PushBack(c)
	}
}

type connectionKey struct{}

// withConnection lets the requests of a connection find it.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(*tls.Conn); ok {
		c = over.NetConn()
	}
	if own, ok := c.(*connection); ok {
		return context.WithValue(ctx, connectionKey{}, own)
	}
	return ctx
}
