package openshift

import (
	"errors"
	"net/http"
	"net/url"
)

// Route is the way to the API server of a cluster for requests of other clients.
type Route struct {
	// Server is the API server as the kubeconfig names it.
	Server *url.URL
	// Transport authenticates by the kubeconfig's certificate. It uses HTTP/1.1, which
	// alone can be upgraded.
	Transport *http.Transport
}

// routeIdle is how many connections of a Route wait for the next request.
const routeIdle = 32

// NewRoute makes the way for the identity of kubeconfig to address, an IP, as Connect does.
func NewRoute(kubeconfig []byte, address string) (*Route, error) {
	api, err := Open(kubeconfig, address)
	if err != nil {
		return nil, err
	}
	if len(api.transport.TLSClientConfig.Certificates) == 0 && api.transport.TLSClientConfig.GetClientCertificate == nil {
		return nil, errors.New("the kubeconfig has no certificate that proves who asks")
	}
	server, err := url.Parse(api.URL)
	if err != nil || server.Scheme != "https" || server.Host == "" {
		return nil, errors.New("the kubeconfig names no https server")
	}
	api.transport.ForceAttemptHTTP2 = false
	api.transport.MaxIdleConnsPerHost = routeIdle
	return &Route{Server: server, Transport: api.transport}, nil
}
