// Package openshift runs one cluster in the current process: an etcd, a
// kube-apiserver, a kube-controller-manager and simulated nodes, all from the
// Go modules of Kubernetes and etcd. Everything it needs to know is in the
// cluster's home.
//
// Kubernetes keeps process-wide state, so a process runs at most one cluster. This
// package starts no other process and knows nothing of other clusters.
package openshift

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aro-rp/aro/local/home"
)

// Run runs the cluster of the home in dir until ctx ends or a part of it fails.
// It changes the working directory of the process to dir.
func Run(ctx context.Context, dir string, log *slog.Logger) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("home of the cluster: %w", err)
	}
	// The path of a unix socket may have some 100 bytes; a relative one always fits.
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("home of the cluster: %w", err)
	}
	h := home.At(dir)
	spec, err := h.Spec()
	if err != nil {
		return err
	}
	// Half of the usual garbage: these processes idle, and there may be many.
	debug.SetGCPercent(50)
	api, manager, err := components(h, spec)
	if err != nil {
		return err
	}
	etcd, err := startEtcd(ctx, filepath.Join(dir, "etcd"))
	if err != nil {
		return err
	}
	defer etcd.Close()
	log.InfoContext(ctx, "etcd answers", "cluster", spec.ID)

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return etcdFailure(ctx, etcd) })
	g.Go(func() error { return api(ctx) })
	g.Go(func() error {
		client, err := connect(ctx, h)
		if err != nil {
			return err
		}
		log.InfoContext(ctx, "API server answers", "cluster", spec.ID)
		g.Go(func() error { return manager(ctx) })
		return newMachines(h, client, log).run(ctx)
	})
	return g.Wait()
}

// connect returns a client once the API server says that it is ready.
func connect(ctx context.Context, h home.Home) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", h.KubeconfigFile(home.Admin))
	if err != nil {
		return nil, fmt.Errorf("client of the API server: %w", err)
	}
	config.UserAgent = "aro-local"
	config.QPS, config.Burst = 50, 100 // creating the nodes of a big cluster is a burst
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client of the API server: %w", err)
	}
	for {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return client, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
