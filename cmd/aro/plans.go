//go:build !paper

package main

import (
	"context"
	"errors"

	"github.com/aro-rp/aro/backend"
)

// cloudFlags say where Azure is and who the service is there.
type cloudFlags struct{}

// plan completes cfg with what is done to clusters.
func (c *rpCommand) plan(context.Context, *backend.Config) error {
	return errors.New("clusters on Azure are not wired yet: use --backend=false")
}
