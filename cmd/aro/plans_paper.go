//go:build paper

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/backend"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/paper"
	"github.com/aro-rp/aro/test/paper/seam"
)

// cloudFlags lead to machines that exist on paper only: this is the build for
// proofs of the API, the store and the worker, which need thousands of clusters.
type cloudFlags struct {
	IdentityHosts []string `env:"ARO_IDENTITY_HOSTS" placeholder:"HOST,..." help:"Hosts of the managed identity data plane."`
	ControlPlanes string   `env:"ARO_CONTROL_PLANES" placeholder:"unix:PATH" help:"Where records stand for machines. The backend needs it."`
}

// plan completes cfg with what is done to clusters.
func (c *rpCommand) plan(_ context.Context, cfg *backend.Config, _ *store.Keyring) error {
	if c.ControlPlanes == "" {
		return errors.New("--control-planes is missing: give it or use --backend=false")
	}
	machines, err := seam.NewClient(c.ControlPlanes)
	if err != nil {
		return fmt.Errorf("--control-planes: %w", err)
	}
	cfg.Plans = paper.Plans(paper.Dependencies{Machines: machines, Billing: cfg.Store.Billing, Build: version})
	return nil
}

// preflight has nobody to ask.
func (c *rpCommand) preflight(*store.Store, *slog.Logger) server.Preflight { return nil }

// openCloud has nothing to open: there is no Azure on paper.
func (c *rpCommand) openCloud(context.Context, prometheus.Registerer, *slog.Logger) (func(context.Context) error, error) {
	return func(context.Context) error { return nil }, nil
}

// find finds nothing: on paper every version is installed alike.
func (*cloudFlags) find(context.Context, *slog.Logger) (*install.Installers, error) { return nil, nil }

// actsOnCustomers is never: there are none on paper.
func (*cloudFlags) actsOnCustomers() bool { return false }

func (c *cloudFlags) identityHosts() []string { return c.IdentityHosts }

// secrets are none.
func (*cloudFlags) secrets() []string { return nil }

// service is nobody on paper.
func (c *rpCommand) service() azcore.TokenCredential { return nil }

// keep has no vault.
func (c *rpCommand) keep([]string) (keeper, error) {
	return nil, errors.New("there is no key vault on paper")
}
