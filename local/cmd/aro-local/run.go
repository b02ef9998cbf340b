package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
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
	// noPortal as the portal's address starts none.
	noPortal = "none"
	// portalGrace lets the portal finish requests; shells do not keep it.
	portalGrace = 5 * time.Second
	// rpTries is how often the provider may fail to start before only a person helps.
	rpTries = 5
)

type runCommand struct {
	Data      string            `env:"ARO_DATA" default:".aro" type:"path" help:"Directory for everything that is kept: database, Azure, machines, logs."`
	Listen    string            `env:"ARO_LISTEN" default:"127.0.0.1:8080" help:"Address at which the resource provider listens. It must be a loopback address."`
	Azure     string            `env:"ARO_AZURE" default:"localhost:8443" help:"Name and port at which Azure answers. The name must be localhost."`
	Portal    string            `env:"ARO_PORTAL" placeholder:"localhost:PORT" help:"Name and port at which the portal answers. The name must be localhost. Default: the port after that of --azure. none starts no portal."`
	Addresses int               `env:"ARO_ADDRESSES" placeholder:"N" help:"Private endpoints get addresses of 127.N.0.0/16, public IPs of 127.(N+1).0.0/16; N is from 1 to 253. Each aro-local on a machine needs its own ranges. Set at the first start with a data directory. Default: 64."`
	Unlimited bool              `env:"ARO_UNLIMITED" help:"Do not throttle requests to Azure as Azure does."`
	Sign      bool              `name:"sign-operations" env:"ARO_SIGN_OPERATIONS" help:"Sign the URLs of operations as Azure does: they get 4 KB longer, and no others are accepted."`
	Look      time.Duration     `env:"ARO_LOOK_INTERVAL" default:"30s" help:"Age at which the version and the workers of a running cluster are read again, as for aro rp."`
	Monitor   bool              `env:"ARO_LOCAL_MONITOR" default:"true" negatable:"" help:"Run aro monitor, and show its metrics."`
	Operator  bool              `env:"ARO_LOCAL_OPERATOR" default:"true" negatable:"" help:"Run aro-operator, the program beside aro-local, in every cluster. Otherwise its pods are simulated."`
	RP        string            `name:"rp" env:"ARO_RP" type:"path" placeholder:"PATH" help:"The program aro. Default: the one beside aro-local."`
	Programs  map[string]string `name:"program" env:"ARO_PROGRAMS" mapsep:"," placeholder:"IMAGE=PATH" help:"A program to run for the containers of pods with an image, which is named without registry or tag. Other images are simulated."`
	Installer []string          `env:"ARO_INSTALLER" placeholder:"[MINOR=]PATH" help:"A program aro-installer, or a directory of several, as for aro rp. Default: the one beside aro-local."`
}

// Run starts everything and returns when everything has stopped.
func (c runCommand) Run(ctx context.Context, log *slog.Logger) error {
	quietKubernetes(os.Stderr)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := c.findPrograms(filepath.Dir(self)); err != nil {
		return err
	}
	reserved, err := c.reserve(ctx)
	if err != nil {
		return err
	}
	defer reserved.release()
	// Azure and its machines outlive the provider, so that it can finish what it is
	// doing. Until they have started there is nothing to finish.
	lower, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	opened := context.AfterFunc(ctx, stop)
	cloud, err := c.openCloud(lower, self, log)
	if ctx.Err() != nil {
		err = nil // the process was stopped by a signal
	}
	if err != nil || cloud == nil {
		return err
	}
	defer cloud.close()
	opened()
	programs := []*supervisor.Process{c.provider(cloud.identity, log)}
	if c.Portal != noPortal {
		programs = append(programs, c.portal(cloud.identity, log))
	}
	return c.serve(ctx, lower, cloud, reserved.azure, programs)
}

// quietKubernetes passes only errors of Kubernetes' libraries to the log.
func quietKubernetes(to io.Writer) {
	handler := slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn})
	klog.SetSlogLogger(slog.New(handler).With("component", "kubernetes"))
}

// serve returns once the programs have stopped, or a part failed.
func (c runCommand) serve(ctx, lower context.Context, cloud *localCloud, listeners []net.Listener, programs []*supervisor.Process) error {
	lower, stop := context.WithCancel(lower)
	defer stop()
	g, lower := errgroup.WithContext(lower)
	upper, cancel := context.WithCancel(ctx)
	context.AfterFunc(lower, cancel)
	for _, listener := range listeners {
		g.Go(func() error { return cloud.azure.Serve(lower, listener) })
	}
	var running sync.WaitGroup
	for _, program := range programs {
		running.Add(1)
		g.Go(func() error {
			defer running.Done()
			return program.Run(upper)
		})
	}
	if c.Monitor {
		running.Add(1)
		g.Go(func() error {
			defer running.Done()
			return c.watch(upper, cloud.identity, cloud.azure.Log)
		})
		g.Go(func() error { return cloud.metrics.Listen(lower, c.metricsSocket()) })
	}
	g.Go(func() error { // the last one needs Azure no more
		running.Wait()
		stop()
		return nil
	})
	g.Go(func() error { return c.present(upper) })
	context.AfterFunc(ctx, func() { fmt.Println("stopping; everything that was created is kept, and the next start resumes it") })
	return g.Wait()
}

// present prints the first commands to try, and shows progress.
func (c runCommand) present(ctx context.Context) error {
	provider := rp.At(c.Listen)
	provider.Trouble = func() error { return enoughDisk(c.Data, leastFree) }
	ready := provider.AwaitReady(ctx, func(reason error) {
		fmt.Printf("The resource provider is not ready yet: %v. Its log is %s.\n", reason, c.rpLog())
	})
	if !ready {
		return nil // stopped before it was ready
	}
	fmt.Printf(welcome, c.origin(), c.origin()+apipage.Prefix+"/", c.portalAddress(), c.Listen, c.metricsPage(), c.Data, clusterFlags{Data: c.Data}.command("create"))
	provider.Follow(ctx, os.Stdout)
	return nil
}

func (c runCommand) origin() string { return "https://" + c.Azure }

func (c runCommand) rpLog() string { return filepath.Join(c.Data, "logs", "rp.log") }
