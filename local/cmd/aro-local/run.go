package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/aro-rp/aro/local/apipage"
	"github.com/aro-rp/aro/local/rp"
	"github.com/aro-rp/aro/local/supervisor"
)

const (
	// rpGrace lets the provider finish requests and hand its leases back.
	rpGrace = 30 * time.Second
	// rpTries is how often the provider may fail to start before only a person helps.
	rpTries = 5
)

type runCommand struct {
	Data      string   `env:"ARO_DATA" default:".aro" type:"path" help:"Directory for everything that is kept: database, Azure, machines, logs."`
	Listen    string   `env:"ARO_LISTEN" default:"127.0.0.1:8080" help:"Address at which the resource provider listens. It must be a loopback address."`
	Azure     string   `env:"ARO_AZURE" default:"localhost:8443" help:"Name and port at which Azure answers. The name must be localhost."`
	Addresses byte     `env:"ARO_ADDRESSES" default:"64" help:"N: private endpoints get addresses of 127.N.0.0/16, public IPs of 127.N+1.0.0/16. Two aro-local on one machine need different ones; it counts at the first start."`
	Unlimited bool     `env:"ARO_UNLIMITED" help:"Do not throttle requests to Azure as Azure does."`
	Sign      bool     `name:"sign-operations" env:"ARO_SIGN_OPERATIONS" help:"Sign the addresses of operations as Azure does: they get 4 KB longer, and count only as they were given."`
	RP        string   `name:"rp" env:"ARO_RP" type:"path" placeholder:"PATH" help:"The program aro. Default: the one beside aro-local."`
	Installer []string `env:"ARO_INSTALLER" placeholder:"[MINOR=]PATH" help:"A program aro-installer, or a directory of several, as for aro rp. Default: the one beside aro-local."`
}

// Run starts everything and returns when everything has stopped.
func (c runCommand) Run(ctx context.Context, log *slog.Logger) error {
	quietKubernetes(os.Stderr)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if c.RP == "" {
		c.RP = filepath.Join(filepath.Dir(self), "aro")
	}
	programs := []string{c.RP}
	if len(c.Installer) == 0 {
		c.Installer = []string{filepath.Join(filepath.Dir(self), "aro-installer")}
		programs = append(programs, c.Installer[0])
	}
	for _, path := range programs {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("a program is not there: %w; build it with `make build`", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(c.Data, "logs"), 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	unlock, err := supervisor.Lock(filepath.Join(c.Data, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	// Azure and its machines outlive the provider, so that it can finish what it is doing.
	lower, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	cloud, err := c.openCloud(lower, self, log)
	if err != nil {
		return err
	}
	defer cloud.close()
	defer stop()
	provider, err := c.provider(ctx, cloud.identity, log)
	if err != nil {
		return err
	}
	return c.serve(ctx, lower, cloud, provider)
}

// quietKubernetes lets Kubernetes' libraries, which have a log of their own, say only
// what is wrong, the way that everything else here says it.
func quietKubernetes(to io.Writer) {
	handler := slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn})
	klog.SetSlogLogger(slog.New(handler).With("component", "kubernetes"))
}

// serve returns once the provider has stopped, or a part failed.
func (c runCommand) serve(ctx, lower context.Context, cloud *localCloud, provider *supervisor.Process) error {
	lower, stop := context.WithCancel(lower)
	defer stop()
	listeners, err := c.listen(lower)
	if err != nil {
		return err
	}
	g, lower := errgroup.WithContext(lower)
	upper, cancel := context.WithCancel(ctx)
	context.AfterFunc(lower, cancel)
	for _, listener := range listeners {
		g.Go(func() error { return cloud.azure.Serve(lower, listener) })
	}
	g.Go(func() error {
		defer stop()
		return provider.Run(upper)
	})
	g.Go(func() error { return c.present(upper) })
	context.AfterFunc(ctx, func() { fmt.Println("stopping; everything that was created is kept, and the next start resumes it") })
	return g.Wait()
}

// listen opens Azure's port on every loopback address that its name may mean.
func (c runCommand) listen(ctx context.Context) ([]net.Listener, error) {
	name, port, err := net.SplitHostPort(c.Azure)
	if err != nil || name != "localhost" {
		return nil, fmt.Errorf("--azure must be localhost:PORT, not %q", c.Azure)
	}
	var config net.ListenConfig
	first, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, fmt.Errorf("--azure: %w", err)
	}
	listeners := []net.Listener{first}
	if second, err := config.Listen(ctx, "tcp6", net.JoinHostPort("::1", port)); err == nil {
		listeners = append(listeners, second) // a machine without IPv6 does without
	}
	return listeners, nil
}

// present tells what to try, and shows progress.
func (c runCommand) present(ctx context.Context) error {
	provider := rp.At(c.Listen)
	if !provider.BecomesReady(ctx) {
		return nil // stopped before it was ready
	}
	fmt.Printf(welcome, c.origin(), c.origin()+apipage.Prefix+"/", c.Listen, c.Data, clusterFlags{Data: c.Data}.command("create"))
	provider.Follow(ctx, os.Stdout)
	return nil
}

func (c runCommand) origin() string { return "https://" + c.Azure }
