// Package controlplane runs the control plane of one cluster in the current process,
// as the bootstrap machine and the masters of OpenShift do: an etcd, a
// kube-apiserver and a kube-controller-manager from the Go modules of Kubernetes
// and etcd, the machine config server, and in place of OpenShift's operators
// controllers that report what they find. All that decides how they run is what
// Ignition wrote to the bootstrap machine's disk; see package bootstrap.
//
// Kubernetes keeps process-wide state, so a process runs at most one cluster.
// It creates no nodes: machines join from outside, as kubelets do.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/cache"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
	"github.com/aro-rp/aro/local/controlplane/machineconfig"
)

// Cluster is one control plane.
type Cluster struct {
	// Dir holds root/, the machine's disk, and ports.json, where to listen. All
	// that the control plane keeps is written here, too.
	Dir string
	// Azure is the origin of the cloud that machines are made in, as in
	// https://localhost:8443. Without it no machine is made.
	Azure string
	// AzureCAFile holds the authorities of Azure's certificate, in PEM; empty for
	// the system's.
	AzureCAFile string
	// Nodes is the address of an HTTP CONNECT proxy for the cluster's nodes. Without it their
	// kubelets cannot be reached.
	Nodes string
	Log   *slog.Logger
}

const (
	// garbageAtStart, in percent, spares the cores: a start is in a hurry, and half
	// of it would be the collector's. Later these processes idle, and there may be
	// many.
	garbageAtStart = 100
	garbageLater   = 30
	startTakes     = 12 * time.Second
	tidyEvery      = 5 * time.Minute
	// memoryAtStart bounds a start, as many clusters may start at the same time. It is far
	// above what a start needs: a limit that is near makes the collector take half of
	// the processor time.
	memoryAtStart = 600 << 20
)

// certifyEvery is far shorter than what every certificate has left.
const certifyEvery = 12 * time.Hour

// Run runs the cluster until ctx ends or a part of it fails. It changes the
// working directory of the process.
func (c Cluster) Run(ctx context.Context) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("directory of the cluster: %w", err)
	}
	// The path of a unix socket may have some 100 bytes; a relative one always fits.
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("directory of the cluster: %w", err)
	}
	c.Dir = dir
	debug.SetGCPercent(garbageAtStart)
	debug.SetMemoryLimit(memoryAtStart)
	exitUnlessStopped(ctx)
	p, err := c.prepare()
	if err != nil {
		return err
	}
	etcd, err := startEtcd(ctx, filepath.Join(dir, "etcd"))
	if err != nil {
		return err
	}
	defer etcd.Close()
	kv := v3client.New(etcd.Server)
	defer kv.Close() //nolint:errcheck // nothing waits to be written
	if p.filled, err = p.fill(ctx, kv); err != nil {
		return fmt.Errorf("contents of etcd: %w", err)
	}
	c.Log.InfoContext(ctx, "etcd answers")

	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return etcdFailure(running, etcd) })
	g.Go(func() error { return p.certify(running) })
	g.Go(func() error { return p.api(running) })
	g.Go(func() error { return p.install(running, g, kv) })
	if err := g.Wait(); ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	return nil // it was stopped
}

// plane is a cluster whose disk was read.
type plane struct {
	Cluster
	disk               bootstrap.Dir
	config             *bootstrap.Config
	ports              ports
	api                component
	manager, scheduler component
	serving            *named
	version            reported
	filled             bool // this process filled the cluster's etcd
	// constraints admit pods.
	constraints cache.SharedInformer
}

func (c Cluster) prepare() (*plane, error) {
	p := &plane{Cluster: c, disk: bootstrap.Dir(c.Dir)}
	var err error
	if p.ports, err = readPorts(c.Dir); err != nil {
		return nil, err
	}
	if p.config, err = p.disk.Read(); err != nil {
		return nil, err
	}
	p.version.set(p.config.Version)
	if err := p.disk.Certify(time.Now()); err != nil {
		return nil, err
	}
	if p.serving, err = newNamed(p.disk); err != nil {
		return nil, err
	}
	if p.manager, err = p.controllerManager(); err != nil {
		return nil, fmt.Errorf("kube-controller-manager: %w", err)
	}
	if p.scheduler, err = p.newScheduler(); err != nil {
		return nil, fmt.Errorf("kube-scheduler: %w", err)
	}
	// The programs share process-wide feature gates, of which the controller
	// manager changes one before the first use closes them: so it comes first.
	if p.api, err = p.apiServer(); err != nil {
		return nil, fmt.Errorf("kube-apiserver: %w", err)
	}
	return p, nil
}

// certify renews certificates that come to their end while the process runs; the
// API server and the clients of this process notice by themselves.
func (p *plane) certify(ctx context.Context) error {
	ticker := time.NewTicker(certifyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if err := p.disk.Certify(now); err != nil {
				return err
			}
		}
	}
}

// tidy returns the memory that only the start needed, and later what a burst of
// work did.
func (p *plane) tidy(ctx context.Context) error {
	for _, after := range []time.Duration{0, startTakes / 3, startTakes} {
		if pause(ctx, after) != nil {
			return nil //nolint:nilerr // told to stop
		}
		p.unload(ctx)
	}
	debug.SetGCPercent(garbageLater)
	debug.SetMemoryLimit(math.MaxInt64)
	for after := time.Duration(0); pause(ctx, after) == nil; after = tidyEvery {
		debug.FreeOSMemory()
		p.unload(ctx)
	}
	return nil
}

func (p *plane) unload(ctx context.Context) {
	if err := unload(); err != nil {
		p.Log.WarnContext(ctx, "the program's pages stay resident", "error", err)
	}
}

// install makes an OpenShift cluster of what the API server serves, then runs
// the parts that need it.
func (p *plane) install(ctx context.Context, g *errgroup.Group, kv *clientv3.Client) error {
	config, err := p.adminConfig()
	if err != nil {
		return err
	}
	if err := waitReady(ctx, config); err != nil {
		return err
	}
	p.Log.InfoContext(ctx, "API server answers", "port", p.ports.APIServer)
	g.Go(func() error {
		p.constraints.RunWithContext(ctx) // no earlier: after a failure it waits longer each time
		return nil
	})
	g.Go(func() error { return p.manager.unstopped(ctx) })
	if err := p.applyPayload(ctx, config); err != nil {
		return err
	}
	g.Go(func() error { return p.scheduler.unstopped(ctx) })
	p.Log.InfoContext(ctx, "manifests are applied", "version", p.config.Version)
	g.Go(func() error { return p.tidy(ctx) })
	defaults, err := p.defaults()
	if err != nil {
		return err
	}
	g.Go(func() error { return defaults.Keep(ctx, kv) })
	manager, err := p.controllers(config)
	if err != nil {
		return err
	}
	if err := addDaemons(manager, kv); err != nil {
		return err
	}
	g.Go(func() error {
		server := machineconfig.Server{Disk: p.disk, Reader: manager.GetClient(), Domain: p.config.Domain, Log: p.Log}
		if !manager.GetCache().WaitForCacheSync(ctx) {
			return nil // stopped before
		}
		return server.Run(ctx, p.ports.MachineConfig)
	})
	return manager.Start(ctx)
}
