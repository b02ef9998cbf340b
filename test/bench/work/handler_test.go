package work

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
)

// handler is the API of ARM. Earlier commits have another one of these; see hack/bench/baseline.
func handler(b *testing.B, s *store.Store) http.Handler {
	b.Helper()
	return edge.Must(b, edge.Options{Config: server.Config{Store: s, Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}})
}
