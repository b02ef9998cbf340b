package controlplane

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// dialNode opens a connection to a port of a node, whose address is in a network
// that this process is not in.
func (p *plane) dialNode(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", p.Nodes)
	if err != nil {
		return nil, fmt.Errorf("way to the nodes: %w", err)
	}
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	err = request.Write(conn)
	if err == nil {
		// The other side sends nothing before this side does: nothing is read too far.
		var response *http.Response
		response, err = http.ReadResponse(bufio.NewReader(conn), request) //nolint:bodyclose // the connection goes on
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s", response.Status)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("node %s: %w", address, err)
	}
	return conn, nil
}
