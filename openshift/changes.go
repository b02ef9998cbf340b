package openshift

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	samplesv1 "github.com/openshift/api/samples/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// change reads the object, changes it, and writes the difference, if there is any.
// It writes no other members, because newer releases of OpenShift have members that
// the service does not know. After a conflict it reads again.
func (c *Cluster) change(ctx context.Context, object Object, change func()) error {
	key := keyOf(object)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		reflect.ValueOf(object).Elem().SetZero() // decoding adds to existing values
		return c.changeOnce(ctx, key, object, change)
	})
}

func (c *Cluster) changeOnce(ctx context.Context, key types.NamespacedName, object Object, change func()) error {
	if err := c.Get(ctx, key, object); err != nil {
		return fmt.Errorf("read %T %s: %w", object, key.Name, err)
	}
	before, _ := object.DeepCopyObject().(Object) // a copy has the same type
	change()
	if equality.Semantic.DeepEqual(before, object) {
		return nil
	}
	patch, err := difference(before, object)
	if err != nil {
		return fmt.Errorf("compare %T %s: %w", object, key.Name, err)
	}
	if err := c.Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("update %T %s: %w", object, key.Name, err)
	}
	return nil
}

// ensure is change for an object that may not exist.
func (c *Cluster) ensure(ctx context.Context, object Object, change func()) error {
	key := keyOf(object)
	err := c.change(ctx, object, change)
	if !apierrors.IsNotFound(err) {
		return err
	}
	reflect.ValueOf(object).Elem().SetZero()
	object.SetNamespace(key.Namespace)
	object.SetName(key.Name)
	change()
	if err := c.Create(ctx, object); err != nil {
		return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
	}
	return nil
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func within(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// BrandConsole sets the brand of the console.
func (c *Cluster) BrandConsole(ctx context.Context) error {
	console := &operatorv1.Console{ObjectMeta: named(singleton)}
	return c.change(ctx, console, func() { console.Spec.Customization.Brand = operatorv1.BrandAzureLegacy })
}

// DisableSamples removes the sample images, whose access needs a Red Hat pull secret.
func (c *Cluster) DisableSamples(ctx context.Context) error {
	samples := &samplesv1.Config{ObjectMeta: named(singleton)}
	return c.ensure(ctx, samples, func() { samples.Spec.ManagementState = operatorv1.Removed })
}

// catalogs are OpenShift's sources of operators.
var catalogs = []string{"certified-operators", "community-operators", "redhat-marketplace", "redhat-operators"}

// DisableOperatorHub disables OpenShift's sources of operators, for the same
// reason. Other sources are the customer's.
func (c *Cluster) DisableOperatorHub(ctx context.Context) error {
	hub := &configv1.OperatorHub{ObjectMeta: named(singleton)}
	return c.change(ctx, hub, func() {
		sources := slices.DeleteFunc(slices.Clone(hub.Spec.Sources), func(s configv1.HubSource) bool { return slices.Contains(catalogs, s.Name) })
		for _, name := range catalogs {
			sources = append(sources, configv1.HubSource{Name: name, Disabled: true})
		}
		hub.Spec.Sources = sources
	})
}

// DisableUpdates removes the cluster's update channel: its customer sets one.
func (c *Cluster) DisableUpdates(ctx context.Context) error {
	version := &configv1.ClusterVersion{ObjectMeta: named(clusterVersion)}
	return c.change(ctx, version, func() { version.Spec.Upstream, version.Spec.Channel = "", "" })
}

// The default storage class of a new cluster, the one whose disks are encrypted
// with the customer's key, and the annotation of the default class.
const (
	plainClass     = "managed-csi"
	encryptedClass = "managed-csi-encrypted-cmk"
	isDefault      = "storageclass.kubernetes.io/is-default-class"
)

// EncryptVolumes makes the storage class with the disk encryption set the default.
func (c *Cluster) EncryptVolumes(ctx context.Context, diskEncryptionSetID string) error {
	plain := &storagev1.StorageClass{ObjectMeta: named(plainClass)}
	if err := c.change(ctx, plain, func() { metav1.SetMetaDataAnnotation(&plain.ObjectMeta, isDefault, "false") }); err != nil {
		return err
	}
	reclaim, binding, expansion := corev1.PersistentVolumeReclaimDelete, storagev1.VolumeBindingWaitForFirstConsumer, true
	encrypted := &storagev1.StorageClass{ObjectMeta: named(encryptedClass)}
	return c.ensure(ctx, encrypted, func() {
		metav1.SetMetaDataAnnotation(&encrypted.ObjectMeta, isDefault, "true")
		encrypted.Provisioner = "disk.csi.azure.com"
		encrypted.Parameters = map[string]string{"kind": "Managed", "storageaccounttype": "Premium_LRS", "diskEncryptionSetID": diskEncryptionSetID}
		encrypted.ReclaimPolicy, encrypted.VolumeBindingMode, encrypted.AllowVolumeExpansion = &reclaim, &binding, &expansion
	})
}

// RemoveFileStorageClass removes the class that needs account keys.
func (c *Cluster) RemoveFileStorageClass(ctx context.Context) error {
	driver := &operatorv1.ClusterCSIDriver{ObjectMeta: named("file.csi.azure.com")}
	return c.change(ctx, driver, func() { driver.Spec.StorageClassState = operatorv1.RemovedStorageClass })
}

// NetworkType returns the network plugin of the cluster; empty if its status has none.
func (c *Cluster) NetworkType(ctx context.Context) (string, error) {
	var network configv1.Network
	if err := c.Get(ctx, types.NamespacedName{Name: singleton}, &network); err != nil {
		return "", fmt.Errorf("read the network: %w", err)
	}
	return network.Status.NetworkType, nil
}

// Version returns the release that the cluster runs or is updating to; empty if its
// status has none.
func (c *Cluster) Version(ctx context.Context) (string, error) {
	var version configv1.ClusterVersion
	if err := c.Get(ctx, types.NamespacedName{Name: clusterVersion}, &version); err != nil {
		return "", fmt.Errorf("read the cluster version: %w", err)
	}
	return version.Status.Desired.Version, nil
}

// RouterIP returns the address of the default router's load balancer; empty if it
// has none.
func (c *Cluster) RouterIP(ctx context.Context) (string, error) {
	var service corev1.Service
	if err := c.Get(ctx, types.NamespacedName{Namespace: "openshift-ingress", Name: "router-default"}, &service); err != nil {
		return "", fmt.Errorf("read the router's service: %w", err)
	}
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if ingress.IP != "" {
			return ingress.IP, nil
		}
	}
	return "", nil
}

// allowUpgrade allows the credentials operator to upgrade to a version although it
// cannot check identities.
const allowUpgrade = "cloudcredential.openshift.io/upgradeable-to"

// AllowUpgrade records that the cluster's identities have the roles for a version.
func (c *Cluster) AllowUpgrade(ctx context.Context, version string) error {
	credential := &operatorv1.CloudCredential{ObjectMeta: named(singleton)}
	return c.change(ctx, credential, func() { metav1.SetMetaDataAnnotation(&credential.ObjectMeta, allowUpgrade, version) })
}

// Absent reports whether err means that an object or its type does not exist.
func Absent(err error) bool { return absent(err) }

func absent(err error) bool { return apierrors.IsNotFound(err) }
