package main

import (
	"context"

	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/service/portal"
)

// portalCommand serves the portal for engineers of the service.
type portalCommand struct {
	portal.Config `embed:""`
}

// Run serves the portal until ctx ends.
func (c *portalCommand) Run(ctx context.Context) error {
	var faults service.Faults
	needs := c.Check(&faults)
	if err := faults.Err(); err != nil {
		return err
	}
	s, err := service.Open(ctx, &c.Config.Config, &c.Cloud, needs)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	c.Build = version
	return portal.Run(ctx, &c.Config, s)
}
