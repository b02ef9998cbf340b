// Package openshift is how the service talks to one cluster: the connection to
// its API server, the questions the service asks, and the changes it makes.
//
// A question answers what is still missing, in words that complete "waiting
// for", and nothing when all is there. A change is harmless to repeat, and writes
// nothing when nothing is to be changed. The package knows neither plans nor
// Azure; what is done when is package cluster's business.
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

// How long to wait for one connection and for one answer.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 20 * time.Second
)

// Cluster is a connection to one cluster. Close it: clusters come and go.
type Cluster struct {
	Objects
	transport *http.Transport
}

// Connect prepares to talk to the cluster of kubeconfig at address, an IP, in
// place of the host that kubeconfig names; the port and the name to be verified
// remain kubeconfig's. It dials nobody yet. await is called when a request
// begins, and done when the answer is there.
func Connect(kubeconfig []byte, address string, await func(context.Context) (done func())) (*Cluster, error) {
	api, err := Open(kubeconfig, address)
	if err != nil {
		return nil, err
	}
	objects, err := newRESTObjects(api.config, &http.Client{Transport: awaited{api.Client.Transport, await}, Timeout: answerTimeout})
	if err != nil {
		return nil, fmt.Errorf("kubernetes client: %w", err)
	}
	return &Cluster{Objects: objects, transport: api.transport}, nil
}

// awaited tells when requests begin and end.
type awaited struct {
	http.RoundTripper
	await func(context.Context) (done func())
}

func (a awaited) RoundTrip(req *http.Request) (*http.Response, error) {
	defer a.await(req.Context())()
	return a.RoundTripper.RoundTrip(req)
}

// Over puts a Cluster on objects that somebody else made and closes.
func Over(o Objects) *Cluster { return &Cluster{Objects: o, transport: &http.Transport{}} }

// Close closes the connections.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

func restConfig(kubeconfig []byte) (*rest.Config, error) {
	if len(kubeconfig) == 0 {
		return nil, errors.New("the cluster has no kubeconfig yet")
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(kubeconfig)
	if err != nil { // its text may repeat what it read
		return nil, errors.New("the kubeconfig cannot be read")
	}
	if config.Insecure || config.ExecProvider != nil || config.AuthProvider != nil {
		return nil, errors.New("the kubeconfig skips verification or runs a program for its credentials")
	}
	config.QPS = -1 // a step asks a handful of questions
	config.UserAgent = "aro-service"
	config.WarningHandler = rest.NoWarnings{}
	return config, nil
}

// dialAt reaches address whatever host is asked for.
func dialAt(address string) (func(ctx context.Context, network, asked string) (net.Conn, error), error) {
	if net.ParseIP(address) == nil {
		return nil, fmt.Errorf("%q is no IP to reach the cluster at", address)
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, asked string) (net.Conn, error) {
		if network != "tcp" {
			return nil, fmt.Errorf("network %q is not tcp", network)
		}
		_, port, err := net.SplitHostPort(asked)
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort(address, port))
	}, nil
}
