package main

import (
	"context"

	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/service/monitoring"
)

// monitorCommand checks all clusters, and reports problems as metrics.
type monitorCommand struct {
	monitoring.Config `embed:""`
}

// Run looks at clusters until ctx ends or a part fails.
func (c *monitorCommand) Run(ctx context.Context) error {
	var faults service.Faults
	c.Check(&faults)
	if err := faults.Err(); err != nil {
		return err
	}
	c.Build = version
	return monitoring.Run(ctx, &c.Config)
}
