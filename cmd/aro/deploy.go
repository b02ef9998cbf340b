package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/deploy"
	"github.com/aro-rp/aro/service"
)

// deployCommand rolls the service out into a region.
type deployCommand struct {
	Location string `arg:"" help:"Region to deploy, as the configuration names it."`

	Config string `env:"ARO_DEPLOY_CONFIG" required:"" type:"existingfile" placeholder:"FILE" help:"Configuration file, YAML: defaults and regions. deploy/assets/config.schema.json is its schema."`
	Build  string `env:"ARO_DEPLOY_BUILD" placeholder:"TAG" help:"Build to deploy: the tag of its image in the registry. Default: that of this program."`
	DryRun bool   `env:"ARO_DEPLOY_DRY_RUN" help:"Print what would change, and change nothing."`

	Poll time.Duration `env:"ARO_DEPLOY_POLL" default:"10s" help:"Time between two looks at what Azure is doing, at least 1s."`
}

// Run deploys, and prints its progress.
func (c *deployCommand) Run(ctx context.Context) error {
	content, err := os.ReadFile(c.Config)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	region, err := deploy.ReadRegion(content, c.Location)
	if err != nil {
		return &service.ConfigError{Faults: []string{err.Error()}}
	}
	if c.Poll < time.Second { // which the SDK refuses
		return &service.ConfigError{Faults: []string{fmt.Sprintf("--poll must be at least 1s, which %s is not", c.Poll)}}
	}
	transport, err := service.Trusting(region.Authorities)
	if err != nil {
		return fmt.Errorf("authorities: %w", err)
	}
	cloud, err := azure.FindCloud(ctx, region.Cloud, transport)
	if err != nil {
		return err
	}
	credential, err := environmentCredential(cloud, transport, region.TenantID)
	if err != nil {
		return err
	}
	build := c.Build
	if build == "" {
		build = version
	}
	return deploy.Run(ctx, deploy.Options{Region: region, Build: build, Cloud: cloud, Credential: credential, Transport: transport, Progress: os.Stdout, DryRun: c.DryRun, Poll: c.Poll})
}
