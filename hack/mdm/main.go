// Command mdm receives metrics in place of the agent of MDM and shows the last value
// of each series at http://LISTEN/: as a table, as JSON at /series and for Prometheus
// at /metrics. The parameter q filters series by words.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/metrics/sink"
)

func main() {
	socket := flag.String("socket", "unix:mdm_statsd.socket", "where metrics come in: unix:PATH or udp:HOST:PORT")
	listen := flag.String("listen", "127.0.0.1:9125", "where they are shown, over HTTP")
	keep := flag.Duration("keep", sink.DefaultKeep, "how long a series is shown after its last value")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *socket, *listen, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "mdm:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, socket, listen string, keep time.Duration) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	s := sink.New(keep, slog.Default())
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	fmt.Printf("metrics that are sent to %s are shown at http://%s/\n", socket, listener.Addr())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Listen(ctx, socket) })
	group.Go(func() error { _ = server.Serve(listener); return nil })
	group.Go(func() error { <-ctx.Done(); return server.Close() })
	return group.Wait()
}
