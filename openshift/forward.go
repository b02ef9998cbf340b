package openshift

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport/spdy"
)

// forwardProtocol is what the API server calls forwarding over SPDY.
const forwardProtocol = "portforward.k8s.io"

// Forward connects to a port of a pod, through the API server.
func (a *API) Forward(ctx context.Context, namespace, pod string, port int) (net.Conn, error) {
	to, config, err := a.direct()
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("forward a port: %w", err)
	}
	to.Path = "/api/v1/namespaces/" + namespace + "/pods/" + pod + "/portforward"
	dialed := make(chan struct{})
	var streams httpstream.Connection
	go func() { // the library knows no context
		defer close(dialed)
		streams, _, err = spdy.NewDialer(upgrader, &http.Client{Transport: transport, Timeout: answerTimeout}, http.MethodPost, to).Dial(forwardProtocol)
	}()
	select {
	case <-dialed:
	case <-ctx.Done():
		go func() {
			if <-dialed; streams != nil {
				_ = streams.Close()
			}
		}()
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("forward port %d of pod %s: %w", port, pod, err)
	}
	conn, err := streamTo(streams, port)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("forward port %d of pod %s: %w", port, pod, err), streams.Close())
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, nil
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

// streamTo asks for the two streams of one forwarded connection.
func streamTo(streams httpstream.Connection, port int) (net.Conn, error) {
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(port))
	header.Set(corev1.PortForwardRequestIDHeader, "0")
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	failures, err := streams.CreateStream(header)
	if err != nil {
		return nil, err
	}
	_ = failures.Close() // nothing is sent on it; the data ends when the pod cannot be reached
	header.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := streams.CreateStream(header)
	if err != nil {
		return nil, err
	}
	return forwarded{data, streams}, nil
}

// forwarded is a forwarded connection. The caller bounds its time by closing it.
type forwarded struct {
	httpstream.Stream
	streams httpstream.Connection
}

// Close implements net.Conn.
func (f forwarded) Close() error { return errors.Join(f.Stream.Reset(), f.streams.Close()) }

// LocalAddr implements net.Conn.
func (forwarded) LocalAddr() net.Addr { return &net.UnixAddr{Name: "forwarded"} }

// RemoteAddr implements net.Conn.
func (forwarded) RemoteAddr() net.Addr { return &net.UnixAddr{Name: "forwarded"} }

// SetDeadline implements net.Conn; it does nothing.
func (forwarded) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn; it does nothing.
func (forwarded) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn; it does nothing.
func (forwarded) SetWriteDeadline(time.Time) error { return nil }
