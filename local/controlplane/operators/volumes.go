package operators

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The CSI drivers of Azure's disks and files.
const (
	diskDriver = "disk.csi.azure.com"
	fileDriver = "file.csi.azure.com"
)

// Annotations by which Kubernetes' scheduler and volume controller request a volume from a driver,
// and record its provisioner.
const (
	selectedNode  = "volume.kubernetes.io/selected-node"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

// volumes stands in for Azure's CSI drivers: it makes the volumes that claims wait for. They have
// no disks, because no pod here mounts one.
func (o *operators) volumes(ctx context.Context) (time.Duration, error) {
	var claims corev1.PersistentVolumeClaimList
	if err := o.client.List(ctx, &claims); err != nil {
		return 0, err
	}
	var errs []error
	for i := range claims.Items {
		if err := o.provision(ctx, &claims.Items[i]); err != nil {
			errs = append(errs, fmt.Errorf("claim %s/%s: %w", claims.Items[i].Namespace, claims.Items[i].Name, err))
		}
	}
	var made corev1.PersistentVolumeList
	if err := o.client.List(ctx, &made); err != nil {
		return 0, err
	}
	for i := range made.Items {
		volume := &made.Items[i]
		if slices.Contains([]string{diskDriver, fileDriver}, volume.Annotations[provisionedBy]) && volume.Status.Phase == corev1.VolumeReleased &&
			volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete && volume.DeletionTimestamp == nil {
			errs = append(errs, client.IgnoreNotFound(o.client.Delete(ctx, volume)))
		}
	}
	return 0, errors.Join(errs...)
}

// provision makes a volume for a claim, once its pod has a node if its class waits
// for that.
func (o *operators) provision(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != "" || claim.Spec.StorageClassName == nil || claim.DeletionTimestamp != nil {
		return nil
	}
	var class storagev1.StorageClass
	if err := o.client.Get(ctx, client.ObjectKey{Name: *claim.Spec.StorageClassName}, &class); err != nil {
		return client.IgnoreNotFound(err)
	}
	waits := ptr.Deref(class.VolumeBindingMode, storagev1.VolumeBindingImmediate) == storagev1.VolumeBindingWaitForFirstConsumer
	if class.Provisioner != diskDriver && class.Provisioner != fileDriver || waits && claim.Annotations[selectedNode] == "" {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	return o.create(ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: class.Provisioner}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes: claim.Spec.AccessModes, VolumeMode: claim.Spec.VolumeMode, StorageClassName: class.Name, MountOptions: class.MountOptions,
			PersistentVolumeReclaimPolicy: ptr.Deref(class.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete),
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: class.Provisioner, VolumeHandle: "simulated/" + name}},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
		},
	})
}
