// Command aro-registry is a container registry on this machine: the distribution
// project's, with its files in a directory. It has a module of its own, for what
// distribution is made of would raise versions that Kubernetes pins in the module
// of the local Azure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
)

// drainTime bounds how long requests may go on after a signal.
const drainTime = 5 * time.Second

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve, plain HTTP")
	data := flag.String("data", "", "directory that keeps the images (required)")
	input := flag.Bool("until-eof", false, "end when the standard input ends, as with the process that started this one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *input {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	if err := run(ctx, *listen, *data); err != nil {
		fmt.Fprintln(os.Stderr, "aro-registry:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. The first line on standard output is the address.
func run(ctx context.Context, listen, data string) error {
	if data == "" {
		return errors.New("--data is missing: name a directory for the images")
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	logrus.SetOutput(io.Discard) // one line a request; access logs are the proxy's
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handlers.NewApp(ctx, settings(data)), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	slog.InfoContext(ctx, "serving", "address", listener.Addr().String(), "data", data)
	fmt.Println(listener.Addr())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return server.Shutdown(drain)
}

func settings(data string) *configuration.Configuration {
	c := &configuration.Configuration{Storage: configuration.Storage{
		"filesystem": configuration.Parameters{"rootdirectory": data},
		"delete":     configuration.Parameters{"enabled": true},
	}}
	c.Catalog.MaxEntries = 1000
	c.Log.AccessLog.Disabled = true
	return c
}
