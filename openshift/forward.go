package openshift

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/rest"
)

const (
	// forwardProtocol is Kubernetes' protocol of channels in a WebSocket. Kubelets offer it
	// beside SPDY, whose compression costs a megabyte of memory for each connection.
	forwardProtocol = "v4.channel.k8s.io"
	// The first byte of each message is its channel. The first message of each has the port.
	dataChannel, errorChannel = 0, 1
	portSize                  = 2
	// maxForwardError bounds the text of a failure, in bytes.
	maxForwardError = 4 << 10
	forwardBuffer   = 4 << 10
)

// forwardBuffers are those of writers, shared by all connections.
var forwardBuffers sync.Pool

// Forward connects to a port of a pod, through the API server.
func (a *API) Forward(ctx context.Context, namespace, pod string, port int) (net.Conn, error) {
	header, err := credentials(a.config)
	if err != nil {
		return nil, err
	}
	tls := a.transport.TLSClientConfig.Clone()
	if tls != nil {
		tls.NextProtos = nil // HTTP/2 cannot be upgraded
	}
	dialer := websocket.Dialer{NetDialContext: a.open.connect, TLSClientConfig: tls, HandshakeTimeout: answerTimeout,
		Subprotocols: []string{forwardProtocol}, ReadBufferSize: forwardBuffer, WriteBufferSize: forwardBuffer, WriteBufferPool: &forwardBuffers}
	to := "ws" + strings.TrimPrefix(a.URL, "http") + "/api/v1/namespaces/" + url.PathEscape(namespace) + "/pods/" + url.PathEscape(pod) +
		"/portforward?ports=" + strconv.Itoa(port)
	socket, res, err := dialer.DialContext(ctx, to, header)
	if res != nil {
		_ = res.Body.Close()
	}
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil, fmt.Errorf("forward port %d of pod %s: the API server answers %s", port, pod, res.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("forward port %d of pod %s: %w", port, pod, err)
	}
	f := &forwarded{Conn: socket, what: fmt.Sprintf("port %d of pod %s", port, pod)}
	context.AfterFunc(ctx, func() { _ = f.Close() })
	return f, nil
}

// credentials are the headers with which config's requests authenticate. Libraries that dial by
// themselves take no transport.
func credentials(config *rest.Config) (http.Header, error) {
	sent := http.Header{}
	transport, err := rest.HTTPWrappersForConfig(config, recorded(sent))
	if err != nil {
		return nil, fmt.Errorf("credentials of the kubeconfig: %w", err)
	}
	req, err := http.NewRequest(http.MethodGet, config.Host, nil)
	if err != nil {
		return nil, fmt.Errorf("address of the kubeconfig: %w", err)
	}
	_, err = transport.RoundTrip(req)
	if errors.Is(err, errRecorded) {
		return sent, nil
	}
	return nil, fmt.Errorf("credentials of the kubeconfig: %w", err)
}

// recorded notes the headers of a request, and sends nothing.
type recorded http.Header

var errRecorded = errors.New("the request is recorded")

// RoundTrip implements http.RoundTripper.
func (r recorded) RoundTrip(req *http.Request) (*http.Response, error) {
	for name, values := range req.Header {
		r[name] = values
	}
	return nil, errRecorded
}

// direct is the URL and configuration with which a library that dials by itself reaches
// the cluster at its address.
func (a *API) direct() (*url.URL, *rest.Config, error) {
	to, err := url.Parse(a.URL)
	if err != nil {
		return nil, nil, fmt.Errorf("address of the kubeconfig: %w", err)
	}
	config := rest.CopyConfig(a.config)
	if config.ServerName == "" {
		config.ServerName = to.Hostname()
	}
	to.Host = net.JoinHostPort(a.address, to.Port())
	config.Host = to.String()
	return to, config, nil
}

// forwarded is a forwarded connection. One goroutine may read, and one write.
type forwarded struct {
	*websocket.Conn
	what string

	message io.Reader
	began   [2]bool // the port of the channel was read
}

// Read implements net.Conn. What the pod's node reports as a failure is an error.
func (f *forwarded) Read(p []byte) (int, error) {
	for {
		for f.message == nil {
			if err := f.next(); err != nil {
				return 0, err
			}
		}
		n, err := f.message.Read(p)
		if errors.Is(err, io.EOF) {
			f.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next begins the next message with data.
func (f *forwarded) next() error {
	_, message, err := f.NextReader()
	if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		return io.EOF
	}
	if err != nil {
		return err
	}
	var channel [1]byte
	if _, err := io.ReadFull(message, channel[:]); err != nil {
		return fmt.Errorf("%s: a message without a channel: %w", f.what, err)
	}
	switch at := channel[0]; {
	case at > errorChannel:
		return fmt.Errorf("%s: a message of channel %d", f.what, at)
	case !f.began[at]:
		f.began[at] = true
		if _, err := io.ReadFull(message, make([]byte, portSize)); err != nil {
			return fmt.Errorf("%s: a channel without its port: %w", f.what, err)
		}
		return nil
	case at == errorChannel:
		text, _ := io.ReadAll(io.LimitReader(message, maxForwardError))
		return fmt.Errorf("%s: %s", f.what, text)
	default:
		f.message = message
		return nil
	}
}

// Write implements net.Conn. Servers take every frame for a message, so that none may be
// longer than the buffer, at which the library begins another.
func (f *forwarded) Write(p []byte) (n int, err error) {
	for chunk := range slices.Chunk(p, forwardBuffer-1) {
		message, err := f.NextWriter(websocket.BinaryMessage)
		if err != nil {
			return n, err
		}
		if _, err := message.Write([]byte{dataChannel}); err != nil {
			return n, err
		}
		if _, err := message.Write(chunk); err != nil {
			return n, err
		}
		if err := message.Close(); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	return n, nil
}

// SetDeadline implements net.Conn.
func (f *forwarded) SetDeadline(t time.Time) error {
	return errors.Join(f.SetReadDeadline(t), f.SetWriteDeadline(t))
}
