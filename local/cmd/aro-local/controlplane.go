package main

import (
	"context"
	"log/slog"

	"github.com/aro-rp/aro/local/openshift"
)

type controlPlaneCommand struct {
	Dir string `env:"ARO_CLUSTER_DIR" required:"" type:"existingdir" help:"The cluster's home, made by run."`
}

// Run runs until the process is told to stop.
func (c controlPlaneCommand) Run(ctx context.Context, log *slog.Logger) error {
	return openshift.Run(ctx, c.Dir, log)
}
