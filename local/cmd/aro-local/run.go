package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/local/clusters"
	"github.com/aro-rp/aro/local/rp"
	"github.com/aro-rp/aro/local/supervisor"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	tenant       = "00000000-0000-0000-0000-0000000000b1"
	// rpGrace lets the provider finish requests and hand its leases back.
	rpGrace = 30 * time.Second
	// rpTries is the number of failed starts in a row after which only a person helps.
	rpTries = 5
)

type runCommand struct {
	Data   string `env:"ARO_DATA" default:".aro" type:"path" help:"Directory for everything that is kept: database, clusters, logs."`
	Listen string `env:"ARO_LISTEN" default:"127.0.0.1:8080" help:"Address at which the resource provider listens. It must be a loopback address."`
	RP     string `name:"rp" env:"ARO_RP" type:"path" placeholder:"PATH" help:"The program aro. Default: the one beside aro-local."`
}

// Run starts everything and returns when everything has stopped.
func (c runCommand) Run(ctx context.Context, log *slog.Logger) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if c.RP == "" {
		c.RP = filepath.Join(filepath.Dir(self), "aro")
	}
	if _, err := os.Stat(c.RP); err != nil {
		return fmt.Errorf("the resource provider is not there: %w; build it with `make build`, or say where it is with --rp", err)
	}
	if err := os.MkdirAll(filepath.Join(c.Data, "logs"), 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	unlock, err := supervisor.Lock(filepath.Join(c.Data, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.forgetRegistration(); err != nil {
		return err
	}
	provider, err := c.provider(log)
	if err != nil {
		return err
	}

	// Clusters outlive the provider, so that it can finish what it is doing.
	lower, stopClusters := context.WithCancel(context.WithoutCancel(ctx))
	defer stopClusters()
	local, err := clusters.Open(lower, filepath.Join(c.Data, "clusters"), []string{self, "control-plane"}, log)
	if err != nil {
		return err
	}
	defer local.Wait()
	defer stopClusters()
	return c.serve(ctx, lower, local, provider)
}

// serve returns once the provider has stopped, or a part failed.
func (c runCommand) serve(ctx, lower context.Context, local *clusters.Clusters, provider *supervisor.Process) error {
	lower, stop := context.WithCancel(lower)
	defer stop()
	g, lower := errgroup.WithContext(lower)
	upper, cancel := context.WithCancel(ctx)
	context.AfterFunc(lower, cancel)
	g.Go(func() error { return local.Serve(lower, c.socket()) })
	g.Go(func() error {
		defer stop()
		return provider.Run(upper)
	})
	g.Go(func() error { return c.present(upper) })
	context.AfterFunc(ctx, func() { fmt.Println("stopping; what was created is kept, and goes on at the next start") })
	return g.Wait()
}

// provider is the child `aro rp`; one that a killed predecessor left is ended.
func (c runCommand) provider(log *slog.Logger) (*supervisor.Process, error) {
	p := &supervisor.Process{
		Name: "aro rp",
		Path: c.RP,
		Args: []string{"rp", "--listen", c.Listen, "--store", "sqlite:" + c.database(),
			"--control-planes", "unix:" + c.socket()},
		LogFile:     filepath.Join(c.Data, "logs", "rp.log"),
		PIDFile:     filepath.Join(c.Data, "rp.pid"),
		Grace:       rpGrace,
		GiveUpAfter: rpTries,
		Log:         log,
	}
	return p, supervisor.StopLeftover(p.PIDFile)
}

// present registers the subscription, tells what to try, and shows progress.
func (c runCommand) present(ctx context.Context) error {
	provider := rp.At(c.Listen)
	if !provider.BecomesReady(ctx) {
		return nil // stopped before it was ready
	}
	if err := c.register(ctx, provider); err != nil {
		return err
	}
	fmt.Printf(welcome, c.Listen, c.Data, subscription, c.Listen, subscription)
	provider.Follow(ctx, os.Stdout)
	return nil
}

// register happens once per database: later the state is the user's to change.
func (c runCommand) register(ctx context.Context, provider *rp.RP) error {
	if _, err := os.Stat(c.registered()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := provider.Register(ctx, subscription, tenant, time.Now()); err != nil {
		return err
	}
	return os.WriteFile(c.registered(), nil, 0o600)
}

// forgetRegistration is for a database that someone deleted.
func (c runCommand) forgetRegistration() error {
	if _, err := os.Stat(c.database()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(c.registered()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (c runCommand) registered() string { return filepath.Join(c.Data, "subscription-registered") }

func (c runCommand) database() string { return filepath.Join(c.Data, "aro.db") }

func (c runCommand) socket() string { return filepath.Join(c.Data, "control-planes.sock") }
