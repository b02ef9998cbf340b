package httpserver

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// defaultConnections is well above what ARM and engineers open, and below the limit
// of open files of a process.
const defaultConnections = 4096

// connections bounds the number of open connections, so that idle ones cannot exclude
// other clients: at the limit it closes the one that has waited longest for a
// request, including one with an incomplete header. Connections with a running
// request stay open.
type connections struct {
	net.Listener
	most int

	mu      sync.Mutex
	open    int
	waiting list.List // of *connection, the longest waiting first
}

// connection is one connection. The lock of its pool guards its fields.
type connection struct {
	net.Conn
	pool    *connections
	running int
	waits   *list.Element // nil while requests run, and after the end
	closed  bool
}

// Accept waits for a connection, and closes another one at the limit.
func (p *connections) Accept() (net.Conn, error) {
	for {
		inner, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, longest := p.add(inner); longest != c {
			if longest != nil {
				_ = longest.Close()
			}
			return c, nil
		}
		_ = inner.Close() // all others have running requests
	}
}

// add returns the connection, and the one to close for it: itself, if all others
// have running requests.
func (p *connections) add(inner net.Conn) (c, closing *connection) {
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

// leave removes the connection from the pool, once.
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

// Close closes the connection and removes it from the pool.
func (c *connection) Close() error {
	c.pool.mu.Lock()
	c.leave()
	c.pool.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite ends the sending side, as net/http does before it closes.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// begin records that a request runs on the connection; the returned function records
// its end.
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

// withConnection returns a context with the connection of the requests.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(*tls.Conn); ok {
		c = over.NetConn()
	}
	if own, ok := c.(*connection); ok {
		return context.WithValue(ctx, connectionKey{}, own)
	}
	return ctx
}
