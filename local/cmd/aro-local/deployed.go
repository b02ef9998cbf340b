package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/region"
	"github.com/aro-rp/aro/local/rp"
)

const (
	// deployGrace lets aro deploy finish what it is writing.
	deployGrace = 10 * time.Second
	// deployPoll is the time between two looks at the local Azure, which is quick.
	deployPoll = "1s"
	// handOver is longer than the load balancer takes to see that an instance is not ready, with time to close connections.
	handOver = "15s"
	// maxCapacity is more instances than a machine has memory for.
	maxCapacity = 20
	// cloudAddresses is N of the ranges of the first aro-local cloud on a machine.
	cloudAddresses = 96
)

// cloudCommand runs the service as in production: deployed by aro deploy.
type cloudCommand struct {
	Data      string   `env:"ARO_CLOUD_DATA" default:".aro-cloud" type:"path" help:"Directory for everything that is kept: Azure, databases, instances, machines, logs."`
	Azure     string   `env:"ARO_CLOUD_AZURE" default:"localhost:9443" help:"Name and port at which Azure answers. The name must be localhost."`
	Addresses int      `env:"ARO_CLOUD_ADDRESSES" placeholder:"N" help:"Private endpoints and instances get addresses of 127.N.0.0/16, public IPs of 127.(N+1).0.0/16; N is from 1 to 253. Set at the first start with a data directory. Default: 96."`
	Capacity  int      `env:"ARO_CLOUD_CAPACITY" default:"2" help:"Number of instances of the service."`
	Build     string   `env:"ARO_CLOUD_BUILD" placeholder:"TAG" help:"Name of the build that --aro is. Default: that of aro-local."`
	Program   string   `name:"aro" env:"ARO_CLOUD_ARO" type:"path" placeholder:"PATH" help:"The program aro, which deploys and is deployed. Default: the one beside aro-local."`
	Installer []string `env:"ARO_CLOUD_INSTALLER" placeholder:"[MINOR=]PATH" help:"A program aro-installer, or a directory of several, as for aro rp. Default: the one beside aro-local."`
	Operator  bool     `env:"ARO_CLOUD_OPERATOR" default:"true" negatable:"" help:"Run aro-operator, the program beside aro-local, in every cluster. Otherwise its pods are simulated."`
	Emulator  string   `env:"ARO_CLOUD_EMULATOR" default:".cache/cosmos-emulator" type:"path" help:"Directory of the Cosmos DB emulator. The first time, it is installed there, which needs Node.js 20 with npm."`
}

// base is what this command has in common with run.
func (c cloudCommand) base() runCommand {
	run := runCommand{Data: c.Data, Azure: c.Azure, Portal: noPortal, Addresses: c.Addresses, Unlimited: true, Operator: c.Operator, RP: c.Program, Installer: c.Installer}
	if run.Addresses == 0 {
		run.Addresses = cloudAddresses
	}
	return run
}

// Run deploys the service, and keeps everything running until ctx ends.
func (c cloudCommand) Run(ctx context.Context, log *slog.Logger) error {
	quietKubernetes(os.Stderr)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	run := c.base()
	if err := run.findPrograms(filepath.Dir(self)); err != nil {
		return err
	}
	c.Program, c.Installer = run.RP, run.Installer
	if c.Build == "" {
		c.Build = version
	}
	if name, port, err := net.SplitHostPort(c.Azure); err != nil || name != "localhost" || port == "" {
		return valueError{fmt.Errorf("--azure must be localhost:PORT, not %q", c.Azure)}
	}
	if c.Capacity < 1 || c.Capacity > maxCapacity {
		return valueError{fmt.Errorf("--capacity must be from 1 to %d, not %d", maxCapacity, c.Capacity)}
	}
	reserved, err := run.take(ctx, run.takeData, run.takeAddresses, run.listen)
	if err != nil {
		return err
	}
	defer reserved.release()
	// What is below outlives the instances, which use it to the last.
	lower, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	l := &localCloud{stop: stop}
	defer l.close()
	d, err := c.open(lower, &run, l, self, log)
	if err != nil {
		return err
	}
	defer d.Close()
	return c.serve(ctx, l.azure, d, reserved.azure)
}

// open opens the local Azure and the region with its machines.
func (c cloudCommand) open(ctx context.Context, run *runCommand, l *localCloud, self string, log *slog.Logger) (*region.Region, error) {
	service, err := run.identity("service.json", cloud.ServiceSubscription, cloud.ServiceApplication)
	if err != nil {
		return nil, err
	}
	demo, err := run.identity("demo.json", cloud.CustomerSubscription, cloud.DemoApplication)
	if err != nil {
		return nil, err
	}
	// They may be newer than at the last start, and instances start with them.
	if err := c.provide(region.BuildDir(c.Data, c.Build)); err != nil {
		return nil, err
	}
	options := region.Options{Dir: c.Data, Addresses: byte(run.Addresses), Emulator: c.Emulator, Keep: true} //nolint:gosec // settleAddresses has checked it
	options.Machines = func(wires *network.Network) (network.Machines, error) {
		err := run.openMachines(ctx, l, wires, self)
		return l.host, err
	}
	d, err := region.New(options)
	if err != nil {
		return nil, err
	}
	_, err = cloud.New(ctx, cloud.Options{
		Dir: filepath.Join(c.Data, "azure"), Origin: run.origin(), Empty: true, Unlimited: true, Log: log, Private: d.Endpoints().String(), Portal: region.Portal(),
		ServiceSecret: service.ClientSecret, DemoSecret: demo.ClientSecret, RegistryProgram: registryBeside(self), RPAddress: region.Address(), RPTLS: d.TLS(), RPDial: d.Dial,
		Plug: []func(context.Context, *cloud.Azure) error{func(_ context.Context, a *cloud.Azure) error {
			l.azure = a
			return d.Plug(region.Azure{
				Engine: a.Engine, Entra: a.Entra, State: a.State, Origin: a.Origin, AuthorityFile: a.Authority.File(), TenantID: cloud.TenantID, SubscriptionID: cloud.ServiceSubscription,
				FirstParty: cloud.FirstPartyApplication, FirstPartySubject: cloud.FirstPartySubject, DeployerID: service.ClientID, DeployerSecret: service.ClientSecret,
				Portal: cloud.PortalApplication, PortalSubject: cloud.PortalSubject, PortalGroup: cloud.PortalGroup, PortalElevated: cloud.PortalElevatedGroup,
				Mount: a.Mount, OnClose: a.OnClose, Log: log,
			})
		}},
	})
	if err == nil {
		err = errors.Join(d.Resume(ctx), l.machines.Resume(ctx))
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// installers is the directory of a build with several installers, beside aro, and instancePrograms where an instance
// has what is in a build, as deploy/machine says.
const installers, instancePrograms = "installers", "/opt/aro/bin"

// provide puts the programs of the build to where instances get them.
func (c cloudCommand) provide(dir string) error {
	programs, err := c.programs()
	if err == nil {
		err = os.RemoveAll(filepath.Join(dir, installers))
	}
	for name, path := range programs {
		if err == nil {
			err = copyProgram(path, filepath.Join(dir, name))
		}
	}
	if err != nil {
		return fmt.Errorf("build %s: %w", c.Build, err)
	}
	return nil
}

// programs are those of the build, by their names in it: one installer is beside aro, several are in a directory.
func (c cloudCommand) programs() (map[string]string, error) {
	all := map[string]string{"aro": c.Program}
	for n, name := range c.Installer {
		if _, path, stated := strings.Cut(name, "="); stated {
			name = path
		}
		entries, err := os.ReadDir(name)
		switch {
		case err == nil:
			for _, entry := range entries {
				if path := filepath.Join(name, entry.Name()); executable(path, "--installer") == nil {
					all[filepath.Join(installers, fmt.Sprintf("%d-%s", n, entry.Name()))] = path
				}
			}
		case !errors.Is(err, syscall.ENOTDIR):
			return nil, fmt.Errorf("--installer: %w", err)
		case len(c.Installer) == 1:
			all["aro-installer"] = name
		default:
			all[filepath.Join(installers, fmt.Sprintf("%d-%s", n, filepath.Base(name)))] = name
		}
	}
	return all, nil
}

// copyProgram copies a program, whole or not at all.
func copyProgram(from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}

// serve deploys, says what to try, and returns when ctx ended and the instances have, or
// a part failed.
func (c cloudCommand) serve(ctx context.Context, azure *cloud.Azure, d *region.Region, listeners []net.Listener) error {
	lower, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, lower := errgroup.WithContext(lower)
	upper, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(lower, cancel)
	for _, listener := range listeners {
		g.Go(func() error { return azure.Serve(lower, listener) })
	}
	g.Go(func() error {
		defer stop()
		err := c.deploy(upper, d)
		if err == nil {
			c.present(upper, d)
			<-upper.Done()
		}
		if upper.Err() != nil {
			err = nil // a signal stopped it
			fmt.Println("stopping, while the instances hand over; everything that was created is kept, and the next start resumes it")
		}
		d.StopInstances()
		return err
	})
	return g.Wait()
}

// deploy runs aro deploy and fills the catalogue of OpenShift versions.
func (c cloudCommand) deploy(ctx context.Context, d *region.Region) error {
	environment, err := c.configure(ctx, d)
	if err != nil {
		return err
	}
	fmt.Printf("\n$ aro deploy --build %s %s\n", c.Build, region.Location)
	command := exec.CommandContext(ctx, c.Program, "deploy", "--build", c.Build, region.Location)
	command.Env = append(command.Environ(), environment...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Cancel, command.WaitDelay = func() error { return command.Process.Signal(syscall.SIGTERM) }, deployGrace
	if err := command.Run(); err != nil {
		return fmt.Errorf("aro deploy: %w; what the instances logged is below %s", err, filepath.Join(c.Data, "instances"))
	}
	return d.Offer(ctx)
}

// configure writes what aro deploy reads: its configuration, and the environment of the
// deployer, which a shell can read, too.
func (c cloudCommand) configure(ctx context.Context, d *region.Region) ([]string, error) {
	file := filepath.Join(c.Data, "deploy.yaml")
	variables := map[string]string{"ARO_DRAIN": handOver, "ARO_PULL_SECRET": pullSecret}
	if _, err := os.Stat(filepath.Join(region.BuildDir(c.Data, c.Build), installers)); err == nil {
		variables["ARO_INSTALLER"] = instancePrograms + "/" + installers
	}
	content, err := d.Configuration(ctx, map[string]any{"capacity": c.Capacity, "healthPatienceMinutes": 5}, variables)
	if err != nil {
		return nil, err
	}
	environment := append(d.Deployer(), "ARO_DEPLOY_CONFIG="+file, "ARO_DEPLOY_POLL="+deployPoll)
	if err := os.WriteFile(filepath.Join(c.Data, "deployer.env"), []byte(strings.Join(environment, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	return environment, os.WriteFile(file, content, 0o600)
}

// present says what to try, and shows progress.
func (c cloudCommand) present(ctx context.Context, d *region.Region) {
	fmt.Printf(cloudWelcome, c.base().origin(), region.Address(), d.Frontend(ctx), c.Capacity, c.Build, shownPath(c.Data), os.Args[0],
		region.Portal(), c.base().origin()+region.MetricsPath)
	service := rp.Reached(d.URL(""), d.Client(d.Engineer))
	service.Follow(ctx, os.Stdout)
}

// shownPath is a path as a person in the working directory writes it.
func shownPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	return short
}
