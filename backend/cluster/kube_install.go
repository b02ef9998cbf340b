package cluster

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/openshift"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
)

// fewestWorkers is how many workers must be ready before anything that runs on
// workers is waited for.
const fewestWorkers = 2

func (s *steps) bootstrapComplete(ctx context.Context, w *pipeline.Work) error {
	return s.ask(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (string, error) { return kube.BootstrapComplete(ctx) })
}

func (s *steps) apiServerReady(ctx context.Context, w *pipeline.Work) error {
	return s.settled(ctx, w, "kube-apiserver")
}

func (s *steps) consoleReady(ctx context.Context, w *pipeline.Work) error {
	return s.settled(ctx, w, "console")
}

func (s *steps) ingressReady(ctx context.Context, w *pipeline.Work) error {
	return s.settled(ctx, w, "ingress")
}

// operatorsSettled waits for those who restart when certificates change.
func (s *steps) operatorsSettled(ctx context.Context, w *pipeline.Work) error {
	return s.settled(ctx, w, "kube-controller-manager", "kube-apiserver", "kube-scheduler", "console", "authentication")
}

// workersReady ends early when Azure has no room for a worker: OpenShift never
// tries such a machine again.
func (s *steps) workersReady(ctx context.Context, w *pipeline.Work) error {
	return s.ask(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (string, error) {
		missing, err := kube.WorkersReady(ctx, fewestWorkers)
		var full *openshift.CapacityError
		if errors.As(err, &full) {
			final := arm.QuotaExceeded
			final.Status = http.StatusBadRequest // no retry cures it
			return "", final.At("properties.workerProfiles[0].VMSize",
				"Azure cannot provide the worker %q: %s. Raise the quota or choose another size.", full.Machine, strings.TrimRight(full.Message, ".")).Because(err)
		}
		return missing, err
	})
}

func (s *steps) consoleExists(ctx context.Context, w *pipeline.Work) error {
	return s.ask(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (string, error) { return kube.ConsoleExists(ctx) })
}

func (s *steps) brandConsole(ctx context.Context, w *pipeline.Work) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.BrandConsole(ctx) })
}

// withoutPullSecret selects clusters that cannot pull what OpenShift's samples
// and operator catalogs refer to.
func withoutPullSecret(c *model.Cluster) bool { return c.Properties.ClusterProfile.PullSecret == "" }

// disableSamples is for clusters withoutPullSecret.
func (s *steps) disableSamples(ctx context.Context, w *pipeline.Work) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.DisableSamples(ctx) })
}

// disableOperatorHub is for clusters withoutPullSecret.
func (s *steps) disableOperatorHub(ctx context.Context, w *pipeline.Work) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.DisableOperatorHub(ctx) })
}

func (s *steps) disableUpdates(ctx context.Context, w *pipeline.Work) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.DisableUpdates(ctx) })
}

func (s *steps) clusterVersionReady(ctx context.Context, w *pipeline.Work) error {
	return s.ask(ctx, w, func(ctx context.Context, kube *openshift.Cluster) (string, error) { return kube.VersionReady(ctx) })
}

// withEncryptedWorkers selects clusters whose workers' disks have a key of the customer.
func withEncryptedWorkers(c *model.Cluster) bool { return workerEncryption(c) != "" }

func workerEncryption(c *model.Cluster) string {
	if len(c.Properties.WorkerProfiles) == 0 {
		return ""
	}
	return c.Properties.WorkerProfiles[0].DiskEncryptionSetID
}

// configureStorageClass is for clusters withEncryptedWorkers.
func (s *steps) configureStorageClass(ctx context.Context, w *pipeline.Work) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error {
		return kube.EncryptVolumes(ctx, workerEncryption(w.Cluster()))
	})
}

// removeFileStorageClass is for clusters with workload identities, whose storage
// accounts have no keys.
func (s *steps) removeFileStorageClass(ctx context.Context, w *pipeline.Work) error {
	return s.tell(ctx, w, func(ctx context.Context, kube *openshift.Cluster) error { return kube.RemoveFileStorageClass(ctx) })
}
