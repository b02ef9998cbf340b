package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aro-rp/aro/store"
)

// healthTimeout bounds a request to a process that only works on clusters.
const healthTimeout = 10 * time.Second

// pinger is a database that says whether it is there.
type pinger interface {
	Ping(ctx context.Context) error
}

// serveHealth tells how a process without the API is, until ctx ends. None of it
// is secret, so it is plain HTTP everywhere.
func serveHealth(ctx context.Context, l net.Listener, documents pinger, metrics *prometheus.Registry, log *slog.Logger) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz/live", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /healthz/ready", func(w http.ResponseWriter, r *http.Request) {
		err := documents.Ping(r.Context())
		switch {
		case errors.Is(err, store.ErrWrongKeys):
			http.Error(w, "The encryption keys of this process are not those of the database.", http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, "The database does not answer.", http.StatusServiceUnavailable)
		}
	})
	h := &http.Server{Handler: http.TimeoutHandler(mux, healthTimeout, ""), ReadTimeout: healthTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	defer context.AfterFunc(ctx, func() { _ = h.Close() })()
	log.Info("listening for health and metrics", "address", l.Addr().String())
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
