// Package openshift accesses one cluster: the connection to its API server, the
// conditions that the service reads, and the changes that it makes.
//
// A condition returns what is still missing, as text that completes "waiting for",
// and empty text when it holds. A change is idempotent, and writes nothing if
// nothing differs. The package knows neither plans nor Azure; package
// backend/cluster decides when it is used.
package openshift

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// The timeouts of one connection and of one request.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 20 * time.Second
)

// Cluster is a connection to one cluster. It must be closed.
type Cluster struct {
	Objects
	transport *http.Transport
}

// Connect returns a Cluster for the cluster of kubeconfig. It connects to address,
// an IP, instead of the host in kubeconfig; the port and the verified name are
// those of kubeconfig. It makes no connection yet. await is called when a request
// begins, and done when the response is read.
func Connect(kubeconfig []byte, address string, await func(context.Context) (done func())) (*Cluster, error) {
	api, err := Open(kubeconfig, address)
	if err != nil {
		return nil, err
	}
	objects, err := newRESTObjects(api.config, &http.Client{Transport: awaited{api.authenticated, await}, Timeout: answerTimeout})
	if err != nil {
		return nil, fmt.Errorf("kubernetes client: %w", err)
	}
	return &Cluster{Objects: objects, transport: api.transport}, nil
}

// awaited calls await and done around requests.
type awaited struct {
	http.RoundTripper
	await func(context.Context) (done func())
}

func (a awaited) RoundTrip(req *http.Request) (*http.Response, error) {
	defer a.await(req.Context())()
	return a.RoundTripper.RoundTrip(req)
}

// Over returns a Cluster with objects that the caller created and closes.
func Over(o Objects) *Cluster { return &Cluster{Objects: o, transport: &http.Transport{}} }

// Close closes the connections.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

const (
	unlimited = -1 // requests in a second: a step makes few
	userAgent = "aro-service"
)

func restConfig(kubeconfig []byte) (*rest.Config, error) {
	if len(kubeconfig) == 0 {
		return nil, errors.New("the cluster has no kubeconfig yet")
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil { // its text may contain the input
		return nil, errors.New("the kubeconfig cannot be read")
	}
	if config.Insecure || config.ExecProvider != nil || config.AuthProvider != nil {
		return nil, errors.New("the kubeconfig skips verification or runs a program for its credentials")
	}
	config.QPS = unlimited
	config.UserAgent = userAgent
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

// dialAt connects to address whatever the requested host.
func dialAt(address string) (func(ctx context.Context, network, requested string) (net.Conn, error), error) {
	if net.ParseIP(address) == nil {
		return nil, fmt.Errorf("%q is not an IP address of the cluster", address)
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, requested string) (net.Conn, error) {
		if network != "tcp" {
			return nil, fmt.Errorf("network %q is not tcp", network)
		}
		_, port, err := net.SplitHostPort(requested)
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort(address, port))
	}, nil
}
