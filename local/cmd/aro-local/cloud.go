package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/aro-rp/aro/local/apipage"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/hypervisor"
	"github.com/aro-rp/aro/local/rp"
	"github.com/aro-rp/aro/local/supervisor"
	"github.com/aro-rp/aro/metrics/sink"
)

// identity is an identity of users or of the provider in the local Azure. The file of the users'
// identity is for tools to read.
type identity struct {
	Origin         string `json:"origin"`
	CAFile         string `json:"caFile"`
	TenantID       string `json:"tenantId"`
	SubscriptionID string `json:"subscriptionId"`
	ClientID       string `json:"clientId"`
	ClientSecret   string `json:"clientSecret"`
	// Provider is HOST:PORT of the resource provider, whose admin API shows the progress of
	// operations.
	Provider string `json:"provider"`
}

// localCloud is the local Azure with its machines.
type localCloud struct {
	azure    *cloud.Azure
	identity identity // of the provider
	host     *hypervisor.Host
	machines *compute.Compute
	metrics  *sink.Sink // what the monitor says of clusters
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// openCloud prepares the local Azure for serving. It runs until it is closed or ctx ends.
func (c runCommand) openCloud(ctx context.Context, self string, log *slog.Logger) (*localCloud, error) {
	service, err := c.identity("service.json", cloud.ServiceSubscription, cloud.ServiceApplication)
	if err != nil {
		return nil, err
	}
	demo, err := c.identity("demo.json", cloud.CustomerSubscription, cloud.DemoApplication)
	if err != nil {
		return nil, err
	}
	l := &localCloud{identity: service, metrics: sink.New(0, log)}
	ctx, l.stop = context.WithCancel(ctx)
	l.azure, err = cloud.New(ctx, cloud.Options{
		Dir: filepath.Join(c.Data, "azure"), Origin: c.origin(), RPAddress: c.Listen, Portal: c.portalOrigin(), Private: c.addresses(0).String(), Unlimited: c.Unlimited, SignOperations: c.Sign,
		ServiceSecret: service.ClientSecret, DemoSecret: demo.ClientSecret, RegistryProgram: registryBeside(self),
		Plug: []func(context.Context, *cloud.Azure) error{
			func(_ context.Context, a *cloud.Azure) error { return c.plugMachines(ctx, l, a, self, log) },
			func(_ context.Context, a *cloud.Azure) error { return plugPage(a, demo) },
			func(_ context.Context, a *cloud.Azure) error { a.Mount(metricsPrefix, l.metrics); return nil },
		},
		Log: log,
	})
	if err == nil { // power on what a crash kept from its host
		err = l.machines.Resume(ctx)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// registryBeside is the program that keeps the images of registries. Without it there are none.
func registryBeside(self string) string { return filepath.Join(filepath.Dir(self), "aro-registry") }

// plugMachines adds networks that carry traffic and machines that boot.
func (c runCommand) plugMachines(ctx context.Context, l *localCloud, a *cloud.Azure, self string, log *slog.Logger) error {
	wires := network.New(a.Engine, log)
	wires.Public = c.addresses(1)
	l.azure = a
	if err := c.openMachines(ctx, l, wires, self); err != nil {
		return err
	}
	l.work.Go(func() {
		if err := wires.Run(ctx, l.host); err != nil {
			log.ErrorContext(ctx, "the network carries nothing", "error", err)
		}
	})
	return nil
}

// openMachines opens the host of machines on a network.
func (c runCommand) openMachines(ctx context.Context, l *localCloud, wires *network.Network, self string) error {
	a := l.azure
	host, err := hypervisor.Open(ctx, hypervisor.Options{
		Dir: filepath.Join(c.Data, "machines"), Network: wires, Authorities: a.Authority.Pool(), Log: a.Log,
		Programs: c.Programs, Container: []string{self, "container"},
		ControlPlane: []string{self, "control-plane", "--azure", c.origin(), "--azure-ca", c.caFile()},
	})
	if err != nil {
		return err
	}
	l.host = host
	l.machines = compute.New(compute.Options{Engine: a.Engine, Machines: host, Watch: wires.Watch, Origin: c.origin(), Offered: a.SizeOffered, Log: a.Log})
	a.Mount(compute.ConsolePrefix, l.machines.Console())
	return nil
}

// plugPage adds the API page, which uses the demo identity.
func plugPage(a *cloud.Azure, demo identity) error {
	tokens, err := demo.tokens(a.Client())
	if err != nil {
		return err
	}
	page, err := apipage.New(apipage.Options{Origin: a.Origin, Subscription: demo.SubscriptionID, Token: tokens, Client: a.Client(), Log: a.Log})
	if err != nil {
		return err
	}
	a.Mount(apipage.Prefix, page)
	return nil
}

// close stops machines and networks, and waits until they have.
func (l *localCloud) close() {
	l.stop()
	if l.host != nil {
		l.host.Wait()
	}
	l.work.Wait()
	if l.azure != nil {
		l.azure.Close()
	}
}

// identity reads the file of that name, or makes it at first start.
func (c runCommand) identity(name, subscription, client string) (identity, error) {
	path := filepath.Join(c.Data, name)
	id := identity{Origin: c.origin(), CAFile: c.caFile(), TenantID: cloud.TenantID, SubscriptionID: subscription, ClientID: client, ClientSecret: rand.Text(), Provider: c.Listen}
	content, err := os.ReadFile(path)
	if err == nil {
		var kept identity
		if err := json.Unmarshal(content, &kept); err != nil {
			return id, fmt.Errorf("%s: %w", path, err)
		}
		id.ClientSecret = kept.ClientSecret
	} else if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	content, err = json.MarshalIndent(id, "", "  ")
	if err != nil {
		return id, err
	}
	return id, os.WriteFile(path, append(content, '\n'), 0o600)
}

// pullSecret is for a registry that is never contacted: machines here pull no images, but the
// OpenShift installer requires a pull secret.
const pullSecret = `{"auths":{"registry.aroapp.test":{"auth":"bm9ib2R5Om5vdGhpbmc="}}}`

// addresses are the loopback addresses of this local Azure: first those of
// private endpoints, second the public ones.
func (c runCommand) addresses(n byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{127, byte(c.Addresses) + n, 0, 0}), 16)
}

// caFile is where the local Azure's authority is written.
func (c runCommand) caFile() string { return filepath.Join(c.Data, "azure", "ca.pem") }

// aboutPortal tells the provider where the portal is, if there is one.
func (c runCommand) aboutPortal() []string {
	if c.Portal == noPortal {
		return nil
	}
	_, port, _ := net.SplitHostPort(c.sshListen())
	return []string{"--portal-origin", c.portalOrigin(), "--portal-ssh-address", net.JoinHostPort("localhost", port)}
}

// provider is the child `aro rp`.
func (c runCommand) provider(id identity, log *slog.Logger) *supervisor.Process {
	vault := func(name string) string { return c.origin() + "/vaults/" + name }
	return &supervisor.Process{
		Name: "aro rp",
		Path: c.RP,
		Args: append([]string{
			"rp", "--listen", c.Listen, "--store", "sqlite:" + filepath.Join(c.Data, "aro.db"),
			"--cloud", c.origin(), "--ca-file", c.caFile(), "--installer", strings.Join(c.Installer, ","),
			"--tenant", id.TenantID, "--subscription", id.SubscriptionID, "--resource-group", cloud.ServiceGroup,
			"--location", "eastus", "--domain", "eastus.aroapp.test",
			"--client-id", id.ClientID, "--first-party-client-id", cloud.FirstPartyApplication,
			"--service-vault", vault("aro-svc"), "--cluster-vault", vault("aro-cls"), "--identity-vault", vault("aro-msi"),
			"--oidc-storage", c.origin() + "/blob/aroidc/$web", "--oidc-issuer", c.origin() + "/blob/aroidc/$web",
			"--look", c.Look.String(),
		}, c.aboutPortal()...),
		Env:         []string{"ARO_CLIENT_SECRET=" + id.ClientSecret, "ARO_PULL_SECRET=" + pullSecret},
		LogFile:     c.rpLog(),
		PIDFile:     c.rpPID(),
		Grace:       rpGrace,
		Ready:       rp.At(c.Listen).BecomesReady,
		GiveUpAfter: rpTries,
		Log:         log,
	}
}

// portal is the child `aro portal`, which uses the provider's database.
func (c runCommand) portal(id identity, log *slog.Logger) *supervisor.Process {
	return &supervisor.Process{
		Name: "aro portal",
		Path: c.RP,
		Args: []string{
			"portal", "--listen", c.portalListen(), "--origin", c.portalOrigin(), "--store", "sqlite:" + filepath.Join(c.Data, "aro.db"),
			"--cloud", c.origin(), "--ca-file", c.caFile(), "--tenant", id.TenantID, "--location", "eastus",
			"--client-id", id.ClientID, "--first-party-client-id", cloud.FirstPartyApplication, "--service-vault", c.origin() + "/vaults/aro-svc",
			"--portal-client-id", cloud.PortalApplication, "--access-groups", cloud.PortalGroup, "--elevated-groups", cloud.PortalElevatedGroup,
			"--ssh-listen", c.sshListen(),
		},
		Env:     []string{"ARO_CLIENT_SECRET=" + id.ClientSecret},
		LogFile: filepath.Join(c.Data, "logs", "portal.log"),
		PIDFile: c.portalPID(),
		Grace:   portalGrace,
		Log:     log,
	}
}

// portalListen is where the portal listens: its name is localhost, as Azure's is.
func (c runCommand) portalListen() string {
	_, port, _ := net.SplitHostPort(c.Portal) // reserve has checked it
	return net.JoinHostPort("127.0.0.1", port)
}

// sshListen is where the portal's SSH server listens: at the port after that of its pages.
func (c runCommand) sshListen() string {
	_, port, _ := net.SplitHostPort(c.Portal)
	n, _ := strconv.Atoi(port)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1))
}

// portalOrigin is where browsers reach the portal; empty for none.
func (c runCommand) portalOrigin() string {
	if c.Portal == noPortal {
		return ""
	}
	return "https://" + c.Portal
}

// portalAddress is the address of the portal.
func (c runCommand) portalAddress() string {
	if c.Portal == noPortal {
		return noPortal
	}
	return c.portalOrigin() + "/"
}

func (c runCommand) portalPID() string { return filepath.Join(c.Data, "portal.pid") }

func (c runCommand) rpPID() string { return filepath.Join(c.Data, "rp.pid") }
