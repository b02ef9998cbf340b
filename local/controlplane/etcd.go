package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.etcd.io/etcd/server/v3/embed"
	"google.golang.org/protobuf/proto"
	"k8s.io/component-base/metrics/legacyregistry"

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
	showEtcdMetrics()
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

// showEtcdMetrics has the API server show etcd's metrics among its own: both are one process, and etcd listens where
// only that process reaches it. etcd keeps them for the whole process, however often it is started there.
var showEtcdMetrics = sync.OnceFunc(func() { legacyregistry.RawMustRegister(etcdMetrics{}) })

// etcdMetrics are etcd's own metrics.
type etcdMetrics struct{}

// Describe implements prometheus.Collector. etcd's metrics are known when they are collected.
func (etcdMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (etcdMetrics) Collect(to chan<- prometheus.Metric) {
	families, _ := prometheus.DefaultGatherer.Gather() // those that can be read
	for _, family := range families {
		name := family.GetName()
		if !strings.HasPrefix(name, "etcd_") || strings.HasPrefix(name, "etcd_debugging_") {
			continue
		}
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetName())
			}
			to <- gathered{prometheus.NewDesc(name, family.GetHelp(), labels, nil), metric}
		}
	}
}

// gathered is a metric that was read from another registry.
type gathered struct {
	desc   *prometheus.Desc
	metric *dto.Metric
}

// Desc implements prometheus.Metric.
func (g gathered) Desc() *prometheus.Desc { return g.desc }

// Write implements prometheus.Metric.
func (g gathered) Write(to *dto.Metric) error {
	proto.Merge(to, g.metric)
	return nil
}
