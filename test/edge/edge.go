// Package edge is the HTTP edge of the service in the process of a test: the API of ARM
// and that of engineers on one server, on a store of the test's choice.
package edge

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/admin"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
)

// Options are the differences from a development server in eastus.
type Options struct {
	server.Config
	HTTP httpserver.Config
	// Azure is that of the admin API; nil for none.
	Azure admin.Azure
	// Portal gives out ways to clusters, from the store of the server; nil gives out none.
	Portal *access.Issuer
	// Maintenance is called for actions of the admin API that work on clusters; may be nil.
	Maintenance func(ctx context.Context, resourceID string)
	// Installable reports which versions can be installed; nil accepts all.
	Installable model.Installable
}

// New returns a server with both APIs. Of the options only the store is required.
func New(o Options) (*httpserver.Server, error) {
	if o.Location == "" {
		o.Location = "eastus"
	}
	if o.Domain == "" {
		o.Domain = o.Location + ".aroapp.io"
	}
	if o.Keys == nil {
		var err error
		if o.Keys, err = store.ParseKeyring([]byte(store.NewKey())); err != nil {
			return nil, err
		}
	}
	o.Catalogue = catalogue.New(o.Store, o.Installable, o.Now)
	arm, err := server.New(o.Config)
	if err != nil {
		return nil, err
	}
	if o.Portal != nil {
		o.Portal.Accesses = access.Accesses{Documents: o.Store.Portal, Now: time.Now}
	}
	engineers, err := admin.New(admin.Config{Portal: o.Portal, Store: o.Store, Catalogue: o.Catalogue, Keys: o.Keys, Installable: o.Installable, Azure: o.Azure,
		Maintenance: o.Maintenance, Wake: o.Wake, Logger: o.Logger, Now: o.Now, NewID: o.NewID})
	if err != nil {
		return nil, err
	}
	h := o.HTTP
	h.APIs, h.MetricsClients = []httpserver.API{arm.HTTP(), engineers.HTTP()}, []string{admin.Clients}
	h.Ready, h.Failure, h.Logger, h.Now, h.NewID = armhttp.Ready(o.Store), armhttp.Failure, o.Logger, o.Now, o.NewID
	if h.Auth == nil {
		h.Auth = httpserver.Development{}
	}
	return httpserver.New(h)
}

// Must is New for tests.
func Must(t testing.TB, o Options) *httpserver.Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Serve runs a server on a free port until the test ends and returns its address.
func Serve(t testing.TB, s *httpserver.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}
