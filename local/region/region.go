// Package region is the service as in production, on one machine: what a local Azure
// that begins empty needs so that aro deploy rolls a region out into it. The instances of its scale
// sets are processes, its load balancer probes them, and Resource Manager reaches the
// service through it with a client certificate.
//
// It deploys nothing itself. Programs of a build are in the directory of its tag.
package region

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aro-rp/aro/local/cloud/cosmosdb"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/scaleset"
	"github.com/aro-rp/aro/local/cloud/state"
	"github.com/aro-rp/aro/local/instance"
	"github.com/aro-rp/aro/metrics/sink"
	"github.com/aro-rp/aro/store/cosmos/emulator"
)

// What every region here has in common.
const (
	Location = "eastus"
	// Group is the resource group of the region, in the service's subscription.
	Group = "rp-eastus"
	// Port of the load balancer and of the instances.
	Port = 8443
	// Host is the name at which Resource Manager finds the service.
	Host = "rp." + Location + "." + serviceDomain

	serviceDomain = "service.test"
	// PortalPort of the load balancer is that of the portal, SSHPort that of its SSH server.
	PortalPort, SSHPort = 8444, 2222
	// MetricsPath shows the metrics that the service sends, in the local Azure.
	MetricsPath = "/local/metrics/"
	// Domain below which clusters of the region have names.
	Domain = Location + "." + clusterDomain

	clusterDomain = "aroapp.test"
)

// Address is where Resource Manager finds the service.
func Address() string { return fmt.Sprintf("%s:%d", Host, Port) }

// Portal is the origin at which browsers reach the portal.
func Portal() string {
	return fmt.Sprintf("https://portal.%s.%s:%d", Location, serviceDomain, PortalPort)
}

// Options of a Region.
type Options struct {
	// Dir holds everything that is kept.
	Dir string
	// Addresses are the two ranges 127.N.0.0/16 and 127.N+1.0.0/16: endpoints of clusters
	// and instances get addresses of the first, public addresses come from the second.
	Addresses byte
	// Emulator is the directory in which the Cosmos DB emulator is installed.
	Emulator string
	// Keep makes the documents of databases outlive the region.
	Keep bool
	// Machines adds what virtual machines run on; without it there are only instances.
	Machines func(wires *network.Network) (network.Machines, error)
}

// Azure is the local Azure of a region, which began empty.
type Azure struct {
	Engine *resources.Engine
	Entra  *entra.Entra
	State  *state.DB
	Origin string
	// AuthorityFile has the certificate of its authority.
	AuthorityFile string
	// TenantID and SubscriptionID are those of the service.
	TenantID, SubscriptionID string
	// FirstParty is the first-party application, FirstPartySubject the name in its
	// certificate. DeployerID and DeployerSecret are the application that deploys.
	FirstParty, FirstPartySubject, DeployerID, DeployerSecret string
	// Portal is the portal's application, PortalSubject the name in its certificate;
	// PortalGroup and PortalElevated are those who may log in.
	Portal, PortalSubject, PortalGroup, PortalElevated string
	// Mount adds a handler below a path, OnClose what is closed with the local Azure.
	Mount   func(prefix string, handler http.Handler)
	OnClose func(func())
	Log     *slog.Logger
}

// Region is what a local Azure needs for one region of the service.
type Region struct {
	Options
	Azure Azure
	Wires *network.Network
	Host  *instance.Host
	// ARM and Engineer are who may call the service.
	ARM, Engineer Caller

	sets                *scaleset.Sets
	ctx                 context.Context
	stop, stopInstances context.CancelFunc
	work                sync.WaitGroup
}

// machines are the host as scale sets know it.
type machines struct{ *instance.Host }

func (m machines) Start(ctx context.Context, one scaleset.Machine) error {
	return m.Host.Start(ctx, instance.Machine(one))
}

// either finds a machine among the instances, then elsewhere.
type either struct {
	instances *instance.Host
	others    network.Machines
}

func (e either) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	if e.others == nil || e.instances.Has(id) {
		return e.instances.Dial(ctx, id, port)
	}
	return e.others.Dial(ctx, id, port)
}

// New opens the region in a directory. Plug adds it to a local Azure; what it starts then
// runs until the region is closed.
func New(o Options) (r *Region, err error) {
	r = &Region{Options: o}
	if r.ARM, err = openCaller(o.Dir, "arm"); err == nil {
		r.Engineer, err = openCaller(o.Dir, "engineer")
	}
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r, nil
}

// TLS is how Resource Manager reaches the service. The service is named, not the authority
// of its certificate: a vault got it.
func (r *Region) TLS() *tls.Config { return clientTLS(r.ARM) }

// Dial opens a connection to a public name or address.
func (r *Region) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return r.Wires.DialPublic(ctx, network, address)
}

// Plug adds scale sets, load balancers and databases to the local Azure, before it starts.
func (r *Region) Plug(a Azure) error {
	r.Azure = a
	r.Wires = network.New(a.Engine, a.Log)
	r.Wires.Public = r.prefix(1, 0, 0, wide)
	ctx, stop := context.WithCancel(r.ctx)
	r.stopInstances = stop
	r.Host = instance.NewHost(ctx, instance.Options{
		Dir: filepath.Join(r.Dir, "instances"), Log: a.Log, Programs: r.programs,
		Environment: func(m instance.Machine) []string { return a.Entra.MachineVariables(m.ID, m.Identities) },
	})
	all := either{instances: r.Host}
	if r.Machines != nil {
		var err error
		if all.others, err = r.Machines(r.Wires); err != nil {
			return err
		}
	}
	r.sets = scaleset.New(a.Engine, machines{r.Host}, r.Wires, a.Log)
	var keep *state.DB
	if r.Keep {
		keep = a.State
	}
	a.Mount(cosmosdb.Prefix, cosmosdb.New(cosmosdb.Options{Engine: a.Engine, Origin: a.Origin, Tokens: a.Entra, Keep: keep, Log: a.Log, Open: func(ctx context.Context, _ string) (http.Handler, error) {
		server, err := emulator.Start(ctx, r.Emulator)
		if err == nil {
			a.OnClose(server.Close)
		}
		return server, err
	}}))
	shown := sink.New(0, a.Log)
	a.Mount(MetricsPath, shown)
	r.work.Go(func() {
		if err := shown.Listen(r.ctx, r.metrics()); err != nil && r.ctx.Err() == nil {
			a.Log.Error("metrics of the service are lost", "error", err)
		}
	})
	r.work.Go(func() {
		if err := r.Wires.Run(r.ctx, all); err != nil {
			a.Log.Error("the network carries nothing", "error", err)
		}
	})
	return nil
}

// Resume starts the instances that there are, once the local Azure has started.
func (r *Region) Resume(ctx context.Context) error { return r.sets.Resume(ctx) }

// StopInstances asks the instances to end and waits until they have: they use Azure to
// the last.
func (r *Region) StopInstances() {
	if r.Host != nil {
		r.stopInstances()
		r.Host.Wait()
	}
}

// Close stops everything, the instances first, and waits until it has stopped. The local
// Azure is closed afterwards.
func (r *Region) Close() {
	r.StopInstances()
	r.stop()
	r.work.Wait()
}

// BuildDir is where a region in a directory looks for the programs of a build: aro, and
// what it starts.
func BuildDir(dir, tag string) string { return filepath.Join(dir, "builds", tag) }

// programs finds those of an image by its tag.
func (r *Region) programs(image string) (string, bool) {
	dir := BuildDir(r.Dir, image[strings.LastIndex(image, ":")+1:])
	info, err := os.Stat(dir)
	return dir, err == nil && info.IsDir()
}

// The lengths of ranges of addresses.
const (
	wide     = 16
	halfWide = 17
	narrow   = 24
	// upperHalf is the third number of the first address of the instances.
	upperHalf = 128
)

func (r *Region) prefix(n, third, fourth byte, bits int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{127, r.Addresses + n, third, fourth}), bits)
}

// Endpoints are the addresses of private endpoints.
func (r *Region) Endpoints() netip.Prefix { return r.prefix(0, 0, 0, halfWide) }

// instances are the addresses of instances.
func (r *Region) instances() netip.Prefix { return r.prefix(0, upperHalf, 0, narrow) }

// metrics is where the service sends metrics: an address of the range that has neither
// endpoints nor instances.
func (r *Region) metrics() string {
	return fmt.Sprintf("udp:%s:8125", r.prefix(0, upperHalf+1, 1, narrow).Addr())
}
