package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"

	"github.com/aro-rp/aro/local/controlplane/prepared"
)

const (
	// clientSocket is in the cluster's directory, which is private: etcd needs
	// neither certificates nor a port. It looks like HOST:PORT because etcd insists.
	clientSocket = "etcd.sock:2379"
	// peerSocket is beside it. No peer will ever call.
	peerSocket = "etcd.sock:2380"
	// etcdPatience bounds the start of etcd; replaying a log takes seconds at most.
	etcdPatience = time.Minute
)

// startEtcd returns once etcd serves what dir holds.
func startEtcd(ctx context.Context, dir string) (*embed.Etcd, error) {
	etcd, err := embed.StartEtcd(etcdConfig(dir))
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err = <-etcd.Err():
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(etcdPatience):
		err = fmt.Errorf("not ready after %s", etcdPatience)
	}
	etcd.Close()
	return nil, fmt.Errorf("etcd: %w", err)
}

func etcdConfig(dir string) *embed.Config {
	clients := []url.URL{{Scheme: "unix", Host: clientSocket}}
	peers := []url.URL{{Scheme: "unix", Host: peerSocket}}
	config := embed.NewConfig()
	config.Dir = dir
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = peers, peers
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// The only member wins every election; waiting for rivals is lost time. Each tick
	// wakes the process for as long as it lives.
	config.TickMs, config.ElectionMs = 50, 250
	// Few entries kept in memory: there is no slow follower to catch up.
	config.SnapshotCount, config.SnapshotCatchUpEntries = 2000, 500
	config.EnableGRPCGateway = false
	config.MaxTxnOps = prepared.MaxOperations
	config.LogLevel = "warn"
	// The disk and the cores are shared with many others; a second is worth a line.
	config.WarningUnaryRequestDuration, config.WarningApplyDuration = time.Second, time.Second
	return config
}

// etcdFailure returns when etcd stops by itself.
func etcdFailure(ctx context.Context, etcd *embed.Etcd) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-etcd.Err():
		return fmt.Errorf("etcd: %w", err)
	case <-etcd.Server.StopNotify():
		return errors.New("etcd stopped")
	}
}
