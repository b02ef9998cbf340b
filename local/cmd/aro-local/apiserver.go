package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/aro-rp/aro/local/controlplane"
)

type apiServerCommand struct {
	Dir string `env:"ARO_APISERVER_DIR" required:"" type:"existingdir" help:"An empty directory for all that it keeps."`
}

// Run prints a kubeconfig once the server is ready, and runs until standard input
// ends, with which it outlives no test.
func (c apiServerCommand) Run(ctx context.Context, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return controlplane.Standalone{Dir: c.Dir, Log: log}.Run(ctx, func(kubeconfig []byte) error {
		if _, err := os.Stdout.Write(kubeconfig); err != nil {
			return err
		}
		return os.Stdout.Close() // the end of the kubeconfig
	})
}
