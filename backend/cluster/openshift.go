package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
)

// openShift waits for components within a cluster, and configures them.
type openShift struct {
	api   *clusterAPI
	env   *environment.Environment
	graph *graphStore
	now   func() time.Time
}

// fewestWorkers is the number of workers that must be ready before a step waits for components that
// run on workers.
const fewestWorkers = 2

func (s *openShift) bootstrapComplete(ctx context.Context, w *Work) error {
	return s.api.ask(ctx, w, "bootstrap", func(ctx context.Context, kube *openshift.Cluster) (string, error) { return kube.BootstrapComplete(ctx) })
}

func (s *openShift) apiServerReady(ctx context.Context, w *Work) error {
	return s.api.settled(ctx, w, "kube-apiserver")
}

func (s *openShift) consoleReady(ctx context.Context, w *Work) error {
	return s.api.settled(ctx, w, "console")
}

func (s *openShift) ingressReady(ctx context.Context, w *Work) error {
	return s.api.settled(ctx, w, "ingress")
}

// operatorsSettled waits for the operators that restart when certificates change.
func (s *openShift) operatorsSettled(ctx context.Context, w *Work) error {
	return s.api.settled(ctx, w, "kube-controller-manager", "kube-apiserver", "kube-scheduler", "console", "authentication")
}

// workersReady fails early when Azure has no capacity for a worker: OpenShift never retries such a
// machine.
func (s *openShift) workersReady(ctx context.Context, w *Work) error {
	return s.api.ask(ctx, w, "workers", func(ctx context.Context, kube *openshift.Cluster) (string, error) {
		missing, err := kube.WorkersReady(ctx, fewestWorkers)
		var full *openshift.CapacityError
		if errors.As(err, &full) {
			return "", arm.QuotaExceeded.At("properties.workerProfiles[0].vmSize",
				"Azure cannot provide the worker %q: %s. Raise the quota or choose another size.", full.Machine, strings.TrimRight(full.Message, ".")).Because(err)
		}
		return missing, err
	})
}

func (s *openShift) consoleExists(ctx context.Context, w *Work) error {
	return s.api.ask(ctx, w, "console", func(ctx context.Context, kube *openshift.Cluster) (string, error) { return kube.ConsoleExists(ctx) })
}

func (s *openShift) brandConsole(ctx context.Context, w *Work) error {
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.BrandConsole(ctx) })
}

// withoutPullSecret selects clusters that cannot pull what OpenShift's samples
// and operator catalogs refer to.
func withoutPullSecret(c *model.Cluster) bool { return c.Properties.ClusterProfile.PullSecret == "" }

// disableSamples is for clusters withoutPullSecret.
func (s *openShift) disableSamples(ctx context.Context, w *Work) error {
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.DisableSamples(ctx) })
}

// disableOperatorHub is for clusters withoutPullSecret.
func (s *openShift) disableOperatorHub(ctx context.Context, w *Work) error {
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.DisableOperatorHub(ctx) })
}

func (s *openShift) disableUpdates(ctx context.Context, w *Work) error {
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.DisableUpdates(ctx) })
}

func (s *openShift) clusterVersionReady(ctx context.Context, w *Work) error {
	return s.api.ask(ctx, w, "cluster version", func(ctx context.Context, kube *openshift.Cluster) (string, error) { return kube.VersionReady(ctx) })
}

// withEncryptedWorkers selects clusters whose worker disks are encrypted with a customer's key.
func withEncryptedWorkers(c *model.Cluster) bool { return workerEncryption(c) != "" }

func workerEncryption(c *model.Cluster) string {
	if len(c.Properties.WorkerProfiles) == 0 {
		return ""
	}
	return c.Properties.WorkerProfiles[0].DiskEncryptionSetID
}

// configureStorageClass is for clusters withEncryptedWorkers.
func (s *openShift) configureStorageClass(ctx context.Context, w *Work) error {
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		return kube.EncryptVolumes(ctx, workerEncryption(w.Resource()))
	})
}

// removeFileStorageClass is for clusters with workload identities, whose storage
// accounts have no keys.
func (s *openShift) removeFileStorageClass(ctx context.Context, w *Work) error {
	return s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.RemoveFileStorageClass(ctx) })
}

// recordClusterData stores values that the installer chose, and the cluster's addresses.
func (s *openShift) recordClusterData(ctx context.Context, w *Work) error {
	result, err := s.graph.readGraph(ctx, w.Resource())
	if err != nil {
		return err
	}
	domain := s.env.FullDomain(w.Resource().Properties.ClusterProfile.Domain)
	return w.Save(ctx, func(c *model.Cluster) error {
		c.Properties.APIServerProfile.URL = "https://api." + domain + ":6443/"
		c.Properties.ConsoleProfile.URL = "https://console-openshift-console.apps." + domain + "/"
		c.Internal.KubeadminPassword = model.Secret(result.KubeadminPassword)
		c.Properties.NetworkProfile.SoftwareDefinedNetwork = result.NetworkType
		return nil
	})
}

// reconcileNetworkType records the network plugin of a cluster that migrated to another one.
func (s *openShift) reconcileNetworkType(ctx context.Context, w *Work) error {
	return s.api.follow(ctx, w, (*openshift.Cluster).NetworkType, func(c *model.Cluster) *string {
		return &c.Properties.NetworkProfile.SoftwareDefinedNetwork
	})
}

// recordVersion records the version of a cluster that its administrators upgraded.
func (s *openShift) recordVersion(ctx context.Context, w *Work) error {
	return s.api.follow(ctx, w, (*openshift.Cluster).Version, func(c *model.Cluster) *string {
		return &c.Properties.ClusterProfile.Version
	})
}

// recordWorkers stores the worker pools that the cluster has.
func (s *openShift) recordWorkers(ctx context.Context, w *Work) error {
	var found []model.WorkerProfile
	if err := s.api.change(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (err error) {
		found, err = foundWorkers(ctx, w.Resource(), kube)
		return err
	}); err != nil {
		return err
	}
	now := s.now().UTC()
	return w.Save(ctx, func(c *model.Cluster) error { // the last of what is observed
		if !slices.EqualFunc(found, c.Properties.WorkerProfilesStatus, sameWorkers) {
			c.Properties.WorkerProfilesStatus = found
		}
		c.Internal.Observation = &model.Observation{At: now, TriedAt: now}
		return nil
	})
}

func foundWorkers(ctx context.Context, c *model.Cluster, kube *openshift.Cluster) ([]model.WorkerProfile, error) {
	id, err := clusterID(c)
	if err != nil {
		return nil, err
	}
	pools, err := kube.Pools(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]model.WorkerProfile, len(pools))
	for i, p := range pools {
		found[i] = workersOf(p, id.SubscriptionID)
	}
	return found, nil
}

func sameWorkers(a, b model.WorkerProfile) bool {
	a.Unknown, b.Unknown = model.Unknown{}, model.Unknown{}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

func workersOf(p openshift.Pool, subscription string) model.WorkerProfile {
	worker := model.WorkerProfile{Name: p.Name, VMSize: p.VMSize, DiskSizeGB: p.DiskSizeGB, Count: p.Count,
		EncryptionAtHost: model.Disabled, DiskEncryptionSetID: p.DiskEncryptionSetID}
	if p.NetworkGroup != "" && p.VirtualNetwork != "" && p.Subnet != "" { // who wrote the pool may have left it unfinished
		worker.SubnetID = "/subscriptions/" + subscription + "/resourceGroups/" + p.NetworkGroup +
			"/providers/Microsoft.Network/virtualNetworks/" + p.VirtualNetwork + "/subnets/" + p.Subnet
	}
	if p.EncryptionAtHost {
		worker.EncryptionAtHost = model.Enabled
	}
	return worker
}
