package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/aro-rp/aro/backend/openshift"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// recordClusterData stores what only the installer knew, and where the cluster is.
func (s *steps) recordClusterData(ctx context.Context, w *pipeline.Work) error {
	result, err := s.readGraph(ctx, w.Cluster())
	if err != nil {
		return err
	}
	domain := s.Env.FullDomain(w.Cluster().Properties.ClusterProfile.Domain)
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Properties.APIServerProfile.URL = "https://api." + domain + ":6443/"
		c.Properties.ConsoleProfile.URL = "https://console-openshift-console.apps." + domain + "/"
		c.Internal.KubeadminPassword = model.Secret(result.KubeadminPassword)
		c.Properties.NetworkProfile.SoftwareDefinedNetwork = result.NetworkType
		return nil
	})
}

// reconcileNetworkType follows a cluster that moved to another network plugin.
func (s *steps) reconcileNetworkType(ctx context.Context, w *pipeline.Work) error {
	var network string
	err := s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (err error) {
		network, err = kube.NetworkType(ctx)
		return err
	})
	if err != nil || network == "" {
		return err
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Properties.NetworkProfile.SoftwareDefinedNetwork == network {
			return store.ErrUnchanged
		}
		c.Properties.NetworkProfile.SoftwareDefinedNetwork = network
		return nil
	})
}

// recordWorkers stores the worker pools that the cluster has.
func (s *steps) recordWorkers(ctx context.Context, w *pipeline.Work) error {
	id, err := clusterID(w.Cluster())
	if err != nil {
		return err
	}
	var pools []openshift.Pool
	if err := s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (err error) {
		pools, err = kube.Pools(ctx)
		return err
	}); err != nil {
		return err
	}
	found := make([]model.WorkerProfile, len(pools))
	for i, p := range pools {
		found[i] = workersOf(p, id.SubscriptionID)
	}
	return w.Save(ctx, func(c *model.Cluster) error {
		if slices.EqualFunc(found, c.Properties.WorkerProfilesStatus, sameWorkers) {
			return store.ErrUnchanged
		}
		c.Properties.WorkerProfilesStatus = found
		return nil
	})
}

func sameWorkers(a, b model.WorkerProfile) bool {
	a.Unknown, b.Unknown = model.Unknown{}, model.Unknown{}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

func workersOf(p openshift.Pool, subscription string) model.WorkerProfile {
	worker := model.WorkerProfile{Name: p.Name, VMSize: p.VMSize, DiskSizeGB: p.DiskSizeGB, Count: p.Count,
		EncryptionAtHost: model.Disabled, DiskEncryptionSetID: p.DiskEncryptionSetID,
		SubnetID: "/subscriptions/" + subscription + "/resourceGroups/" + p.NetworkGroup +
			"/providers/Microsoft.Network/virtualNetworks/" + p.VirtualNetwork + "/subnets/" + p.Subnet}
	if p.EncryptionAtHost {
		worker.EncryptionAtHost = model.Enabled
	}
	return worker
}
