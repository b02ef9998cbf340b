// Command aro is the resource provider with simulated plans: the same process as the
// product's, but that machines are records of another program.
// Proofs start it that need thousands of clusters or hundreds of kills.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/service/monitoring"
	"github.com/aro-rp/aro/service/portal"
	"github.com/aro-rp/aro/service/rp"
	"github.com/aro-rp/aro/test/simulated"
	"github.com/aro-rp/aro/test/simulated/provider"
)

// version is set by the linker.
var version = "simulated"

type command struct {
	rp.Config     `embed:""`
	service.Cloud `embed:""`

	ControlPlanes string `env:"ARO_CONTROL_PLANES" placeholder:"unix:PATH" help:"Where records stand for machines. The backend needs it."`
}

func main() {
	var c struct {
		RP      command        `cmd:"" name:"rp" help:"Serve the API and work on clusters that are records."`
		Monitor monitorCommand `cmd:"" help:"Look at clusters, as the product does."`
		Portal  portalCommand  `cmd:"" help:"Serve the portal, as the product does."`
	}
	parser := kong.Parse(&c, kong.Name("aro"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	parser.BindTo(ctx, (*context.Context)(nil))
	err := parser.Run()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "aro:", err)
		os.Exit(1)
	}
}

// monitorCommand and portalCommand are the product's.
type monitorCommand struct {
	monitoring.Config `embed:""`
}

// Run looks at clusters until ctx ends.
func (c *monitorCommand) Run(ctx context.Context) error {
	c.Build = version
	return monitoring.Run(ctx, &c.Config)
}

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

// Run is the product's process with other work.
func (c *command) Run(ctx context.Context) error {
	var faults service.Faults
	if c.Config.Check(&faults); faults.Err() != nil {
		return faults.Err()
	}
	needs := c.Needs()
	needs.Clusters = false // machines are records, without Azure
	s, err := service.Open(ctx, &c.Config.Config, &c.Cloud, needs)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	c.Build = version
	return rp.Run(ctx, &c.Config, s, rp.Work{IdentityHosts: c.Cloud.IdentityHosts, Plan: func(_ context.Context, cfg *backend.Config) error {
		if c.ControlPlanes == "" {
			return errors.New("--control-planes is missing: give it or use --backend=false")
		}
		machines, err := provider.NewClient(c.ControlPlanes)
		if err != nil {
			return fmt.Errorf("--control-planes: %w", err)
		}
		cfg.Plans = simulated.Plans(simulated.Dependencies{Machines: machines, Billing: s.Store.Billing, Build: c.Build})
		return nil
	}})
}
