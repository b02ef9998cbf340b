// Command aro-prometheus is the Prometheus of a local cluster: Prometheus' own database, scraper,
// query engine and API. It reads Prometheus' configuration file.
//
// It begins to scrape with the first request, and stops when none has come for a time: clusters
// whose metrics are not read cost nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	s := server{variables: map[string]string{}}
	listen := flag.String("listen", "127.0.0.1:9090", "address to serve, plain HTTP")
	flag.StringVar(&s.config, "config", "", "Prometheus' configuration file, in which ${NAME} is a variable (required)")
	flag.Func("variable", "NAME=VALUE of a variable in the configuration", func(text string) error {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return errors.New("use NAME=VALUE")
		}
		s.variables[name] = value
		return nil
	})
	flag.StringVar(&s.dir, "data", "", "directory that keeps the samples (required)")
	flag.DurationVar(&s.idle, "idle", 30*time.Minute, "time after the last request when scraping stops")
	flag.Parse()
	s.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.serve(ctx, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "aro-prometheus:", err)
		os.Exit(1)
	}
}

// drainTime bounds how long requests may go on after a signal.
const drainTime = 2 * time.Second

// serve serves until ctx ends.
func (s *server) serve(ctx context.Context, listen string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		_ = h.Shutdown(drain)
		return s.stop()
	})
	group.Go(func() error { return s.rest(ctx) })
	group.Go(func() error {
		if err := h.Serve(listener); err != http.ErrServerClosed { //nolint:errorlint // as net/http documents it
			return err
		}
		return nil
	})
	return group.Wait()
}
