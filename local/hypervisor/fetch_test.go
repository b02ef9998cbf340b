package hypervisor

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
)

func TestWhoIsReachedTooLateServedNothing(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	late, reached := make(chan struct{}), make(chan struct{})
	f := &fetcher{log: &bootLog{path: filepath.Join(t.TempDir(), "boot.log")}, dial: func(_ context.Context, network, address string) (net.Conn, error) {
		cancel()
		<-late
		defer close(reached)
		return net.Dial(network, address)
	}}
	if _, err := f.get(ctx, must(url.Parse(server.URL))(t), nil); err == nil {
		t.Error("there is an answer")
	}
	close(late)
	<-reached
	server.Close()
	if f.server != "" {
		t.Errorf("%s served", f.server)
	}
}
