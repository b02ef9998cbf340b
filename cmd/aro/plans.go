//go:build !paper

package main

import (
	"context"
	"errors"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/azure"
)

// plan completes cfg with what is done to clusters.
func (c *rpCommand) plan(_ context.Context, cfg *backend.Config) error {
	cfg.Trace = azure.WithCorrelation
	return errors.New("clusters on Azure are not wired yet: use --backend=false")
}
