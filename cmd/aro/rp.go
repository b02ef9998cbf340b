package main

import (
	"context"
	"errors"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/preflight"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/cluster"
	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/service/rp"
)

// rpCommand is the resource provider with the plans of the product.
type rpCommand struct {
	rp.Config          `embed:""`
	service.Cloud      `embed:""`
	service.Installers `embed:""`
}

// Run is the whole service, until ctx ends or a part of it fails.
func (c *rpCommand) Run(ctx context.Context) error {
	var faults service.Faults
	c.Config.Check(&faults)
	c.Cloud.Check(&faults, &c.Config.Config, c.Needs())
	if err := faults.Err(); err != nil {
		return err
	}
	s, err := service.Open(ctx, &c.Config.Config, &c.Cloud, c.Needs())
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	installers, err := c.Find(ctx, s.Log)
	if err != nil {
		return err
	}
	c.Build = version
	work := rp.Work{Installable: service.Installable(installers), IdentityHosts: c.Cloud.Hosts(),
		Plan: func(ctx context.Context, cfg *backend.Config) error {
			if installers == nil {
				return errors.New("--installer: there is no aro-installer beside aro, and none is named")
			}
			return c.plan(ctx, s, cluster.Dependencies{Installer: installers}, cfg)
		}}
	if c.ActsOnCustomers() {
		work.Preflight = limits{preflight.New(s.Azure, s.Environment, catalogue.RoleSets(s.Store), s.Log)}
	}
	return rp.Run(ctx, &c.Config, s, work)
}

// plan completes cfg with what is done to clusters on Azure.
func (c *rpCommand) plan(ctx context.Context, s *service.Service, d cluster.Dependencies, cfg *backend.Config) error {
	pullSecret := func(ctx context.Context) (model.Secret, error) { return c.ReadPullSecret(ctx, s.Vault) }
	if _, err := pullSecret(ctx); err != nil {
		return err
	}
	authorities, err := c.Authorities()
	if err != nil {
		return err
	}
	cfg.Trace = azure.WithCorrelation
	d.Azure, d.Env, d.Validator = s.Azure, s.Environment, preflight.New(s.Azure, s.Environment, catalogue.RoleSets(s.Store), s.Log)
	d.Versions, d.RoleSets, d.Billing = s.Store.Versions, s.Store.RoleSets, s.Store.Billing
	d.Seal, d.PullSecret, d.Build, d.Log = s.Keys, pullSecret, version, s.Log
	d.Operator = cluster.Operator{Image: c.Cloud.Operator(version), Authorities: string(authorities)}
	cfg.Plans, cfg.Diagnose, cfg.Look = cluster.Plans(d), cluster.Diagnose(d), cluster.Look(d)
	return nil
}

// limits asks Azure under the correlation id of the client's request.
type limits struct{ *preflight.Validator }

func (l limits) CheckCreate(ctx context.Context, correlationID string, wanted *model.Cluster) error {
	return l.Validator.CheckCreate(azure.WithCorrelation(ctx, correlationID), wanted)
}
