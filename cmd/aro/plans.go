//go:build !paper

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/azure/preflight"
	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/cluster"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
)

// plan completes cfg with what is done to clusters on Azure.
func (c *rpCommand) plan(ctx context.Context, cfg *backend.Config, keys *store.Keyring) error {
	if c.installers == nil {
		return errors.New("--installer: there is no aro-installer beside aro, and none is named")
	}
	if _, err := c.pullSecret(ctx); err != nil {
		return err
	}
	cfg.Trace = azure.WithCorrelation
	dependencies := cluster.Dependencies{
		Azure: c.azure, Env: c.environment,
		Installer:  c.installers,
		Validator:  preflight.New(c.azure, c.environment, roleSets(cfg.Store), cfg.Log),
		Versions:   cfg.Store.Versions,
		RoleSets:   cfg.Store.RoleSets,
		Billing:    cfg.Store.Billing,
		Seal:       keys,
		PullSecret: c.pullSecret,
		Build:      version,
		Log:        cfg.Log,
	}
	cfg.Plans, cfg.Diagnose, cfg.Look = cluster.Plans(dependencies), cluster.Diagnose(dependencies), cluster.Look(dependencies)
	return nil
}

// preflight is what of a create is checked while its client waits; nothing in a
// process that may not ask about customers' subscriptions.
func (c *rpCommand) preflight(documents *store.Store, log *slog.Logger) server.Preflight {
	if !c.actsOnCustomers() {
		return nil
	}
	return limits{preflight.New(c.azure, c.environment, roleSets(documents), log)}
}

// limits asks Azure under the correlation id of the client's request.
type limits struct{ *preflight.Validator }

func (l limits) CheckCreate(ctx context.Context, correlationID string, wanted *model.Cluster) error {
	return l.Validator.CheckCreate(azure.WithCorrelation(ctx, correlationID), wanted)
}

// roleSets reads role sets of the store.
func roleSets(documents *store.Store) preflight.RoleSets {
	return func(ctx context.Context, minor string) (*model.PlatformWorkloadIdentityRoleSet, error) {
		doc, err := documents.RoleSets.Get(ctx, store.RoleSetsPartition, minor)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("role set %s: %w", minor, err)
		}
		return &doc.RoleSet, nil
	}
}
