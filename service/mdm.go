package service

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/metrics"
)

// MDM says where the metrics of a process go beside /metrics: to the agent of Geneva.
type MDM struct {
	MDMSocket           string `name:"mdm-socket" env:"ARO_MDM_SOCKET" placeholder:"unix:PATH|udp:HOST:PORT" help:"Where the agent of Geneva (MDM) takes metrics. Default: unix:/var/etw/mdm_statsd.socket in production, else none."`
	MDMAccount          string `name:"mdm-account" env:"ARO_MDM_ACCOUNT" placeholder:"NAME" help:"Account of the service's own metrics."`
	MDMNamespace        string `name:"mdm-namespace" env:"ARO_MDM_NAMESPACE" placeholder:"NAME" help:"Namespace of the service's own metrics."`
	ClusterMDMAccount   string `name:"cluster-mdm-account" env:"ARO_CLUSTER_MDM_ACCOUNT" placeholder:"NAME" help:"Account of the metrics of clusters."`
	ClusterMDMNamespace string `name:"cluster-mdm-namespace" env:"ARO_CLUSTER_MDM_NAMESPACE" placeholder:"NAME" help:"Namespace of the metrics of clusters."`
	MDMEnvironment      string `name:"mdm-environment" env:"ARO_MDM_ENVIRONMENT" placeholder:"NAME" help:"Value of the dimension Environment of all metrics."`
	MDMQueue            int    `name:"mdm-queue" env:"ARO_MDM_QUEUE" default:"16384" help:"Metrics that wait while the agent takes none. Beyond that the oldest are dropped."`
}

const maxMDMQueue = 1 << 20

// Check notes what is wrong with it.
func (m *MDM) Check(f *Faults) {
	if _, err := metrics.ParseAddress(m.MDMSocket); m.MDMSocket != "" && err != nil {
		f.Add("--mdm-socket", "cannot be used: %v", err)
	}
	f.Within("--mdm-queue", m.MDMQueue, 0, maxMDMQueue)
}

// Open makes the emitters of s, which send while s runs. name is the process's, and
// build its version.
func (m *MDM) Open(s *Service, cfg *Config, name, build string) error {
	socket := m.MDMSocket
	if cfg.Production {
		socket = cmp.Or(socket, metrics.DefaultAddress)
	}
	if socket == "" {
		return nil
	}
	address, err := metrics.ParseAddress(socket)
	if err != nil {
		return fmt.Errorf("--mdm-socket: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	options := metrics.Options{Address: address, Queue: m.MDMQueue, Optional: !cfg.Production, Log: s.Log}
	common := map[string]string{"location": arm.NormalLocation(cfg.Location), "Environment": m.MDMEnvironment}
	clusters := options
	clusters.Account, clusters.Namespace, clusters.Dimensions = m.ClusterMDMAccount, m.ClusterMDMNamespace, common
	own := options
	own.Account, own.Namespace, own.Dimensions = m.MDMAccount, m.MDMNamespace,
		map[string]string{"hostname": host, "service": arm.ToLower(name), "version": build, "location": common["location"], "Environment": m.MDMEnvironment}
	for kind, o := range map[string]metrics.Options{"service": own, "clusters": clusters} {
		e := metrics.New(o)
		if err := e.Register(s.Metrics, kind); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
		s.fresh = append(s.fresh, e.Run)
		if kind == "service" {
			s.Own.Set(e)
		} else {
			s.Clusters.Set(e)
		}
	}
	s.fresh = append(s.fresh, func(ctx context.Context) error {
		return metrics.Beat(ctx, func(ctx context.Context) {
			if err := metrics.EmitProcess(s.Own, s.Metrics); err != nil {
				s.Log.WarnContext(ctx, "the process cannot be measured", "error", err)
			}
		})
	})
	return nil
}

// Maintenance emits that engineers work on a cluster, whose alerts may be theirs.
func Maintenance(to metrics.Emitter) func(ctx context.Context, resourceID string) {
	return func(ctx context.Context, resourceID string) {
		_ = metrics.Beat(ctx, func(context.Context) {
			to.EmitGauge("frontend.maintenance.unplanned", 1, map[string]string{"resourceId": resourceID})
		})
	}
}
